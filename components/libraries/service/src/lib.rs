//! The contract between a service and whatever kernel runs it: a [`Slot`] to show that it lives,
//! an [`Exit`] to say how it ended, and [`Shared`] devices.
#![cfg_attr(not(test), no_std)]

mod exit;
mod order;
mod slot;

pub use exit::Exit;
#[cfg(feature = "faults")]
pub use order::Fault;
pub use slot::{BEAT, Slot, State};

/// A device that several components use in turn.
pub type Shared<D> =
    embassy_sync::mutex::Mutex<embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex, D>;
