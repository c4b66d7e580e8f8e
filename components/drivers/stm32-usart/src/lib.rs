//! A console on a USART of the STM32F1 family: 8 data bits, no parity, one stop bit, no flow
//! control.
//!
//! The transmitter holds one byte beside the one it sends, so a writer has something to do every
//! 87 us at 115200 bit/s. It polls and yields in between: other tasks run, and an interrupt per byte
//! would cost more than it saves.
//!
//! Registers: ST RM0041, chapter 23 (USART).
#![no_std]

use core::convert::Infallible;
use core::ptr::NonNull;

use embassy_futures::yield_now;
use embedded_io_async::{ErrorType, Write};
use safe_mmio::fields::{ReadPure, ReadWrite};
use safe_mmio::{UniqueMmioPointer, field, field_shared};

/// A USART, as the board describes it.
pub struct Stm32Usart {
    /// Address of its registers.
    pub base: usize,
    /// Rate of its clock (`fPCLK`), in Hz.
    pub clock_hz: u32,
}

/// The component's features.
pub struct Config {
    /// Bits per second.
    pub baud: u32,
}

/// RM0041, 23.6: the registers this driver needs, in order.
#[repr(C)]
struct Registers {
    sr: ReadPure<u32>,
    dr: ReadWrite<u32>,
    brr: ReadWrite<u32>,
    cr1: ReadWrite<u32>,
}

/// The data register takes another byte.
const SR_TXE: u32 = 1 << 7;
/// Everything was sent.
const SR_TC: u32 = 1 << 6;
const CR1_TE: u32 = 1 << 3;
const CR1_UE: u32 = 1 << 13;

/// Configures the USART and makes it the way out for last words.
pub fn init(hw: Stm32Usart, config: &'static Config) -> Device {
    // SAFETY: the board says that a USART is there, and gave it to this driver alone.
    let mut registers = unsafe { registers(hw.base) };
    // RM0041, 23.3.4: with 16 samples per bit the register is the clock divided by the rate, its
    // low four bits being the fraction.
    field!(registers, brr).write((hw.clock_hz + config.baud / 2) / config.baud);
    field!(registers, cr1).write(CR1_UE | CR1_TE);
    tarsia_panic_output::register(write_blocking, hw.base);
    Device { registers }
}

/// # Safety
/// `base` is the address of a USART, and no other pointer to it is in use meanwhile.
unsafe fn registers(base: usize) -> UniqueMmioPointer<'static, Registers> {
    // SAFETY: the caller's promise; no register has an effect on memory.
    unsafe { UniqueMmioPointer::new(NonNull::new_unchecked(base as *mut Registers)) }
}

fn write_blocking(base: usize, bytes: &[u8]) {
    // SAFETY: `base` is the one registered by `init`; the other user was stopped by the panic.
    let mut registers = unsafe { registers(base) };
    for byte in bytes {
        while field_shared!(registers, sr).read() & SR_TXE == 0 {}
        field!(registers, dr).write((*byte).into());
    }
    // What follows may be a reset.
    while field_shared!(registers, sr).read() & SR_TC == 0 {}
}

/// The console.
pub struct Device {
    registers: UniqueMmioPointer<'static, Registers>,
}

impl ErrorType for Device {
    type Error = Infallible;
}

impl Write for Device {
    /// Hands over one byte: more never fit.
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let Some(byte) = bytes.first() else {
            return Ok(0);
        };
        while field_shared!(self.registers, sr).read() & SR_TXE == 0 {
            yield_now().await;
        }
        field!(self.registers, dr).write((*byte).into());
        Ok(1)
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        while field_shared!(self.registers, sr).read() & SR_TC == 0 {
            yield_now().await;
        }
        Ok(())
    }
}
