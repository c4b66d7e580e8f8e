//! The clock tree: 24 MHz, whatever oscillator there is.
//!
//! A crystal that does not start must not stop the product: the internal RC oscillator (8 MHz, 1 %)
//! reaches the same 24 MHz, so every rate derived from it stays right. All waits are bounded for the
//! same reason, and because QEMU has no RCC: its registers read as zero and its core runs at 24 MHz
//! from the start.

use core::num::NonZero;
use core::ptr::NonNull;

use safe_mmio::fields::{ReadPureWrite, ReadWrite};
use safe_mmio::{UniqueMmioPointer, field, field_shared};

/// RM0041, 6.3: the first registers of RCC, in order.
#[repr(C)]
struct Rcc {
    cr: ReadPureWrite<u32>,
    cfgr: ReadPureWrite<u32>,
    cir: ReadWrite<u32>,
    apb2rstr: ReadWrite<u32>,
    apb1rstr: ReadWrite<u32>,
    ahbenr: ReadWrite<u32>,
    apb2enr: ReadWrite<u32>,
}

/// RM0041, 2.3: where RCC is.
const RCC: NonNull<Rcc> = NonNull::without_provenance(NonZero::new(0x4002_1000).unwrap());

const CR_HSEON: u32 = 1 << 16;
const CR_HSERDY: u32 = 1 << 17;
const CR_PLLON: u32 = 1 << 24;
const CR_PLLRDY: u32 = 1 << 25;
const CFGR_SW_PLL: u32 = 0b10;
const CFGR_SWS: u32 = 0b11 << 2;
const CFGR_SWS_PLL: u32 = 0b10 << 2;
/// The PLL's input: the crystal (8 MHz) if set, the RC oscillator halved (4 MHz) if not.
const CFGR_PLLSRC_HSE: u32 = 1 << 16;
const CFGR_PLLMUL_3: u32 = 0b0001 << 18;
const CFGR_PLLMUL_6: u32 = 0b0100 << 18;
const APB2ENR_IOPAEN: u32 = 1 << 2;
const APB2ENR_USART1EN: u32 = 1 << 14;

/// Polls before a flag is given up: over 10 ms at the 8 MHz the chip starts with. By the datasheet
/// a crystal starts in about 2 ms and the PLL locks in 0.2 ms.
const PATIENCE: u32 = 10_000;

/// Runs core and buses from the PLL; clocks port A and USART1.
///
/// The order is that of RM0041, 6.2: the oscillator, the PLL, the switch. Flash needs no wait states
/// at 24 MHz (RM0041, 2.3.3).
pub(crate) fn start() {
    // SAFETY: RCC is at this address on every STM32F100, and is used here only, once.
    let mut rcc = unsafe { UniqueMmioPointer::new(RCC) };
    field!(rcc, cr).modify(|cr| cr | CR_HSEON);
    let source = if settles(|| field_shared!(rcc, cr).read() & CR_HSERDY != 0) {
        CFGR_PLLSRC_HSE | CFGR_PLLMUL_3
    } else {
        field!(rcc, cr).modify(|cr| cr & !CR_HSEON);
        CFGR_PLLMUL_6
    };
    field!(rcc, cfgr).write(source);
    field!(rcc, cr).modify(|cr| cr | CR_PLLON);
    if settles(|| field_shared!(rcc, cr).read() & CR_PLLRDY != 0) {
        field!(rcc, cfgr).write(source | CFGR_SW_PLL);
        settles(|| field_shared!(rcc, cfgr).read() & CFGR_SWS == CFGR_SWS_PLL);
    }
    field!(rcc, apb2enr).modify(|clocked| clocked | APB2ENR_IOPAEN | APB2ENR_USART1EN);
}

/// Whether `ready` comes true within [`PATIENCE`] polls.
fn settles(ready: impl Fn() -> bool) -> bool {
    (0..PATIENCE).any(|_| ready())
}
