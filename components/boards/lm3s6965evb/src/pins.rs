//! Pins that belong to a peripheral rather than to a GPIO port (LM3S6965 data sheet, chapter General-Purpose
//! Input/Outputs).

use core::ptr::NonNull;

use safe_mmio::fields::ReadPureWrite;
use safe_mmio::{UniqueMmioPointer, field};

/// GPIO port A.
const PORT_A: usize = 0x4000_4000;

#[repr(C)]
struct Registers {
    _000_41c: [u32; 264],
    /// 0x420 GPIOAFSEL: pins under control of a peripheral.
    afsel: ReadPureWrite<u32>,
    _424_518: [u32; 62],
    /// 0x51C GPIODEN: pins that are digital at all.
    den: ReadPureWrite<u32>,
}

/// PA0 and PA1: UART 0. PA2, PA3 and PA5: clock, frame and transmit of SSI 0, where the display is.
const UART0_AND_SSI0: u32 = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5;

/// Hands the pins over.
pub(crate) fn init() {
    let registers = NonNull::new(PORT_A as *mut Registers).expect("not at address 0");
    // SAFETY: GPIO port A of this board's chip, which is given to no driver.
    let mut port = unsafe { UniqueMmioPointer::new(registers) };
    field!(port, afsel).modify(|pins| pins | UART0_AND_SSI0);
    field!(port, den).modify(|pins| pins | UART0_AND_SSI0);
}
