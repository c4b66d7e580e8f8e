//! Services as FreeRTOS tasks: each polls its service's future on a stack of its own, sleeps by a
//! notification, and is preempted. FreeRTOS itself is C, of which
//! component.yaml says what is compiled; it owns SysTick, PendSV and SVCall.
#![no_std]

mod ffi;
mod kernel;
mod layout;
mod task;
mod timer;
mod waker;

pub use kernel::run;
pub use tarsia_future_room::{FutureRoom, size_of_future};
pub use task::Task;
