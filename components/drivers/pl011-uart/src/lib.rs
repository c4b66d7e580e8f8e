//! Console on an Arm PL011 UART: 8 data bits, no parity, one stop bit. Registers are the business
//! of the `arm-pl011-uart` crate; this adds waiting without blocking, and last words.
#![no_std]

use core::convert::Infallible;
use core::ptr::NonNull;

use arm_pl011_uart::{DataBits, LineConfig, PL011Registers, Parity, StopBits, Uart};
use embassy_time::Timer;
use embedded_io_async::{ErrorType, Write};
use safe_mmio::UniqueMmioPointer;

/// The hardware.
pub struct Pl011 {
    /// Address of its registers.
    pub base: usize,
    /// Frequency of UARTCLK.
    pub clock_hz: u32,
}

/// The component's features.
pub struct Config {
    /// Line speed in bits per second.
    pub baud: u32,
}

/// The console.
pub struct Device(Uart<'static>);

/// Sets the line up, and makes it the way out for last words.
///
/// # Panics
/// If the line speed cannot be had from the clock.
pub fn init(hw: Pl011, config: &'static Config) -> Device {
    let mut uart = uart(hw.base);
    let line =
        LineConfig { data_bits: DataBits::Bits8, parity: Parity::None, stop_bits: StopBits::One };
    uart.enable(line, config.baud, hw.clock_hz).expect("line speed fits the clock");
    tarsia_panic_output::register(say, hw.base);
    Device(uart)
}

fn uart(base: usize) -> Uart<'static> {
    let registers = NonNull::new(base as *mut PL011Registers).expect("a UART is not at address 0");
    // SAFETY: the board says that a PL011 is there, and gives it to one component. The second user,
    // `say`, runs when nothing else does any more.
    Uart::new(unsafe { UniqueMmioPointer::new(registers) })
}

fn say(base: usize, words: &[u8]) {
    let mut uart = uart(base);
    for &byte in words {
        while uart.is_tx_fifo_full() {}
        uart.write_word(byte);
    }
    while uart.is_busy() {}
}

impl ErrorType for Device {
    type Error = Infallible;
}

impl Write for Device {
    /// Writes what fits into the transmit FIFO. At 115,200 baud its 16 bytes last for 1.4 ms, so
    /// that looking at it once per tick keeps the line busy without an interrupt.
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        while !bytes.is_empty() && self.0.is_tx_fifo_full() {
            Timer::after_ticks(1).await;
        }
        let mut written = 0;
        for &byte in bytes {
            if self.0.is_tx_fifo_full() {
                break;
            }
            self.0.write_word(byte);
            written += 1;
        }
        Ok(written)
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        while self.0.is_busy() {
            Timer::after_ticks(1).await;
        }
        Ok(())
    }
}
