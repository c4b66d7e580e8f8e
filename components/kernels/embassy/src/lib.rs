//! Embassy's executor for the main thread of a Cortex-M or a RISC-V hart. Its own executors differ
//! between the two; this one sleeps in the same way on both, by WFI, which emulators honour as well
//! (QEMU takes Cortex-M's WFE for a no-op and keeps a processor of the host busy).
#![no_std]

use core::arch::asm;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, Ordering::SeqCst};

use embassy_executor::Spawner;
use embassy_executor::raw::Executor;
use static_cell::StaticCell;

static EXECUTOR: StaticCell<Executor> = StaticCell::new();

/// A task was woken since the executor last looked.
static WOKEN: AtomicBool = AtomicBool::new(false);

/// Called by the executor whenever a task is woken, in any context.
#[unsafe(export_name = "__pender")]
fn pend(_context: *mut ()) {
    WOKEN.store(true, SeqCst);
}

/// Spawns the tasks and runs them, sleeping when none has work.
///
/// # Panics
/// If called twice.
pub fn run(spawn: impl FnOnce(Spawner)) -> ! {
    let executor = &*EXECUTOR.init(Executor::new(null_mut()));
    spawn(executor.spawner());
    loop {
        // SAFETY: this is the only place that polls, and not from within a task.
        unsafe { executor.poll() };
        // Interrupts are held back between looking and sleeping, so that none is missed; one that
        // is pending ends the sleep all the same.
        critical_section::with(|_| {
            if !WOKEN.swap(false, SeqCst) {
                // SAFETY: only waits for an interrupt; both architectures write it alike.
                unsafe { asm!("wfi", options(nostack, preserves_flags)) };
            }
        });
    }
}
