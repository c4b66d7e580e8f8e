//! The C functions of FreeRTOS that are called: what its macros `xTaskNotifyGive`,
//! `vTaskNotifyGiveFromISR` and `ulTaskNotifyTake` stand for (FreeRTOS V11.2.0, `include/task.h`).

use core::ffi::{c_char, c_void};

/// `TaskHandle_t`: the address of a task's control block.
pub(crate) type TaskHandle = *mut c_void;

/// `eNotifyAction`'s `eIncrement`. The enum is a byte to the C compiler, but passed as a word.
pub(crate) const INCREMENT: u32 = 2;
/// The notification of which each task has one.
pub(crate) const FIRST: u32 = 0;
/// `portMAX_DELAY`: no time limit.
pub(crate) const FOREVER: u32 = u32::MAX;

unsafe extern "C" {
    pub(crate) safe fn vTaskStartScheduler();
    pub(crate) safe fn xTaskGetCurrentTaskHandle() -> TaskHandle;
    pub(crate) fn xTaskCreateStatic(
        code: extern "C" fn(*mut c_void) -> !,
        name: *const c_char,
        stack_words: u32,
        argument: *mut c_void,
        priority: u32,
        stack: *mut u32,
        task: *mut u32,
    ) -> TaskHandle;
    pub(crate) safe fn ulTaskGenericNotifyTake(index: u32, clear: i32, ticks: u32) -> u32;
    pub(crate) fn xTaskGenericNotify(
        task: TaskHandle,
        index: u32,
        value: u32,
        action: u32,
        previous: *mut u32,
    ) -> i32;
    pub(crate) fn vTaskGenericNotifyGiveFromISR(task: TaskHandle, index: u32, woken: *mut i32);
}
