//! Which pin carries what.

use core::num::NonZero;
use core::ptr::NonNull;

use safe_mmio::UniqueMmioPointer;
use safe_mmio::fields::ReadWrite;

/// RM0041, 2.3: port A is at 0x40010800; 7.2.2: `CRH`, the modes of its pins 8 to 15, at 4.
const GPIOA_CRH: NonNull<ReadWrite<u32>> =
    NonNull::without_provenance(NonZero::new(0x4001_0804).unwrap());

/// PA9's four bits in `CRH`.
const PA9: u32 = 0xf << 4;
/// "Alternate function output, push-pull, 50 MHz" (RM0041, 7.2.2).
const PA9_ALTERNATE_PUSH_PULL: u32 = 0b1011 << 4;

/// Gives PA9 to USART1's transmitter. PA10, its receiver, is a floating input after reset, as it
/// should be.
pub(crate) fn route() {
    // SAFETY: port A is at this address on every STM32F100, is clocked, and is used here only, once.
    unsafe { UniqueMmioPointer::new(GPIOA_CRH) }
        .modify(|modes| modes & !PA9 | PA9_ALTERNATE_PUSH_PULL);
}
