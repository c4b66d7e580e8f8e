//! Sizes against their limits. Board, profile and product may each limit a memory and the tightest
//! holds; a component may promise a size of its own. What is too large is said with both numbers,
//! the line that set the limit and what takes the most.

use std::fmt;

use tarsia_model::{ByteSize, Code, Diagnostic, Name, Span};

use crate::{Attribution, Owner, Row, Usage};

/// How many of the largest rows a diagnostic names.
const LARGEST: usize = 5;

/// One of the two memories of a microcontroller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Memory {
    /// The image is stored here.
    Flash,
    /// Variables and stacks live here.
    Ram,
}

impl Memory {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Flash, Self::Ram];
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Flash => "flash",
            Self::Ram => "RAM",
        })
    }
}

/// Who set a limit; of equal limits the first in this order is the one reported.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SetBy {
    /// The product's `budgets`.
    Product(Name),
    /// The profile's ceiling.
    Profile(Name),
    /// What the hardware has.
    Board(Name),
}

impl fmt::Display for SetBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Product(name) => write!(f, "product `{name}`"),
            Self::Profile(name) => write!(f, "profile `{name}`"),
            Self::Board(name) => write!(f, "board `{name}`"),
        }
    }
}

/// A limit on one memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The memory.
    pub memory: Memory,
    /// The most it may hold.
    pub size: ByteSize,
    /// Where the size is written.
    pub span: Span,
    /// Who wrote it.
    pub by: SetBy,
}

/// A component's promise for one memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentLimit {
    /// The component.
    pub component: Name,
    /// The memory.
    pub memory: Memory,
    /// The most it may take.
    pub size: ByteSize,
    /// Where the size is written.
    pub span: Span,
}

/// Every limit in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// On whole memories.
    pub memories: Vec<Limit>,
    /// On components.
    pub components: Vec<ComponentLimit>,
}

impl Limits {
    /// The limits of one memory, tightest first.
    pub fn of(&self, memory: Memory) -> Vec<&Limit> {
        let mut found: Vec<_> = self.memories.iter().filter(|l| l.memory == memory).collect();
        found.sort_by_key(|limit| (limit.size, &limit.by));
        found
    }

    /// The limit that holds, if there is any.
    pub fn tightest(&self, memory: Memory) -> Option<&Limit> {
        self.of(memory).first().copied()
    }
}

/// `used` of `limit` in percent with one decimal, rounded up: one byte too many is more than 100 %.
pub(crate) fn percent(used: u64, limit: u64) -> String {
    if limit == 0 {
        return "∞ %".to_owned();
    }
    let tenths = (u128::from(used) * 1000).div_ceil(u128::from(limit));
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// `1 byte`, `2 bytes`.
fn bytes(count: u64) -> String {
    format!("{count} byte{}", if count == 1 { "" } else { "s" })
}

/// `128KiB (131072 bytes)`, or `1000 bytes` where no unit fits.
fn both(size: ByteSize) -> String {
    let shown = size.to_string();
    if shown.ends_with("iB") { format!("{shown} ({})", bytes(size.0)) } else { bytes(size.0) }
}

/// Holds sizes against limits: memories first, then components by name.
///
/// Every finding is [`Code::OverBudget`] at the line that set the limit.
pub fn check(attribution: &Attribution, limits: &Limits) -> Vec<Diagnostic> {
    let memories = Memory::ALL
        .into_iter()
        .filter_map(|memory| over_memory(memory, attribution.memory(memory), &limits.of(memory)));
    let mut components: Vec<_> = limits.components.iter().collect();
    components.sort_by_key(|limit| (&limit.component, limit.memory));
    let components = components
        .into_iter()
        .filter_map(|limit| over_component(limit, attribution.memory(limit.memory)));
    memories.chain(components).collect()
}

fn over_memory(memory: Memory, usage: &Usage, limits: &[&Limit]) -> Option<Diagnostic> {
    let (limit, others) = limits.split_first()?;
    let excess = usage.used.checked_sub(limit.size.0).filter(|excess| *excess > 0)?;
    let message = format!(
        "the image needs {} of {memory}, {} more than its limit of {} ({})",
        bytes(usage.used),
        bytes(excess),
        both(limit.size),
        percent(usage.used, limit.size.0),
    );
    let mut diagnostic = Diagnostic::at(Code::OverBudget, limit.span, message)
        .label(format!("limit of {memory}, set by {}", limit.by));
    for other in others {
        let fits = if usage.used > other.size.0 { "exceeded too" } else { "kept" };
        diagnostic =
            diagnostic.also(other.span, format!("{} by {}: {fits}", both(other.size), other.by));
    }
    let mut rows: Vec<(&Row, u64)> = usage.rows.iter().map(|row| (row, row.bytes())).collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.owner.cmp(&b.0.owner)));
    let named = |row: &Row| match row.owner {
        Owner::Structural(_) => row.owner.to_string(),
        _ => format!("{} `{}`", row.owner.kind(), row.owner),
    };
    let largest: Vec<String> =
        rows.iter().take(LARGEST).map(|(row, size)| format!("{} {size}", named(row))).collect();
    diagnostic = diagnostic.note(format!("largest, in bytes: {}", largest.join(", ")));
    let hardware = limits.iter().find(|other| matches!(other.by, SetBy::Board(_)));
    Some(match hardware {
        Some(board) if usage.used > board.size.0 => diagnostic.hint(format!(
            "{} has {} of {memory}: leave out components or choose another board",
            board.by,
            both(board.size)
        )),
        _ => {
            let most = hardware.map_or(u64::MAX, |board| board.size.0);
            let enough = ByteSize(usage.used.next_multiple_of(1024).min(most));
            diagnostic.hint(format!("leave out {} or raise the limit to {enough}", bytes(excess)))
        }
    })
}

fn over_component(limit: &ComponentLimit, usage: &Usage) -> Option<Diagnostic> {
    let owner = Owner::Component(limit.component.clone());
    let row = usage.rows.iter().find(|row| row.owner == owner)?;
    let used = row.bytes();
    let excess = used.checked_sub(limit.size.0).filter(|excess| *excess > 0)?;
    let message = format!(
        "component `{}` takes {} of {}, {} more than its budget of {} ({})",
        limit.component,
        bytes(used),
        limit.memory,
        bytes(excess),
        both(limit.size),
        percent(used, limit.size.0),
    );
    let largest: Vec<String> =
        row.largest(LARGEST).map(|part| format!("{} {}", part.name(), part.bytes)).collect();
    Some(
        Diagnostic::at(Code::OverBudget, limit.span, message)
            .label(format!("budget of `{}`", limit.component))
            .note(format!("largest, in bytes: {}", largest.join(", "))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Structural;
    use crate::attribution::tests::usage;
    use tarsia_model::{SourceMap, render};

    const PRODUCT: &str =
        "product: greenhouse\nprofile: mini\nbudgets:\n  flash: 4KiB\n  ram: 1KiB\n";

    fn name(text: &str) -> Name {
        text.parse().expect("a name")
    }

    fn world() -> (SourceMap, Limits) {
        let mut sources = SourceMap::default();
        let product = sources.add("products/greenhouse.yaml", PRODUCT);
        let profile = sources.add("profiles/mini.yaml", "profile: mini\nflash: 128KiB\nram: 512\n");
        let board = sources.add("components/boards/b/component.yaml", "flash: 5000\nram: 64KiB\n");
        let service = sources.add("components/services/telemetry/component.yaml", "budget: 1KiB\n");
        let limit = |memory, size, span, by| Limit { memory, size: ByteSize(size), span, by };
        let memories = vec![
            limit(Memory::Flash, 5000, Span::new(board, 7, 11), SetBy::Board(name("b"))),
            limit(Memory::Flash, 131_072, Span::new(profile, 21, 27), SetBy::Profile(name("mini"))),
            limit(
                Memory::Flash,
                4096,
                Span::new(product, 52, 56),
                SetBy::Product(name("greenhouse")),
            ),
            limit(Memory::Ram, 65_536, Span::new(board, 17, 22), SetBy::Board(name("b"))),
            limit(Memory::Ram, 512, Span::new(profile, 33, 36), SetBy::Profile(name("mini"))),
            limit(
                Memory::Ram,
                1024,
                Span::new(product, 64, 68),
                SetBy::Product(name("greenhouse")),
            ),
        ];
        let components = vec![ComponentLimit {
            component: name("telemetry"),
            memory: Memory::Flash,
            size: ByteSize(1024),
            span: Span::new(service, 8, 12),
        }];
        (sources, Limits { memories, components })
    }

    fn attribution(flash: u64, ram: u64) -> Attribution {
        let component = |text: &str| Owner::Component(name(text));
        Attribution {
            flash: usage(&[
                (component("telemetry"), flash / 2),
                (component("blink"), 80),
                (Owner::Package { name: "heapless".into(), version: Some("0.9.3".into()) }, 300),
                (Owner::Structural(Structural::VectorTable), 1024),
                (Owner::Structural(Structural::Padding), 3),
                (Owner::Structural(Structural::Core), flash - flash / 2 - 1407),
            ]),
            ram: usage(&[(component("telemetry"), ram)]),
        }
    }

    #[test]
    fn an_image_over_its_limits() {
        let (sources, limits) = world();
        let found = check(&attribution(4500, 513), &limits);
        insta::assert_snapshot!(render::all(&found, &sources, false));
    }

    #[test]
    fn an_image_larger_than_the_hardware() {
        let (sources, mut limits) = world();
        limits.components.clear();
        let found = check(&attribution(5001, 1), &limits);
        insta::assert_snapshot!(render::all(&found, &sources, false));
    }

    #[test]
    fn exactly_the_limit_fits_and_one_byte_more_does_not() {
        let (_, mut limits) = world();
        limits.components.clear();
        assert_eq!(check(&attribution(4096, 512), &limits), []);
        assert_eq!(check(&attribution(4097, 512), &limits).len(), 1);
        assert_eq!(check(&attribution(4096, 513), &limits).len(), 1);
        assert_eq!(
            (percent(4096, 4096), percent(4097, 4096)),
            ("100.0 %".into(), "100.1 %".into())
        );
    }
}
