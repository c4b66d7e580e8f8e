//! A console on a SiFive UART: 8 data bits, no parity, one stop bit.
//!
//! The transmitter has room for eight bytes. A writer fills it and, while it is full, yields: the
//! UART's interrupts would need the platform's interrupt controller, which nothing else here does.
//!
//! Registers: SiFive FE310-G000 manual, chapter "Universal Asynchronous Receiver/Transmitter".
#![no_std]

use core::convert::Infallible;
use core::ptr::NonNull;

use embassy_futures::yield_now;
use embedded_io_async::{ErrorType, Write};
use safe_mmio::fields::{ReadPureWrite, ReadWrite};
use safe_mmio::{UniqueMmioPointer, field, field_shared};

/// A UART, as the board describes it.
pub struct SifiveUart {
    /// Address of its registers.
    pub base: usize,
    /// Rate of its clock (`tlclk`), in Hz.
    pub clock_hz: u32,
}

/// The component's features.
pub struct Config {
    /// Bits per second.
    pub baud: u32,
}

/// The UART's memory map, in order.
#[repr(C)]
struct Registers {
    txdata: ReadPureWrite<u32>,
    rxdata: ReadWrite<u32>,
    txctrl: ReadWrite<u32>,
    rxctrl: ReadWrite<u32>,
    ie: ReadWrite<u32>,
    ip: ReadPureWrite<u32>,
    div: ReadWrite<u32>,
}

/// Read from `txdata`: the queue takes no more.
const TXDATA_FULL: u32 = 1 << 31;
const TXCTRL_TXEN: u32 = 1;
/// `ip` tells when fewer than one byte is queued.
const TXCTRL_TXCNT_1: u32 = 1 << 16;
const IP_TXWM: u32 = 1;

/// Configures the UART and makes it the way out for last words.
pub fn init(hw: SifiveUart, config: &'static Config) -> Device {
    // SAFETY: the board says that a UART is there, and gave it to this driver alone.
    let mut registers = unsafe { registers(hw.base) };
    // A bit takes `div` + 1 clocks.
    field!(registers, div).write((hw.clock_hz + config.baud / 2) / config.baud - 1);
    field!(registers, txctrl).write(TXCTRL_TXEN | TXCTRL_TXCNT_1);
    tarsia_panic_output::register(write_blocking, hw.base);
    Device { registers }
}

/// # Safety
/// `base` is the address of a UART, and no other pointer to it is in use meanwhile.
unsafe fn registers(base: usize) -> UniqueMmioPointer<'static, Registers> {
    // SAFETY: the caller's promise; no register has an effect on memory.
    unsafe { UniqueMmioPointer::new(NonNull::new_unchecked(base as *mut Registers)) }
}

fn write_blocking(base: usize, bytes: &[u8]) {
    // SAFETY: `base` is the one registered by `init`; the other user was stopped by the panic.
    let mut registers = unsafe { registers(base) };
    for byte in bytes {
        while field_shared!(registers, txdata).read() & TXDATA_FULL != 0 {}
        field!(registers, txdata).write((*byte).into());
    }
    // What follows may be a reset.
    while field_shared!(registers, ip).read() & IP_TXWM == 0 {}
}

/// The console.
pub struct Device {
    registers: UniqueMmioPointer<'static, Registers>,
}

impl ErrorType for Device {
    type Error = Infallible;
}

impl Write for Device {
    /// Hands over as many bytes as there is room for, at least one.
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let mut written = 0;
        for byte in bytes {
            while field_shared!(self.registers, txdata).read() & TXDATA_FULL != 0 {
                if written > 0 {
                    return Ok(written);
                }
                yield_now().await;
            }
            field!(self.registers, txdata).write((*byte).into());
            written += 1;
        }
        Ok(written)
    }

    /// Waits until the queue is empty; the last byte may still be on its way out.
    async fn flush(&mut self) -> Result<(), Infallible> {
        while field_shared!(self.registers, ip).read() & IP_TXWM == 0 {
            yield_now().await;
        }
        Ok(())
    }
}
