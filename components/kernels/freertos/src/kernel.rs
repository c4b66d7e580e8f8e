//! Starts FreeRTOS, and what it calls back: memory and sleep of the idle task, and the checks that
//! end the program.

use core::ffi::{CStr, c_char, c_int};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cortex_m::peripheral::NVIC;
use static_cell::ConstStaticCell;

use crate::ffi;
use crate::layout::IDLE_STACK_WORDS;
use crate::task::Memory;

/// `configCPU_CLOCK_HZ`, from which FreeRTOS sets SysTick.
#[unsafe(export_name = "tarsia_freertos_clock_hz")]
static CLOCK_HZ: AtomicU32 = AtomicU32::new(0);

static TASK_IDLE: ConstStaticCell<Memory<{ 4 * IDLE_STACK_WORDS }>> =
    ConstStaticCell::new(Memory::new());

/// Runs the tasks that were created. `clock_hz`: frequency of the processor clock, which drives the
/// tick. The caller's stack frames are lost: interrupts use the stack from its beginning.
pub fn run(clock_hz: u32) -> ! {
    CLOCK_HZ.store(clock_hz, Relaxed);
    lower_interrupts();
    // Critical sections of Rust set PRIMASK. That is right beside FreeRTOS, whose own set BASEPRI to
    // `configMAX_SYSCALL_INTERRUPT_PRIORITY`: PRIMASK masks all of that and more, PendSV and SysTick
    // included, so no task switch happens within; and FreeRTOS, when it is called within to wake
    // a task, changes BASEPRI only. Nothing in a critical section waits for a notification.
    ffi::vTaskStartScheduler();
    unreachable!("FreeRTOS returned");
}

/// An interrupt has the highest priority until someone says otherwise, and from the highest FreeRTOS
/// must not be called; so those get the lowest, before there is a task that they could wake.
fn lower_interrupts() {
    const LOWEST: u8 = 0xff;
    // SAFETY: nothing else uses the NVIC meanwhile. Registers of interrupts that a chip does not
    // have read as zero and ignore writes (Armv7-M Architecture Reference Manual, B3.4).
    let nvic = unsafe { &*NVIC::PTR };
    for priority in nvic.ipr.iter().take(240) {
        if priority.read() == 0 {
            // SAFETY: as above.
            unsafe { priority.write(LOWEST) };
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vApplicationGetIdleTaskMemory(
    control: *mut *mut u32,
    stack: *mut *mut u32,
    stack_words: *mut u32,
) {
    let memory = TASK_IDLE.take();
    // SAFETY: FreeRTOS passes variables that it wants set.
    unsafe {
        control.write(memory.control.as_mut_ptr().cast());
        stack.write(memory.stack.as_mut_ptr().cast());
        stack_words.write(Memory::<{ 4 * IDLE_STACK_WORDS }>::STACK_WORDS);
    }
}

/// No task has work: an interrupt that gives one some switches to it at once.
#[unsafe(no_mangle)]
extern "C" fn vApplicationIdleHook() {
    cortex_m::asm::wfi();
}

/// Called at a task switch, on the interrupts' stack.
#[unsafe(no_mangle)]
unsafe extern "C" fn vApplicationStackOverflowHook(_task: ffi::TaskHandle, name: *const c_char) {
    // SAFETY: FreeRTOS passes the name that the task was created with.
    panic!("the stack of {} overflowed", unsafe { text(name) });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn tarsia_freertos_assertion_failed(file: *const c_char, line: c_int) -> ! {
    // SAFETY: `configASSERT` passes the name of a file.
    panic!("FreeRTOS asserts {}:{line}", unsafe { text(file) });
}

/// # Safety
/// `text` ends with a zero and lives for ever.
unsafe fn text(text: *const c_char) -> &'static str {
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(text) }.to_str().unwrap_or("?")
}
