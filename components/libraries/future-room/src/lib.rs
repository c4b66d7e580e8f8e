//! Room for a future as a static of its own. On a stack its bytes would be nobody's, and whether
//! they fit would be known when they did not; a static has a name, an owner and a size in the image.
#![cfg_attr(not(test), no_std)]

use core::mem::MaybeUninit;
use core::pin::Pin;

use static_cell::ConstStaticCell;

/// The size in bytes of the future that an async function returns: what its [`FutureRoom`] needs.
pub const fn size_of_future<A, F: Future>(_function: fn(A) -> F) -> usize {
    size_of::<F>()
}

/// Room for one future of at most `SIZE` bytes.
pub struct FutureRoom<const SIZE: usize>(ConstStaticCell<Bytes<SIZE>>);

/// Aligned for every type of 32-bit Arm and RISC-V.
#[repr(align(8))]
struct Bytes<const SIZE: usize>(MaybeUninit<[u8; SIZE]>);

impl<const SIZE: usize> FutureRoom<SIZE> {
    /// Room for a future yet to be made.
    #[expect(clippy::new_without_default, reason = "a default is not const, and rooms are statics")]
    pub const fn new() -> Self {
        Self(ConstStaticCell::new(Bytes(MaybeUninit::uninit())))
    }

    /// Calls `function` and keeps its future here for ever.
    ///
    /// # Panics
    /// The second time. A future that does not fit does not compile.
    #[expect(clippy::mut_from_ref, reason = "a room is given once, as a static cell is")]
    pub fn place<A, F: Future>(
        &'static self,
        function: fn(A) -> F,
        argument: A,
    ) -> Pin<&'static mut F> {
        const { assert!(size_of::<F>() <= SIZE && align_of::<F>() <= align_of::<Bytes<SIZE>>()) }
        let room = self.0.take().0.as_mut_ptr().cast::<MaybeUninit<F>>();
        // SAFETY: the bytes are large enough and aligned, as was asserted, and nobody else's.
        let future = unsafe { &mut *room }.write(function(argument));
        // SAFETY: nothing else reaches the bytes, ever, so the future stays where it is.
        unsafe { Pin::new_unchecked(future) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::task::{Context, Poll, Waker};

    async fn sum(numbers: [u64; 4]) -> u64 {
        core::future::ready(()).await;
        numbers.iter().sum()
    }

    #[test]
    fn what_was_placed_runs_where_it_is() {
        static ROOM: FutureRoom<{ size_of_future(sum) }> = FutureRoom::new();
        let future = ROOM.place(sum, [1, 2, 3, 4]);
        let at = (&raw const *future).addr() - (&raw const ROOM).addr();
        assert!(at + size_of_val(&*future) <= size_of_val(&ROOM));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(future.poll(&mut context), Poll::Ready(10));
    }

    #[test]
    #[should_panic(expected = "already taken")]
    fn a_room_is_for_one() {
        static ROOM: FutureRoom<{ size_of_future(sum) }> = FutureRoom::new();
        let _first = ROOM.place(sum, [0; 4]);
        let _second = ROOM.place(sum, [0; 4]);
    }
}
