//! One output pin of an Arm PL061 GPIO port.
//!
//! A PL061 takes the mask of a write from its address, so a pin has a register of its own and is
//! set without touching its neighbours.
//!
//! Registers: Arm DDI 0190, chapter 3 (GPIODATA, GPIODIR); digital enable (GPIODEN), which Stellaris
//! microcontrollers added: LM3S6965 data sheet, chapter "General-Purpose Input/Outputs".
#![no_std]

use core::convert::Infallible;
use core::ptr::NonNull;

use embedded_hal::digital::{ErrorType, OutputPin};
use safe_mmio::UniqueMmioPointer;
use safe_mmio::fields::ReadWrite;

/// A pin, as the board describes it.
pub struct Pl061Output {
    /// Address of the port's registers. The port is clocked.
    pub base: usize,
    /// Number of the pin, 0 to 7.
    pub pin: u8,
}

const GPIODIR: usize = 0x400;
const GPIODEN: usize = 0x51c;

type Register = UniqueMmioPointer<'static, ReadWrite<u32>>;

/// Makes the pin an output, low.
pub fn init(hw: Pl061Output) -> Device {
    let mask = 1 << hw.pin;
    // Address bits 9 to 2 are the mask.
    let mut data = register(hw.base + (1 << (hw.pin + 2)));
    data.write(0);
    register(hw.base + GPIODIR).modify(|pins| pins | mask);
    register(hw.base + GPIODEN).modify(|pins| pins | mask);
    Device { data, mask }
}

fn register(address: usize) -> Register {
    // SAFETY: the board says that a PL061 is there. Its pins are shared out one by one, and the
    // registers common to them are changed in `init` functions only, which run one after another.
    unsafe { UniqueMmioPointer::new(NonNull::new_unchecked(address as *mut ReadWrite<u32>)) }
}

/// The pin.
pub struct Device {
    data: Register,
    mask: u32,
}

impl ErrorType for Device {
    type Error = Infallible;
}

impl OutputPin for Device {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.data.write(0);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.data.write(self.mask);
        Ok(())
    }
}
