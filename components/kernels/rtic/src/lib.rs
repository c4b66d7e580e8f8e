//! What RTIC must know of a chip: how many interrupts and priorities it has, and one interrupt that
//! no hardware raises, by which RTIC runs its tasks. A peripheral access crate would say it with some
//! megabytes of source for each chip; three facts of the board do.
#![no_std]

pub use cortex_m::interrupt::InterruptNumber;

/// Makes the module it is called in a device for `#[rtic::app]`, with the interrupt `Dispatcher`,
/// and puts the chip's interrupts into the vector table. Other interrupts than the dispatcher's go
/// to cortex-m-rt's `DefaultHandler`.
///
/// `lines`: interrupts the chip has, 1 to 240. `priority_bits`: bits of their priorities, 3 to 8.
/// `spare`: the number of an interrupt that no hardware raises.
#[macro_export]
macro_rules! device {
    (lines: $lines:literal, priority_bits: $bits:literal, spare: $spare:literal) => {
        /// Bits of an interrupt's priority.
        pub const NVIC_PRIO_BITS: u8 = $bits;

        /// The interrupts that RTIC may use.
        #[derive(Clone, Copy)]
        pub enum Interrupt {
            /// Runs tasks.
            Dispatcher = $spare,
        }

        pub use self::Interrupt as interrupt;

        // SAFETY: each variant has the number of its interrupt.
        unsafe impl $crate::InterruptNumber for Interrupt {
            fn number(self) -> u16 {
                self as u16
            }
        }

        unsafe extern "C" {
            fn DefaultHandler();
            fn Dispatcher();
        }

        /// The chip's part of the vector table, by cortex-m-rt's convention.
        // SAFETY: cortex-m-rt's linker script keeps the section for this table.
        #[unsafe(link_section = ".vector_table.interrupts")]
        #[unsafe(no_mangle)]
        pub static __INTERRUPTS: [unsafe extern "C" fn(); $lines] = {
            let mut table: [unsafe extern "C" fn(); $lines] = [DefaultHandler; $lines];
            table[Interrupt::Dispatcher as usize] = Dispatcher;
            table
        };
    };
}
