//! The FE310 as on the HiFive1: 16 MHz from its crystal, and UART0 on its pins.
//!
//! Registers: SiFive FE310-G000 manual, chapters "Memory Map", "Clock Generation" and "General
//! Purpose Input/Output Controller".
#![no_std]

use core::num::NonZero;
use core::ptr::NonNull;

use safe_mmio::fields::{ReadPureWrite, ReadWrite};
use safe_mmio::{UniqueMmioPointer, field, field_shared};

/// Clock registers at the start of PRCI.
#[repr(C)]
struct Prci {
    hfrosccfg: ReadWrite<u32>,
    hfxosccfg: ReadPureWrite<u32>,
    pllcfg: ReadWrite<u32>,
    plloutdiv: ReadWrite<u32>,
}

/// What drives the pins: software, or one of two functions of the chip.
#[repr(C)]
struct PinFunctions {
    iof_en: ReadWrite<u32>,
    iof_sel: ReadWrite<u32>,
}

const PRCI: NonNull<Prci> = NonNull::without_provenance(NonZero::new(0x1000_8000).unwrap());
/// GPIO0 is at 0x10012000, `iof_en` at 0x38.
const PIN_FUNCTIONS: NonNull<PinFunctions> =
    NonNull::without_provenance(NonZero::new(0x1001_2038).unwrap());

const HFXOSC_EN: u32 = 1 << 30;
const HFXOSC_READY: u32 = 1 << 31;
const PLL_SEL: u32 = 1 << 16;
const PLL_REFSEL_CRYSTAL: u32 = 1 << 17;
const PLL_BYPASS: u32 = 1 << 18;
const PLLOUT_DIV_BY_1: u32 = 1 << 8;
/// GPIO 16 receives and GPIO 17 transmits, as function 0.
const UART0_PINS: u32 = 1 << 16 | 1 << 17;

/// Polls before the crystal, which starts within milliseconds, is given up. The core then stays on
/// its ring oscillator (about 14 MHz): the console's rate is off, and nothing else.
const PATIENCE: u32 = 100_000;

/// Sets up clock and pins. The core and `tlclk`, the peripherals' clock, run at 16 MHz afterwards.
pub fn init() {
    // SAFETY: PRCI is at this address on every FE310, and is used here only, once.
    let mut prci = unsafe { UniqueMmioPointer::new(PRCI) };
    field!(prci, hfxosccfg).modify(|config| config | HFXOSC_EN);
    if (0..PATIENCE).any(|_| field_shared!(prci, hfxosccfg).read() & HFXOSC_READY != 0) {
        field!(prci, plloutdiv).write(PLLOUT_DIV_BY_1);
        // Past the PLL, so there is no lock to wait for before switching over.
        field!(prci, pllcfg).write(PLL_REFSEL_CRYSTAL | PLL_BYPASS);
        field!(prci, pllcfg).modify(|config| config | PLL_SEL);
    }
    // SAFETY: GPIO0 is at this address on every FE310, and is used here only, once.
    let mut functions = unsafe { UniqueMmioPointer::new(PIN_FUNCTIONS) };
    field!(functions, iof_sel).modify(|pins| pins & !UART0_PINS);
    field!(functions, iof_en).modify(|pins| pins | UART0_PINS);
}
