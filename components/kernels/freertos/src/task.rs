//! A service as a FreeRTOS task: polls the service's future, and sleeps until it is notified.

use core::convert::Infallible;
use core::ffi::{CStr, c_void};
use core::mem::MaybeUninit;
use core::pin::Pin;
use core::task::{Context, Poll};

use static_cell::ConstStaticCell;
use tarsia_future_room::FutureRoom;

use crate::layout::TASK_WORDS;
use crate::{ffi, waker};

/// All services have the same priority, above the idle task's, which is 0.
const PRIORITY: u32 = 1;

/// A task with a stack of `STACK` bytes.
pub struct Task<const STACK: usize>(ConstStaticCell<Memory<STACK>>);

/// What FreeRTOS needs for a task. Stacks are aligned as the AAPCS wants them.
#[repr(C, align(8))]
pub(crate) struct Memory<const STACK: usize> {
    pub(crate) stack: MaybeUninit<[u8; STACK]>,
    pub(crate) control: MaybeUninit<[u32; TASK_WORDS]>,
}

impl<const STACK: usize> Memory<STACK> {
    pub(crate) const STACK_WORDS: u32 = {
        assert!(STACK % 8 == 0, "stacks are multiples of 8 bytes");
        (STACK / 4) as u32
    };

    pub(crate) const fn new() -> Self {
        Self { stack: MaybeUninit::uninit(), control: MaybeUninit::uninit() }
    }
}

impl<const STACK: usize> Task<STACK> {
    /// A task yet to be created.
    #[expect(clippy::new_without_default, reason = "a default is not const, and tasks are statics")]
    pub const fn new() -> Self {
        Self(ConstStaticCell::new(Memory::new()))
    }

    /// Creates the task, which runs `service` with `parts` as soon as the kernel runs. Its future
    /// is made here and polled in the task alone, so that only what it is made from must be `Send`.
    /// FreeRTOS keeps the first 15 bytes of the task's `name`.
    ///
    /// # Panics
    /// The second time.
    pub fn create<const SIZE: usize, A: Send, F>(
        &'static self,
        name: &CStr,
        room: &'static FutureRoom<SIZE>,
        service: fn(A) -> F,
        parts: A,
    ) where
        F: Future<Output: Into<Infallible>> + 'static,
    {
        let memory = self.0.take();
        // SAFETY: the address of what is pinned may be known; `main` takes it for what it is.
        let future: *mut F = unsafe { room.place(service, parts).get_unchecked_mut() };
        // SAFETY: memory and future are the task's own from now on; FreeRTOS copies the name.
        unsafe {
            ffi::xTaskCreateStatic(
                main::<F>,
                name.as_ptr(),
                Memory::<STACK>::STACK_WORDS,
                future.cast(),
                PRIORITY,
                memory.stack.as_mut_ptr().cast(),
                memory.control.as_mut_ptr().cast(),
            );
        }
    }
}

extern "C" fn main<F: Future<Output: Into<Infallible>>>(future: *mut c_void) -> ! {
    // SAFETY: `create` passes a pinned future of this type, to one task.
    let mut future = unsafe { Pin::new_unchecked(&mut *future.cast::<F>()) };
    let waker = waker::of_current_task();
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(never) = future.as_mut().poll(&mut context) {
            match never.into() {}
        }
        ffi::ulTaskGenericNotifyTake(ffi::FIRST, 1, ffi::FOREVER);
    }
}
