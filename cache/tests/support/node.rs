//! Files and folders of the disk in memory: what processes see, and what is on the disk.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::random::Random;

#[derive(Clone, Debug)]
pub enum Node {
    Folder(State<BTreeMap<OsString, u64>>),
    File { data: State<Vec<u8>>, used: i64, executable: bool, held: bool },
}

/// Something with a version that processes see and one that was synced.
#[derive(Clone, Debug, Default)]
pub struct State<T> {
    pub now: T,
    pub disk: T,
}

/// What a loss of power leaves of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// All of it.
    Kept,
    /// Nothing of it.
    Lost,
    /// Names, and of each file's data the first half.
    Torn,
    /// Of each folder and each file one of these, by a seed.
    Mixed(u64),
}

impl<T: Clone> State<T> {
    pub fn sync(&mut self) {
        self.disk = self.now.clone();
    }

    fn settle(&mut self, keep: bool) {
        if keep {
            self.disk = self.now.clone();
        } else {
            self.now = self.disk.clone();
        }
    }
}

impl Node {
    pub fn folder() -> Self {
        Self::Folder(State::default())
    }

    /// The process that held it is dead.
    pub fn release(&mut self) {
        if let Self::File { held, .. } = self {
            *held = false;
        }
    }

    /// What is left after a loss of power.
    pub fn lose(&mut self, loss: Loss, random: &mut Random) {
        let loss = match loss {
            Loss::Mixed(_) => [Loss::Kept, Loss::Lost, Loss::Torn][random.below(3) as usize],
            loss => loss,
        };
        match self {
            Self::Folder(entries) => entries.settle(loss != Loss::Lost),
            Self::File { data, .. } => {
                if loss == Loss::Torn && data.now != data.disk {
                    let half = data.now.len() / 2;
                    data.now.truncate(half);
                }
                data.settle(loss != Loss::Lost);
            }
        }
    }
}
