//! The wire: commands and pixels go over the same bus, told apart by a pin that must not change
//! before the last bit is out.

use core::convert::Infallible;

use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiBus;

use crate::window::Window;
use crate::{STRIDE, Shadow, command};

pub(crate) struct Panel<S, P> {
    bus: S,
    data_select: P,
}

impl<S, P> Panel<S, P>
where
    S: SpiBus<Error = Infallible>,
    P: OutputPin<Error = Infallible>,
{
    pub(crate) fn new(bus: S, data_select: P) -> Self {
        Self { bus, data_select }
    }

    pub(crate) fn command(&mut self, bytes: &[u8]) {
        let Ok(()) = self.data_select.set_low();
        let Ok(()) = self.bus.write(bytes);
        let Ok(()) = self.bus.flush();
    }

    /// Copies a window of the shadow to the panel.
    pub(crate) fn show(&mut self, window: &Window, shadow: &Shadow) {
        let Window { columns: (left, right), rows: (top, bottom) } = *window;
        if left > right {
            return;
        }
        self.command(&command::window(window));
        let Ok(()) = self.data_select.set_high();
        for row in shadow.chunks_exact(STRIDE).take(bottom + 1).skip(top) {
            let Ok(()) = self.bus.write(&row[left..=right]);
        }
        let Ok(()) = self.bus.flush();
    }
}
