//! The STM32VLDISCOVERY board: 24 MHz from its 8 MHz crystal, and the pins its peripherals come
//! out on.
//!
//! Registers: ST RM0041, reference manual of the STM32F100, chapters 6 (RCC) and 7 (GPIO).
#![no_std]

mod clock;
mod pins;

/// Sets up clocks and pins. Core, AHB, APB1 and APB2 run at 24 MHz afterwards.
pub fn init() {
    clock::start();
    pins::route();
}
