//! Wakers that notify the FreeRTOS task whose future they were made for.

use core::ptr::null_mut;
use core::task::{RawWaker, RawWakerVTable, Waker};

use cortex_m::peripheral::SCB;

use crate::ffi::{self, TaskHandle};

static VTABLE: RawWakerVTable =
    RawWakerVTable::new(|task| RawWaker::new(task, &VTABLE), wake, wake, |_| ());

/// The waker of the task that runs.
pub(crate) fn of_current_task() -> Waker {
    let task = ffi::xTaskGetCurrentTaskHandle();
    // SAFETY: tasks are statics, so a handle may be copied and kept; waking is sound in any context.
    unsafe { Waker::from_raw(RawWaker::new(task.cast(), &VTABLE)) }
}

/// Within a critical section of Rust the switch to the woken task waits, as PendSV is masked, and
/// FreeRTOS's own critical section inside leaves it so: it restores BASEPRI, not PRIMASK.
fn wake(task: *const ()) {
    let task: TaskHandle = task.cast_mut().cast();
    if in_interrupt() {
        let mut woken = 0;
        // SAFETY: `task` is a task, and interrupts have priorities that may call this (see `run`).
        unsafe { ffi::vTaskGenericNotifyGiveFromISR(task, ffi::FIRST, &mut woken) };
        if woken != 0 {
            SCB::set_pendsv();
        }
    } else {
        // SAFETY: `task` is a task, and no interrupt handler runs.
        unsafe { ffi::xTaskGenericNotify(task, ffi::FIRST, 0, ffi::INCREMENT, null_mut()) };
    }
}

/// Armv7-M Architecture Reference Manual, B3.2.4: VECTACTIVE, bits 8 to 0 of ICSR, is 0 in tasks.
fn in_interrupt() -> bool {
    // SAFETY: reading ICSR changes nothing.
    unsafe { (*SCB::PTR).icsr.read() & 0x1ff != 0 }
}
