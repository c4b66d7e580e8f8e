//! What the measurements of file systems share: trees of this machine's files, what is kept from one
//! composition to the next, and the clock.

pub mod sample;
pub mod time;
