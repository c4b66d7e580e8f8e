//! Boot entries whose names count attempts, so that a boot loader can go back to the old slot when
//! a new one does not come up: `NAME+LEFT-DONE.efi` (UAPI.1 Boot Loader Specification, "Boot counting";
//! systemd, "Automatic Boot Assessment", "Details"). An updater gives a new entry a counter, the boot
//! loader counts each attempt, and a system that came up takes the counter away.

use std::fmt;
use std::str::FromStr;

/// Longest file name of an entry, with counter and suffix, in characters (UAPI.1, "Type #1").
pub const LONGEST: usize = 255;
/// Largest counter: systemd-boot reads no more (`INT_MAX`).
pub const LARGEST_COUNT: u32 = i32::MAX as u32;

/// Which kind of entry a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suffix {
    /// `.efi`: a unified kernel image in `EFI/Linux` (UAPI.1, "Type #2").
    Efi,
    /// `.conf`: a text in `loader/entries` (UAPI.1, "Type #1").
    Conf,
}

impl Suffix {
    const fn text(self) -> &'static str {
        match self {
            Self::Efi => ".efi",
            Self::Conf => ".conf",
        }
    }
}

/// Attempts to boot an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counter {
    /// Attempts that may still be made.
    pub left: u32,
    /// Attempts that were made and of which none is known to have succeeded.
    pub done: u32,
}

/// What is known of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It came up once, or nobody counts.
    Good,
    /// It is being tried.
    Indeterminate,
    /// All attempts are used up: it is sorted behind all others.
    Bad,
}

/// The file name of a boot entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    name: String,
    counter: Option<Counter>,
    suffix: Suffix,
}

/// Why a text is no name of a boot entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// It ends otherwise.
    #[error("`{text}` is no boot entry: its name ends neither in `.efi` nor in `.conf`")]
    Suffix {
        /// The file name.
        text: String,
    },
    /// Nothing stands before counter and suffix, or a character that boot loaders do not take.
    #[error(
        "`{name}` cannot name a boot entry: one or more ASCII letters, digits, `.`, `_`, `-`, `+` can"
    )]
    Name {
        /// The name without counter and suffix.
        name: String,
    },
    /// The name would be read as a counter.
    #[error(
        "`{name}` cannot name a boot entry: its end `{end}` would be read as a counter of attempts"
    )]
    Counted {
        /// The name without counter and suffix.
        name: String,
        /// From the `+` on.
        end: String,
    },
    /// A counter beyond what boot loaders read.
    #[error("`{text}` counts to {count}; boot loaders read at most {LARGEST_COUNT}")]
    Count {
        /// The file name.
        text: String,
        /// The number.
        count: String,
    },
    /// The file name is too long, now or when the counter has its most digits.
    #[error(
        "`{name}` is too long for a boot entry: {length} characters with its counter, {LONGEST} are possible"
    )]
    Long {
        /// The name without counter and suffix.
        name: String,
        /// Length of the file name.
        length: usize,
    },
}

impl Entry {
    /// An entry that is known to be good.
    ///
    /// # Errors
    /// When `name` cannot be part of a file name, or ends like a counter.
    pub fn new(name: &str, suffix: Suffix) -> Result<Self, EntryError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-_.".contains(&byte);
        if name.is_empty() || !name.bytes().all(allowed) {
            return Err(EntryError::Name { name: name.to_owned() });
        }
        if let Some((_, end)) = counter_of(name) {
            return Err(EntryError::Counted { name: name.to_owned(), end: format!("+{end}") });
        }
        let entry = Self { name: name.to_owned(), counter: None, suffix };
        entry.fits()
    }

    /// The same entry when it is to be tried: `left` attempts, none made.
    ///
    /// # Errors
    /// When `left` is beyond [`LARGEST_COUNT`] or the name gets too long.
    pub fn counted(mut self, left: u32) -> Result<Self, EntryError> {
        self.counter = Some(Counter { left, done: 0 });
        if left > LARGEST_COUNT {
            return Err(EntryError::Count { text: self.to_string(), count: left.to_string() });
        }
        self.fits()
    }

    /// Name without counter and suffix: the same through all states.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The counter, when attempts are counted.
    pub const fn counter(&self) -> Option<Counter> {
        self.counter
    }

    /// Which kind of entry it is.
    pub const fn suffix(&self) -> Suffix {
        self.suffix
    }

    /// What its counter says.
    pub const fn state(&self) -> State {
        match self.counter {
            None => State::Good,
            Some(Counter { left: 0, .. }) => State::Bad,
            Some(_) => State::Indeterminate,
        }
    }

    /// What the boot loader renames the entry to before it starts it. A bad one is
    /// still started when there is no other; nothing counts then.
    #[must_use]
    pub fn attempted(&self) -> Self {
        let counter = self.counter.map(|Counter { left, done }| match left.checked_sub(1) {
            Some(left) => Counter { left, done: done.saturating_add(1).min(LARGEST_COUNT) },
            None => Counter { left, done },
        });
        Self { counter, ..self.clone() }
    }

    /// What a system that came up renames its entry to (`systemd-bless-boot good`).
    #[must_use]
    pub fn blessed(&self) -> Self {
        Self { counter: None, ..self.clone() }
    }

    /// What a system that does not want to be started again renames its entry to
    /// (`systemd-bless-boot bad`).
    #[must_use]
    pub fn condemned(&self) -> Self {
        let done = self.counter.map_or(0, |counter| counter.done);
        Self { counter: Some(Counter { left: 0, done }), ..self.clone() }
    }

    /// Counters never get more digits than both have together at first, but one `-0` can come.
    fn fits(self) -> Result<Self, EntryError> {
        let longest = match self.counter {
            Some(Counter { left, done }) => {
                let most = left.saturating_add(done).min(LARGEST_COUNT);
                Self { counter: Some(Counter { left, done: most }), ..self.clone() }.to_string()
            }
            None => self.to_string(),
        };
        match longest.len() <= LONGEST {
            true => Ok(self),
            false => Err(EntryError::Long { name: self.name, length: longest.len() }),
        }
    }
}

impl fmt::Display for Entry {
    /// The file name. `-DONE` is left out while it is 0.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.counter {
            Some(Counter { left, done: 0 }) => write!(f, "+{left}")?,
            Some(Counter { left, done }) => write!(f, "+{left}-{done}")?,
            None => {}
        }
        f.write_str(self.suffix.text())
    }
}

impl FromStr for Entry {
    type Err = EntryError;

    /// Reads a file name. `+3-0` is the same as `+3`, as for boot loaders.
    fn from_str(text: &str) -> Result<Self, EntryError> {
        let (stem, suffix) = [Suffix::Efi, Suffix::Conf]
            .into_iter()
            .find_map(|suffix| text.strip_suffix(suffix.text()).map(|stem| (stem, suffix)))
            .ok_or_else(|| EntryError::Suffix { text: text.to_owned() })?;
        let Some((name, end)) = counter_of(stem) else {
            return Self::new(stem, suffix);
        };
        let count = |digits: &str| match digits.parse() {
            Ok(count) if count <= LARGEST_COUNT => Ok(count),
            _ => Err(EntryError::Count { text: text.to_owned(), count: digits.to_owned() }),
        };
        let (left, done) = end.split_once('-').unwrap_or((end, "0"));
        let counter = Counter { left: count(left)?, done: count(done)? };
        let entry = Self::new(name, suffix)?;
        Self { counter: Some(counter), ..entry }.fits()
    }
}

/// Splits a stem at the `+` of its counter.
fn counter_of(stem: &str) -> Option<(&str, &str)> {
    let (name, end) = stem.rsplit_once('+')?;
    let number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let (left, done) = end.split_once('-').unwrap_or((end, "0"));
    (number(left) && number(done)).then_some((name, end))
}

/// What `loader/loader.conf` says to systemd-boot (loader.conf(5)). What is not said here keeps the boot
/// loader's own default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loader {
    /// Pattern of the entries of which the first is started, like `phone-*`.
    pub default: Option<String>,
    /// How long the menu is shown, in seconds; 0 starts at once.
    pub timeout: Option<u32>,
    /// Whether the kernel's command line may be edited at boot. A product with Secure Boot wants `false`.
    pub editor: Option<bool>,
    /// Whether other systems on the disk are shown.
    pub auto_entries: Option<bool>,
    /// Whether the firmware's setup is shown.
    pub auto_firmware: Option<bool>,
}

/// A pattern that would not be one word of a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` cannot be the default of loader.conf: one word of printable ASCII can", pattern.escape_debug())]
pub struct LoaderError {
    /// The pattern.
    pub pattern: String,
}

impl Loader {
    /// The text of `loader.conf`.
    ///
    /// # Errors
    /// When the default is no pattern of one word.
    pub fn text(&self) -> Result<String, LoaderError> {
        let word = |pattern: &String| match pattern.bytes().all(|byte| byte.is_ascii_graphic()) {
            true if !pattern.is_empty() => Ok(pattern.clone()),
            _ => Err(LoaderError { pattern: pattern.clone() }),
        };
        let yes = |value: bool| if value { "yes" } else { "no" }.to_owned();
        let lines = [
            ("default", self.default.as_ref().map(word).transpose()?),
            ("timeout", self.timeout.map(|seconds| seconds.to_string())),
            ("editor", self.editor.map(yes)),
            ("auto-entries", self.auto_entries.map(yes)),
            ("auto-firmware", self.auto_firmware.map(yes)),
        ];
        let said = lines.into_iter().filter_map(|(key, value)| Some((key, value?)));
        Ok(said.map(|(key, value)| format!("{key} {value}\n")).collect())
    }
}
