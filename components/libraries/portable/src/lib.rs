//! Runs a service of the kernel contract (decision 0002), written for controllers, as a process of
//! a Linux product: the time of `embassy-time`, an executor for one future, and heartbeats of the
//! service's slot passed on to init.
#![forbid(unsafe_code)]

mod clock;
mod executor;

pub use executor::{run, run_all};
