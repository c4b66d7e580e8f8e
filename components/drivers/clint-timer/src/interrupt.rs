//! The machine timer's interrupt, on the one architecture that has it.

use riscv::interrupt::Interrupt;
use riscv::register::mie;

use crate::CLOCK;

/// Lets the timer interrupt the hart.
pub(crate) fn enable() {
    // SAFETY: the handler below is linked in, and `init`, which calls this, holds no critical section.
    unsafe {
        mie::set_mtimer();
        riscv::interrupt::enable();
    }
}

#[riscv_rt::core_interrupt(Interrupt::MachineTimer)]
fn machine_timer() {
    critical_section::with(|cs| CLOCK.wake_due(cs));
}
