//! STUB
use crate::engine::Workshop;
use std::path::PathBuf;
use tarsia_model::Diagnostic;
#[derive(Clone, Debug)]
pub struct Fetched {
    pub identity: String,
    pub path: PathBuf,
}
impl Fetched {
    pub fn folder(&self, _: &Workshop<'_>) -> Result<PathBuf, Diagnostic> {
        Ok(self.path.clone())
    }
}
