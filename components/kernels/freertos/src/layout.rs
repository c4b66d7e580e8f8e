//! Sizes that Rust and C must agree on: both read them from one file. C checks the first.

/// 32-bit words in a `StaticTask_t`.
pub const TASK_WORDS: usize = include!("../shared/task_words.inc");
/// 32-bit words of the idle task's stack.
pub const IDLE_STACK_WORDS: usize = include!("../shared/idle_stack_words.inc");
