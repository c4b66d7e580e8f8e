//! What is shown: read anew for each request from what others publish. What is not there is shown as
//! not there.

use std::fs;
use std::path::PathBuf;

use serde::Serialize;
use tarsia_process::{State, uptime};

/// The longest text that is read of a file that another process wrote.
const MAX_TEXT: usize = 64 * 1024;

/// Where the facts are found.
#[derive(Clone, Debug)]
pub struct Places {
    /// What init publishes.
    pub state: PathBuf,
    /// What the process `network` publishes.
    pub network: PathBuf,
    /// The kernel's account of memory (proc(5)).
    pub memory: PathBuf,
    /// The kernel's command line, which names the slot.
    pub command_line: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            state: State::PATH.into(),
            network: "/run/network/state.json".into(),
            memory: "/proc/meminfo".into(),
            command_line: "/proc/cmdline".into(),
        }
    }
}

/// Memory in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// All that the kernel manages.
    pub total_kib: u64,
    /// What new processes could have.
    pub available_kib: u64,
}

/// All that is shown.
#[derive(Clone, Debug, Serialize)]
pub struct Facts {
    /// Seconds since the kernel started.
    pub uptime_s: u64,
    /// The slot that runs, as the kernel's command line says it: `tarsia.slot=a`.
    pub slot: Option<String>,
    /// Memory.
    pub memory: Option<Memory>,
    /// The network, as its process publishes it.
    pub network: Option<serde_json::Value>,
    /// Everything is ready.
    pub well: bool,
    /// The product and its processes.
    pub state: Option<State>,
    /// What could not be read.
    pub missing: Vec<String>,
}

impl Facts {
    /// Reads them.
    pub fn read(places: &Places) -> Self {
        let mut missing = Vec::new();
        let state =
            State::read(&places.state).map_err(|error| missing.push(error.to_string())).ok();
        // A product need not have the process `network`.
        let network = fs::read_to_string(&places.network)
            .ok()
            .filter(|text| text.len() <= MAX_TEXT)
            .and_then(|text| serde_json::from_str(&text).ok());
        let mut text = |path: &PathBuf| {
            let named = |error| missing.push(format!("read {}: {error}", path.display()));
            fs::read_to_string(path).map_err(named).ok()
        };
        let memory = text(&places.memory).and_then(|text| memory(&text));
        let slot = text(&places.command_line).and_then(|line| slot(&line));
        let well = state.as_ref().is_some_and(State::is_well);
        Self { uptime_s: uptime().as_secs(), slot, memory, network, well, state, missing }
    }

    /// As the text of `/status.json`.
    pub fn to_json(&self) -> String {
        // Only maps with keys that are no texts, and own implementations, can fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn memory(text: &str) -> Option<Memory> {
    let row = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    };
    Some(Memory { total_kib: row("MemTotal")?, available_kib: row("MemAvailable")? })
}

fn slot(line: &str) -> Option<String> {
    let mut words = line.split_ascii_whitespace();
    words.find_map(|word| word.strip_prefix("tarsia.slot=")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_understood() {
        let text = "MemTotal:        2097152 kB\nMemFree:   5 kB\nMemAvailable:    1048576 kB\n";
        assert_eq!(memory(text), Some(Memory { total_kib: 2_097_152, available_kib: 1_048_576 }));
        for text in ["", "MemTotal: 5 kB\n", "MemTotal: x kB\nMemAvailable: 5 kB\n"] {
            assert_eq!(memory(text), None, "{text}");
        }
        assert_eq!(slot("quiet tarsia.slot=b ro\n").as_deref(), Some("b"));
        assert_eq!(slot("quiet xtarsia.slot=b"), None);
    }
}
