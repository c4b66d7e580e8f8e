//! The counter and its comparator.
//!
//! Registers: RISC-V Privileged Architecture 20211203, 3.2.1 (mtime, mtimecmp); their places:
//! FE310-G000 manual, chapter "Core-Local Interruptor".

use core::ptr::NonNull;

use safe_mmio::fields::{ReadPure, ReadWrite};
use safe_mmio::{UniqueMmioPointer, field, field_shared};

use crate::rate::Rate;

/// Offset of the first hart's `mtimecmp` in a CLINT.
const MTIMECMP: usize = 0x4000;
/// Offset of `mtime` in a CLINT.
const MTIME: usize = 0xbff8;

/// A CLINT from [`MTIMECMP`] on. Both registers have 64 bits, read and written by halves.
#[repr(C)]
struct Registers {
    mtimecmp_low: ReadWrite<u32>,
    mtimecmp_high: ReadWrite<u32>,
    other_harts: [u32; (MTIME - MTIMECMP) / 4 - 2],
    mtime_low: ReadPure<u32>,
    mtime_high: ReadPure<u32>,
}

/// Time, in ticks.
pub(crate) struct Counter {
    registers: UniqueMmioPointer<'static, Registers>,
    rate: Rate,
}

impl Counter {
    /// # Safety
    /// `base` is the address of a CLINT that nothing else uses the timer of.
    pub(crate) unsafe fn new(base: usize, rate: Rate) -> Self {
        let registers = (base + MTIMECMP) as *mut Registers;
        // SAFETY: the caller's promise; no register has an effect on memory.
        let registers = unsafe { UniqueMmioPointer::new(NonNull::new_unchecked(registers)) };
        Self { registers, rate }
    }

    /// Whole ticks since reset.
    pub(crate) fn ticks(&self) -> u64 {
        let registers = &self.registers;
        loop {
            let high = field_shared!(registers, mtime_high).read();
            let low = field_shared!(registers, mtime_low).read();
            // Otherwise the lower half overflowed in between.
            if field_shared!(registers, mtime_high).read() == high {
                return self.rate.ticks(u64::from(high) << 32 | u64::from(low));
            }
        }
    }

    /// Raises the interrupt once `tick` is reached, and not before.
    pub(crate) fn set_alarm(&mut self, tick: u64) {
        let count = self.rate.counts(tick);
        // In this order no value on the way is smaller than both the old and the new one.
        field!(self.registers, mtimecmp_low).write(u32::MAX);
        field!(self.registers, mtimecmp_high).write((count >> 32) as u32);
        field!(self.registers, mtimecmp_low).write(count as u32);
    }
}
