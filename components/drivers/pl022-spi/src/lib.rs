//! SPI on an Arm PL022 synchronous serial port: controller, eight bits, polled.
//!
//! Registers: Arm DDI 0194, chapter 3.
#![cfg_attr(not(test), no_std)]

mod divisor;

use core::convert::Infallible;
use core::ptr::NonNull;

use embedded_hal::spi::{ErrorType, SpiBus};
use safe_mmio::fields::{ReadPure, ReadWrite};
use safe_mmio::{UniqueMmioPointer, field, field_shared};

use divisor::Divisor;

/// A PL022, as the board describes it. It is clocked and has its pins.
pub struct Pl022 {
    /// Address of its registers.
    pub base: usize,
    /// Rate of SSPCLK, in Hz.
    pub clock_hz: u32,
}

/// The component's features.
pub struct Config {
    /// Highest rate of the bus in bits per second.
    pub rate: u32,
    /// Clock polarity (bit 1) and clock phase (bit 0).
    pub mode: u32,
}

/// The registers this driver needs, in order.
#[repr(C)]
struct Registers {
    cr0: ReadWrite<u32>,
    cr1: ReadWrite<u32>,
    dr: ReadWrite<u32>,
    sr: ReadPure<u32>,
    cpsr: ReadWrite<u32>,
}

const CR0_EIGHT_BITS: u32 = 7;
const CR0_SPO: u32 = 1 << 6;
const CR0_SPH: u32 = 1 << 7;
const CR1_SSE: u32 = 1 << 1;
const SR_TNF: u32 = 1 << 1;
const SR_RNE: u32 = 1 << 2;
const SR_BSY: u32 = 1 << 4;

/// Bytes each of the two queues holds.
const QUEUE: usize = 8;

/// Sets the bus up as its controller.
pub fn init(hw: Pl022, config: &'static Config) -> Device {
    let base = hw.base as *mut Registers;
    // SAFETY: the board says that a PL022 is there, and gave it to this driver alone.
    let mut registers = unsafe { UniqueMmioPointer::new(NonNull::new_unchecked(base)) };
    let Divisor { prescale, scr } = Divisor::at_most(config.rate, hw.clock_hz);
    let polarity = if config.mode & 2 != 0 { CR0_SPO } else { 0 };
    let phase = if config.mode & 1 != 0 { CR0_SPH } else { 0 };
    // Set up while disabled (3.3.1).
    field!(registers, cr1).write(0);
    field!(registers, cpsr).write(prescale);
    field!(registers, cr0).write(scr << 8 | phase | polarity | CR0_EIGHT_BITS);
    field!(registers, cr1).write(CR1_SSE);
    Device { registers }
}

/// The bus.
pub struct Device {
    registers: UniqueMmioPointer<'static, Registers>,
}

impl Device {
    fn status(&self) -> u32 {
        field_shared!(self.registers, sr).read()
    }

    /// Exchanges `count` bytes: sends what `send` gives by index and hands what comes back, by
    /// index, to `receive`. No more are on their way than the receive queue holds.
    fn exchange(
        &mut self,
        count: usize,
        mut send: impl FnMut(usize) -> u8,
        mut receive: impl FnMut(usize, u8),
    ) {
        let (mut sent, mut received) = (0, 0);
        while received < count {
            let status = self.status();
            if sent < count && sent - received < QUEUE && status & SR_TNF != 0 {
                field!(self.registers, dr).write(send(sent).into());
                sent += 1;
            }
            if status & SR_RNE != 0 {
                // Bits above the frame's eight read as zero.
                receive(received, field!(self.registers, dr).read() as u8);
                received += 1;
            }
        }
    }
}

impl ErrorType for Device {
    type Error = Infallible;
}

impl SpiBus for Device {
    fn read(&mut self, words: &mut [u8]) -> Result<(), Infallible> {
        self.exchange(words.len(), |_| 0, |index, word| words[index] = word);
        Ok(())
    }

    fn write(&mut self, words: &[u8]) -> Result<(), Infallible> {
        self.exchange(words.len(), |index| words[index], |_, _| ());
        Ok(())
    }

    fn transfer(&mut self, read: &mut [u8], write: &[u8]) -> Result<(), Infallible> {
        self.exchange(
            read.len().max(write.len()),
            |index| write.get(index).copied().unwrap_or(0),
            |index, word| {
                if let Some(place) = read.get_mut(index) {
                    *place = word;
                }
            },
        );
        Ok(())
    }

    fn transfer_in_place(&mut self, words: &mut [u8]) -> Result<(), Infallible> {
        let words = core::cell::Cell::from_mut(words).as_slice_of_cells();
        self.exchange(
            words.len(),
            |index| words[index].get(),
            |index, word| words[index].set(word),
        );
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        while self.status() & SR_BSY != 0 {}
        Ok(())
    }
}
