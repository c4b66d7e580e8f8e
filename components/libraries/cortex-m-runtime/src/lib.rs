//! What every Cortex-M image stands on: `cortex-m-rt` (entry, vectors), the critical section of a
//! single core, and what happens when firmware fails: it says why, and the chip starts afresh.
#![no_std]

use core::panic::PanicInfo;

use cortex_m::peripheral::SCB;
use cortex_m_rt::{ExceptionFrame, exception};

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    cortex_m::interrupt::disable();
    tarsia_panic_output::say(format_args!("{info}"));
    SCB::sys_reset()
}

/// Bus, memory and usage faults escalate to this one, as nothing enables them by themselves
/// (Armv7-M Architecture Reference Manual, chapter B1, Priority escalation).
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    tarsia_panic_output::say(format_args!(
        "hard fault at {:#010x}, called from {:#010x}",
        frame.pc(),
        frame.lr()
    ));
    SCB::sys_reset()
}
