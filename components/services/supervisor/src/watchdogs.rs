//! All watchdogs of a product, as the generated tuple that binds them: none, or up to three.

use embedded_hal_02::watchdog::Watchdog;

/// Watchdogs that are fed together.
pub trait Watchdogs {
    /// Feeds every one.
    fn feed(&mut self);
}

impl Watchdogs for () {
    fn feed(&mut self) {}
}

macro_rules! tuples {
    ($(($($watchdog:ident $index:tt),+))+) => {$(
        impl<$($watchdog: Watchdog),+> Watchdogs for ($($watchdog,)+) {
            fn feed(&mut self) {
                $(self.$index.feed();)+
            }
        }
    )+};
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
}
