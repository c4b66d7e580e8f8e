//! Shared by the tests of the store: a disk in memory that remembers what was synced, and a script
//! that uses everything a store can do.

#![allow(dead_code, reason = "each test binary uses its part")]

pub mod handle;
pub mod memory;
pub mod node;
pub mod random;
pub mod script;

/// How many times a slow test does what it does. `TARSIA_CASES` asks for more.
#[expect(clippy::disallowed_methods, reason = "asked for by whoever runs the tests")]
pub fn cases(usual: u64) -> u64 {
    let asked = std::env::var("TARSIA_CASES").ok().and_then(|count| count.parse().ok());
    asked.map_or(usual, |asked: u64| asked.max(usual))
}
