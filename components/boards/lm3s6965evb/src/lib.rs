//! Clocks and pins of the LM3S6965 evaluation board: what drivers rely on before they start.
#![no_std]

mod clock;
mod pins;

/// Sets the system clock to 50 MHz, clocks the peripherals that the board offers, and gives the
/// pins that they use to them.
///
/// # Panics
/// If the PLL does not lock.
pub fn init() {
    clock::init();
    pins::init();
}
