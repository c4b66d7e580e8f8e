//! How much a slow test does.

/// How many cases are tried: as many as `TARSIA_CASES` asks for, or else the usual.
#[expect(clippy::disallowed_methods, reason = "this is the one place that is asked")]
pub fn cases(usual: u64) -> u64 {
    let asked = std::env::var("TARSIA_CASES").ok().and_then(|count| count.parse().ok());
    asked.unwrap_or(usual)
}
