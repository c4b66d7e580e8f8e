//! Sizes that Rust and C must agree on. The build script gives them to C, which checks the first.

/// 32-bit words in a `StaticTask_t`, as `include/FreeRTOSConfig.h` makes it.
pub const TASK_WORDS: usize = 19;
/// 32-bit words of the idle task's stack: 16 are saved at a switch, as many serve FreeRTOS's idle
/// loop, and the last 5 show an overflow.
pub const IDLE_STACK_WORDS: usize = 48;
