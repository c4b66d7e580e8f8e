//! Watchdog of LM3S microcontrollers. It starts with the hardware, before the kernel: a kernel that
//! never runs is found as well.
#![no_std]

use core::ptr::NonNull;

use embassy_time::Duration;
use embedded_hal_02::watchdog::{Watchdog, WatchdogEnable};
use safe_mmio::fields::{ReadPure, ReadPureWrite, WriteOnly};
use safe_mmio::{UniqueMmioPointer, field};

/// The hardware.
pub struct Lm3sWatchdog {
    /// Address of its registers.
    pub base: usize,
    /// Frequency of the system clock, which it counts.
    pub clock_hz: u32,
}

/// The component's features.
pub struct Config {
    /// Time without feeding after which the chip is reset.
    pub timeout: Duration,
}

/// LM3S6965 data sheet, chapter Watchdog Timer.
#[repr(C)]
struct Registers {
    /// 0x000 WDTLOAD: where it counts down from.
    load: ReadPureWrite<u32>,
    _value: ReadPure<u32>,
    /// 0x008 WDTCTL: INTEN (bit 0) starts it for good, RESEN (bit 1) lets it reset the chip.
    ctl: ReadPureWrite<u32>,
    /// 0x00C WDTICR: any write forgets the first time-out and starts counting anew.
    icr: WriteOnly<u32>,
    _010_bfc: [u32; 764],
    /// 0xC00 WDTLOCK: the key opens the other registers for writing, anything else locks them.
    lock: ReadPureWrite<u32>,
}

const KEY: u32 = 0x1acc_e551;
const START_AND_RESET: u32 = 1 << 0 | 1 << 1;

/// The watchdog.
pub struct Device {
    registers: UniqueMmioPointer<'static, Registers>,
    clock_hz: u32,
}

/// Starts the watchdog. The board has clocked it.
///
/// # Panics
/// If the address is 0.
pub fn init(hw: Lm3sWatchdog, config: &'static Config) -> Device {
    let base = NonNull::new(hw.base as *mut Registers).expect("a watchdog is not at address 0");
    // SAFETY: the board says that an LM3S watchdog is there, and gives it to this component alone.
    let registers = unsafe { UniqueMmioPointer::new(base) };
    let mut device = Device { registers, clock_hz: hw.clock_hz };
    device.start(config.timeout);
    device
}

impl Device {
    fn unlock(&mut self) {
        field!(self.registers, lock).write(KEY);
    }

    fn lock(&mut self) {
        field!(self.registers, lock).write(0);
    }
}

impl WatchdogEnable for Device {
    type Time = Duration;

    /// The first time the count runs out only raises an interrupt, which nobody listens to; the
    /// second time resets the chip. So the count is half the period, at most 2^32 - 1 clocks.
    fn start<T: Into<Duration>>(&mut self, period: T) {
        let clocks = u64::from(self.clock_hz) / 2000 * period.into().as_millis();
        self.unlock();
        field!(self.registers, load).write(u32::try_from(clocks).unwrap_or(u32::MAX));
        field!(self.registers, ctl).write(START_AND_RESET);
        self.lock();
    }
}

impl Watchdog for Device {
    fn feed(&mut self) {
        self.unlock();
        field!(self.registers, icr).write(0);
        self.lock();
    }
}
