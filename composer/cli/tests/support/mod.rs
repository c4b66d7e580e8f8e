//! Shared by the tests that run the real binary: a workspace in a temporary folder, and the
//! manifests that are in it unless a test replaces them.

#![allow(dead_code, reason = "each test binary uses its part")]

pub mod catalogue;
pub mod workspace;
