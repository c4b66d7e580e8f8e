//! The vocabulary every other crate shares: names, byte sizes, durations, digests, source spans and
//! diagnostics with stable codes. Nothing here opens a file, starts a process or reads a clock.

pub mod code;
pub mod diagnostic;
pub mod digest;
pub mod duration;
pub mod explain;
pub mod name;
pub mod render;
pub mod size;
pub mod span;
pub mod suggest;

pub use code::Code;
pub use diagnostic::{Diagnostic, Label, Severity};
pub use digest::{Blake3, FileDigest, Sha256};
pub use duration::Millis;
pub use name::{CapabilityName, Name};
pub use size::ByteSize;
pub use span::{SourceId, SourceMap, Span, Spanned};
