//! Shared by the tests of the resolver.

#![allow(dead_code, reason = "each test binary uses its part")]

pub mod random;
pub mod workspace;
