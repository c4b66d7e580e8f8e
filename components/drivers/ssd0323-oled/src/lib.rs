//! A 128x64 OLED panel with 16 levels of grey (OSRAM Pictiva OS128064PK16MY0C01) on a Solomon
//! SSD0323 controller, drawn on with embedded-graphics.
//!
//! The controller cannot be read over SPI and keeps two pixels per byte, so a copy of its memory is
//! kept here. Each drawing operation is on the panel when it returns.
#![cfg_attr(not(test), no_std)]

mod command;
mod panel;
mod window;

use core::convert::Infallible;

use embedded_graphics_core::pixelcolor::{Gray4, GrayColor};
use embedded_graphics_core::prelude::*;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiBus;
use static_cell::ConstStaticCell;

use panel::Panel;
use window::Window;

/// The component's features.
pub struct Config {
    /// Brightness of a lit pixel, 0 to 127.
    pub contrast: u32,
}

/// Pixels per row, and rows.
const SIZE: Size = Size::new(128, 64);
/// Bytes per row: two pixels each, the left one in the upper half.
const STRIDE: usize = SIZE.width as usize / 2;

type Shadow = [u8; STRIDE * SIZE.height as usize];

/// The panel on the bus `S`; `P` tells commands (low) from pixels (high).
pub struct Device<S, P> {
    panel: Panel<S, P>,
    shadow: &'static mut Shadow,
}

/// Sets the panel up, black.
///
/// # Panics
/// If it is called twice.
pub fn init<S, P>(config: &'static Config, bus: S, data_select: P) -> Device<S, P>
where
    S: SpiBus<Error = Infallible>,
    P: OutputPin<Error = Infallible>,
{
    static SHADOW: ConstStaticCell<Shadow> = ConstStaticCell::new([0; _]);
    let mut panel = Panel::new(bus, data_select);
    let shadow = SHADOW.take();
    panel.command(&command::SET_UP);
    panel.command(&command::contrast(config.contrast as u8));
    panel.show(&Window::ALL, shadow);
    panel.command(&command::ON);
    Device { panel, shadow }
}

impl<S, P> OriginDimensions for Device<S, P> {
    fn size(&self) -> Size {
        SIZE
    }
}

impl<S, P> DrawTarget for Device<S, P>
where
    S: SpiBus<Error = Infallible>,
    P: OutputPin<Error = Infallible>,
{
    type Color = Gray4;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Gray4>>,
    {
        let mut window = Window::NONE;
        for Pixel(point, colour) in pixels {
            if self.bounding_box().contains(point) {
                let (column, row) = (point.x as usize / 2, point.y as usize);
                let shift = if point.x % 2 == 0 { 4 } else { 0 };
                let pair = &mut self.shadow[row * STRIDE + column];
                *pair = *pair & !(0xf << shift) | colour.luma() << shift;
                window.include(column, row);
            }
        }
        self.panel.show(&window, self.shadow);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
