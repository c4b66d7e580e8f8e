//! Shows over HTTP how a product is: a page for people, and the same as JSON for programs. It reads
//! what init and other processes publish, and asks for the system calls `io`, `files`, `net`,
//! `threads`.
#![forbid(unsafe_code)]

mod answer;
mod facts;
mod page;
mod seats;
mod server;

pub use answer::{Answer, MAX_HEAD, answer};
pub use facts::{Facts, Memory, Places};
pub use server::{Config, run, serve};
