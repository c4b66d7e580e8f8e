//! A model of the controller, as far as this driver uses it, that decodes what is on the wire.

use core::cell::{Cell, RefCell};
use core::convert::Infallible;
use std::rc::Rc;

use embedded_graphics_core::prelude::*;
use embedded_graphics_core::primitives::Rectangle;
use embedded_hal::digital::{self, OutputPin};
use embedded_hal::spi::{self, SpiBus};

use super::*;

#[derive(Default)]
struct Controller {
    data: Cell<bool>,
    command: RefCell<Vec<u8>>,
    window: Cell<[u8; 4]>,
    at: Cell<(u8, u8)>,
    memory: RefCell<Vec<(u8, u8, u8)>>,
    lit: Cell<bool>,
}

impl Controller {
    fn take(&self, byte: u8) {
        if self.data.get() {
            let ((column, row), [left, right, top, bottom]) = (self.at.get(), self.window.get());
            self.memory.borrow_mut().push((column, row, byte));
            self.at.set(match (column == right, row == bottom) {
                (false, _) => (column + 1, row),
                (true, false) => (left, row + 1),
                (true, true) => (left, top),
            });
            return;
        }
        let mut command = self.command.borrow_mut();
        command.push(byte);
        let [old_left, old_right, old_top, old_bottom] = self.window.get();
        match command[..] {
            [0x15, left, right] => self.window.set([left, right, old_top, old_bottom]),
            [0x75, top, bottom] => self.window.set([old_left, old_right, top, bottom]),
            [0xae] => self.lit.set(false),
            [0xaf] => self.lit.set(true),
            [0x84..=0x86 | 0xa4..=0xa7] => {}
            [0x81 | 0xa0..=0xa2 | 0xa8 | 0xad | 0xb1..=0xb3 | 0xbc | 0xbe | 0xbf, _] => {}
            [0x15 | 0x75, ..] if command.len() < 3 => return,
            [0x81 | 0xa0..=0xa2 | 0xa8 | 0xad | 0xb1..=0xb3 | 0xbc | 0xbe | 0xbf] => return,
            _ => panic!("unknown command {command:x?}"),
        }
        command.clear();
        let [left, _, top, _] = self.window.get();
        self.at.set((left, top));
    }
}

struct Pin(Rc<Controller>);
impl digital::ErrorType for Pin {
    type Error = Infallible;
}
impl OutputPin for Pin {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.0.data.set(false);
        Ok(())
    }
    fn set_high(&mut self) -> Result<(), Infallible> {
        assert!(self.0.command.borrow().is_empty(), "in the middle of a command");
        self.0.data.set(true);
        Ok(())
    }
}

struct Bus(Rc<Controller>);
impl spi::ErrorType for Bus {
    type Error = Infallible;
}
impl SpiBus for Bus {
    fn read(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        panic!("the controller cannot be read")
    }
    fn write(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        bytes.iter().for_each(|byte| self.0.take(*byte));
        Ok(())
    }
    fn transfer(&mut self, _: &mut [u8], _: &[u8]) -> Result<(), Infallible> {
        panic!("the controller cannot be read")
    }
    fn transfer_in_place(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        panic!("the controller cannot be read")
    }
    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// One test: the shadow is taken once per process.
#[test]
fn draws_what_changed_and_keeps_the_other_pixel_of_a_byte() {
    static CONFIG: Config = Config { contrast: 50 };
    let controller = Rc::new(Controller::default());
    let mut device = init(&CONFIG, Bus(controller.clone()), Pin(controller.clone()));
    assert!(controller.lit.get());
    assert_eq!(controller.memory.take().len(), 64 * 64, "all of it was blackened");

    let pixel = |x, y, luma| Pixel(Point::new(x, y), Gray4::new(luma));
    let Ok(()) = device.draw_iter([pixel(3, 5, 0xf), pixel(-1, 5, 7), pixel(128, 5, 7)]);
    assert_eq!(controller.memory.take(), [(1, 5, 0x0f)]);
    let Ok(()) = device.draw_iter([pixel(2, 5, 0x3)]);
    assert_eq!(controller.memory.take(), [(1, 5, 0x3f)]);

    let area = Rectangle::new(Point::new(125, 62), Size::new(9, 9));
    let Ok(()) = device.fill_solid(&area, Gray4::WHITE);
    let corner = [(62, 62, 0x0f), (63, 62, 0xff), (62, 63, 0x0f), (63, 63, 0xff)];
    assert_eq!(controller.memory.take(), corner);

    let Ok(()) = device.draw_iter([]);
    assert!(controller.memory.take().is_empty());
}
