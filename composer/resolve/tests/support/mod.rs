//! Shared by the tests of the resolver.

#![allow(dead_code, reason = "each test binary uses its part")]

pub mod judge;
pub mod layered;
pub mod random;
pub mod workspace;
