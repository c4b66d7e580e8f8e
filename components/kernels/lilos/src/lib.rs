//! Services as futures of lilos, run by its loop and woken by embassy-time's queue: of lilos only
//! the executor is used, not its timers.
#![no_std]

use core::convert::Infallible;
use core::pin::Pin;
use core::task::{Context, Poll};

use cortex_m::interrupt;

pub use lilos::exec::{ALL_TASKS, run_tasks};
pub use tarsia_future_room::{FutureRoom, size_of_future};

/// A service's future, in the shape in which lilos wants its tasks.
///
/// lilos masks interrupts outside of sleep, so that none can wake a task between its last look and
/// its sleep; but a service that computes for longer than a tick would make time stand still. So
/// interrupts are masked around services, and not within.
pub struct Task<F: 'static>(pub Pin<&'static mut F>);

impl<F: Future<Output: Into<Infallible>>> Future for Task<F> {
    type Output = Infallible;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Infallible> {
        // SAFETY: this is no critical section but lilos's loop. What its tasks share with interrupt
        // handlers is wakers, which are atomic, and what is behind critical sections.
        unsafe { interrupt::enable() };
        let polled = self.0.as_mut().poll(context);
        interrupt::disable();
        polled.map(Into::into)
    }
}
