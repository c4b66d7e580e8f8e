//! What init publishes of itself and the processes: `/run/tarsia/state.json`.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// The product and its processes, as init sees them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The product's name.
    pub product: String,
    /// The product's version.
    pub version: String,
    /// All processes have been ready; when, in milliseconds since the kernel started.
    pub ready_at_ms: Option<u64>,
    /// The longest that any process may be silent, in milliseconds; one that hangs is noticed only then.
    pub alive_within_ms: u32,
    /// The processes, in the order of the product.
    pub processes: Vec<ProcessState>,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessState {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub stage: Stage,
    /// How often it was started again.
    pub restarts: u32,
    /// Since when it stands there, in milliseconds since the kernel started.
    pub since_ms: u64,
    /// Why it last failed.
    pub failure: Option<String>,
}

/// Where a process stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It waits for others to be ready.
    Waiting,
    /// It was started and is not yet ready.
    Starting,
    /// It is ready.
    Ready,
    /// It failed and is started again soon.
    BackingOff,
    /// It did what it was for.
    Done,
    /// It failed too often.
    GivenUp,
    /// It is being ended, or was, as the product shuts down.
    Stopping,
}

impl Stage {
    /// The word for it, as in the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::BackingOff => "backing-off",
            Self::Done => "done",
            Self::GivenUp => "given-up",
            Self::Stopping => "stopping",
        }
    }
}

/// Why there is no state.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be read.
    #[error("read {path}: {error}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The file does not say what it should.
    #[error("understand {path}: {error}")]
    Parse {
        /// The file.
        path: String,
        /// Where and why.
        error: serde_json::Error,
    },
}

impl State {
    /// Where init publishes it.
    pub const PATH: &str = "/run/tarsia/state.json";

    /// Reads what was published.
    ///
    /// # Errors
    /// The file is not there or is not what init writes.
    pub fn read(path: &Path) -> Result<Self, StateError> {
        let shown = || path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| StateError::Read { path: shown(), error })?;
        serde_json::from_str(&text).map_err(|error| StateError::Parse { path: shown(), error })
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        // Only maps with keys that are no texts, and own implementations, can fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Every process is ready, or did what it was for.
    pub fn is_well(&self) -> bool {
        self.ready_at_ms.is_some()
            && self
                .processes
                .iter()
                .all(|process| matches!(process.stage, Stage::Ready | Stage::Done))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(stages: &[Stage]) -> State {
        let process = |&stage: &Stage| ProcessState {
            name: "a\"b".to_owned(),
            stage,
            restarts: 1,
            since_ms: 5,
            failure: Some("failed to read".to_owned()),
        };
        State {
            product: "p".to_owned(),
            version: "1".to_owned(),
            ready_at_ms: Some(7),
            alive_within_ms: 10_000,
            processes: stages.iter().map(process).collect(),
        }
    }

    #[test]
    fn what_is_written_is_read_and_the_words_are_those_of_the_file() {
        use Stage::*;
        let all = [Waiting, Starting, Ready, BackingOff, Done, GivenUp, Stopping];
        let written = state(&all);
        let text = written.to_json();
        assert_eq!(serde_json::from_str::<State>(&text).expect("the same"), written);
        for stage in all {
            assert!(text.contains(&format!(r#""stage":"{}""#, stage.word())), "{text}");
        }
    }

    #[test]
    fn one_that_is_not_ready_is_enough() {
        assert!(state(&[Stage::Ready, Stage::Done]).is_well());
        assert!(!state(&[Stage::Ready, Stage::BackingOff]).is_well());
        assert!(!State { ready_at_ms: None, ..state(&[Stage::Ready]) }.is_well());
    }
}
