//! What RISC-V firmware starts with and ends in. Linking this crate brings the entry point and the
//! trap handling of `riscv-rt` and the critical section of `riscv`, for one hart.
#![no_std]

use core::panic::PanicInfo;

use riscv::register::{mcause, mepc, mtval};
use riscv_rt as _;

/// Says what went wrong, on the console if there is one, and stops the hart. The architecture has
/// no reset of its own: that is the watchdog's part.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    riscv::interrupt::disable();
    tarsia_panic_output::say(format_args!("{info}"));
    loop {
        riscv::asm::wfi();
    }
}

/// An exception nobody handles is a bug, and as such worth the same words as a panic.
#[unsafe(export_name = "ExceptionHandler")]
fn exception() -> ! {
    panic!(
        "exception {} at {:#x}, value {:#x}",
        mcause::read().code(),
        mepc::read(),
        mtval::read()
    );
}

/// An interrupt nobody handles would come again and again.
#[unsafe(export_name = "DefaultHandler")]
fn interrupt() -> ! {
    panic!("unexpected interrupt {}", mcause::read().code());
}
