//! Analogue inputs of LM3S microcontrollers, converted one at a time by sample sequencer 3.
//! A general-purpose timer triggers the conversion: the processor's own trigger would be simpler,
//! but QEMU's model of the chip knows only the timer's.
#![no_std]

use core::convert::Infallible;
use core::ptr::NonNull;

use embedded_hal_02::adc::OneShot;
use safe_mmio::fields::{ReadOnly, ReadPure, ReadPureWrite, WriteOnly};
use safe_mmio::{UniqueMmioPointer, field, field_shared};
use tarsia_adc::Input;

/// The hardware.
pub struct Lm3sAdc {
    /// Address of the ADC's registers.
    pub base: usize,
    /// Address of the registers of the general-purpose timer that triggers it.
    pub timer: usize,
}

/// LM3S6965 data sheet, chapter Analog-to-Digital Converter, as far as sample sequencer 3.
#[repr(C)]
struct AdcRegisters {
    /// 0x000 ADCACTSS: sequencers in use.
    actss: ReadPureWrite<u32>,
    /// 0x004 ADCRIS: sequencers that are done.
    ris: ReadPure<u32>,
    _im: u32,
    /// 0x00C ADCISC: writing a one clears the bit in ADCRIS.
    isc: WriteOnly<u32>,
    _ostat: u32,
    /// 0x014 ADCEMUX: what triggers each sequencer, four bits each.
    emux: ReadPureWrite<u32>,
    _018_09c: [u32; 34],
    /// 0x0A0 ADCSSMUX3: the input of sequencer 3.
    ssmux3: ReadPureWrite<u32>,
    /// 0x0A4 ADCSSCTL3: END0 (bit 1), IE0 (bit 2).
    ssctl3: ReadPureWrite<u32>,
    /// 0x0A8 ADCSSFIFO3: the sample; reading takes it.
    ssfifo3: ReadOnly<u32>,
}

/// LM3S6965 data sheet, chapter General-Purpose Timers.
#[repr(C)]
struct TimerRegisters {
    /// 0x000 GPTMCFG: 0 joins both halves into one 32-bit timer.
    cfg: ReadPureWrite<u32>,
    /// 0x004 GPTMTAMR: 1 is one-shot.
    tamr: ReadPureWrite<u32>,
    _tbmr: u32,
    /// 0x00C GPTMCTL: TAEN (bit 0), TAOTE (bit 5).
    ctl: ReadPureWrite<u32>,
    _010_024: [u32; 6],
    /// 0x028 GPTMTAILR: ticks of the system clock to count.
    tailr: ReadPureWrite<u32>,
}

const SEQUENCER_3: u32 = 1 << 3;
/// ADCEMUX: a timer triggers sequencer 3 (bits 15 to 12).
const TRIGGER_BY_TIMER: u32 = 0x5 << 12;
/// ADCSSCTL3: the only sample is the last one and says so in ADCRIS.
const END_AND_REPORT: u32 = 1 << 1 | 1 << 2;
/// GPTMCTL: count, and trigger the ADC at the end.
const RUN_AND_TRIGGER: u32 = 1 << 0 | 1 << 5;
/// Short against a conversion, and long enough to be counted.
const TRIGGER_TICKS: u32 = 16;

/// The ADC: 10 bits, 0 to 3 V, so 2.9 mV per count.
pub struct Device {
    adc: UniqueMmioPointer<'static, AdcRegisters>,
    timer: UniqueMmioPointer<'static, TimerRegisters>,
    /// The input under conversion.
    converting: Option<u8>,
}

/// Prepares sequencer 3 and its timer. The board has clocked both.
///
/// # Panics
/// If an address is 0.
pub fn init(hw: Lm3sAdc) -> Device {
    let adc = NonNull::new(hw.base as *mut AdcRegisters).expect("an ADC is not at address 0");
    let timer = NonNull::new(hw.timer as *mut TimerRegisters).expect("a timer is not at address 0");
    // SAFETY: the board says that an LM3S ADC is there, and gives it to this component alone.
    let mut adc = unsafe { UniqueMmioPointer::new(adc) };
    // SAFETY: likewise for the timer.
    let mut timer = unsafe { UniqueMmioPointer::new(timer) };
    field!(adc, actss).write(0);
    field!(adc, emux).write(TRIGGER_BY_TIMER);
    field!(adc, ssctl3).write(END_AND_REPORT);
    field!(timer, ctl).write(0);
    field!(timer, cfg).write(0);
    field!(timer, tamr).write(1);
    field!(timer, tailr).write(TRIGGER_TICKS);
    Device { adc, timer, converting: None }
}

impl Device {
    fn start(&mut self, input: u8) {
        field!(self.timer, ctl).write(0);
        field!(self.adc, actss).write(0);
        field!(self.adc, isc).write(SEQUENCER_3);
        field!(self.adc, ssmux3).write(input.into());
        field!(self.adc, actss).write(SEQUENCER_3);
        field!(self.timer, ctl).write(RUN_AND_TRIGGER);
        self.converting = Some(input);
    }
}

impl<const N: u8> OneShot<Device, u16, Input<N>> for Device {
    type Error = Infallible;

    /// Starts a conversion, then says `WouldBlock` until it is done. A conversion of another
    /// input, begun and not waited for, is dropped.
    fn read(&mut self, _input: &mut Input<N>) -> nb::Result<u16, Infallible> {
        if self.converting != Some(N) {
            self.start(N);
        }
        if field_shared!(self.adc, ris).read() & SEQUENCER_3 == 0 {
            return Err(nb::Error::WouldBlock);
        }
        self.converting = None;
        field!(self.adc, isc).write(SEQUENCER_3);
        Ok((field!(self.adc, ssfifo3).read() & 0x3ff) as u16)
    }
}
