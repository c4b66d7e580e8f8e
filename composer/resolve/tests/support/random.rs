//! Small random catalogues, as manifests and as plain data.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;

use super::workspace::Workspace;

/// How many capabilities components provide; the one after them is the board's `hw.uart`, which has
/// one owner.
pub const OFFERED: usize = 4;
pub const UART: usize = OFFERED;

/// How a provision is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    Link,
    Exclusive,
    Mutex,
    Copy,
}

/// How many providers a requirement takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    One,
    AtLeast(usize),
    /// None or one: what is left of a requirement without the need. Not written in manifests.
    AtMostOne,
    /// The one that is decided, or else all, but not none: what is left of a requirement without its
    /// taking one. Not written in manifests.
    Any,
}

/// When a line holds: always, or when the component's feature `f` has this value.
pub type When = Option<bool>;

/// A provision.
#[derive(Clone, Copy, Debug)]
pub struct Provision {
    pub share: Share,
    pub sole: bool,
    pub when: When,
}

/// A component `c0`, `c1`, …
#[derive(Clone, Debug)]
pub struct Part {
    pub provides: BTreeMap<usize, Provision>,
    pub requires: Vec<(usize, Need, When)>,
    pub recommends: Vec<(usize, When)>,
    pub conflicts: Vec<(usize, When)>,
    /// The value of its feature `f`.
    pub on: bool,
    pub arch: bool,
    pub class: bool,
    pub shy: bool,
    /// Promised flash in KiB.
    pub size: Option<u8>,
}

/// A catalogue and a product.
#[derive(Clone, Debug)]
pub struct Case {
    pub parts: Vec<Part>,
    pub wishes: BTreeSet<usize>,
    /// Capabilities that the product requires, and the profile.
    pub wants: Vec<usize>,
    pub profile: Vec<usize>,
    /// Preferred components, best first: the product's, the profile's.
    pub prefer: BTreeMap<usize, Vec<usize>>,
    pub liked: BTreeMap<usize, Vec<usize>>,
    pub without: BTreeSet<usize>,
    /// Whether the board's UART may have several users. Not written in manifests.
    pub shared_uart: bool,
    /// The folder of each component, which decides the order of files.
    pub folders: Vec<u8>,
}

fn when() -> impl Strategy<Value = When> {
    prop_oneof![4 => Just(None), 1 => Just(Some(true)), 1 => Just(Some(false))]
}

fn part() -> impl Strategy<Value = Part> {
    let share = prop_oneof![
        2 => Just(Share::Link),
        1 => Just(Share::Exclusive),
        2 => Just(Share::Mutex),
        2 => Just(Share::Copy),
    ];
    let provision = (share, prop::bool::weighted(0.08), when())
        .prop_map(|(share, sole, when)| Provision { share, sole, when });
    let need = prop_oneof![4 => Just(Need::One), 1 => (0usize..3).prop_map(Need::AtLeast)];
    let provides = prop::collection::btree_map(0..OFFERED, provision, 0..3);
    let requires = prop::collection::btree_map(0..=UART, (need, when()), 0..3);
    let recommends = prop::collection::btree_map(0..OFFERED, when(), 0..2);
    let conflicts = prop::collection::btree_map(0usize..7, when(), 0..2);
    let often = || prop::bool::weighted(0.93);
    let marks = (any::<bool>(), often(), often(), prop::bool::weighted(0.05));
    (provides, requires, recommends, conflicts, marks, prop::option::of(1u8..4)).prop_map(
        |(provides, requires, recommends, conflicts, (on, arch, class, shy), size)| Part {
            provides,
            requires: requires.into_iter().map(|(c, (need, when))| (c, need, when)).collect(),
            recommends: recommends.into_iter().collect(),
            conflicts: conflicts.into_iter().collect(),
            on,
            arch,
            class,
            shy,
            size,
        },
    )
}

/// Any case.
pub fn any_case() -> impl Strategy<Value = Case> {
    prop::collection::vec(part(), 1..8).prop_flat_map(|parts| {
        let count = parts.len();
        let wishes = prop::collection::btree_set(0..count, 1..=count.min(3));
        let wants =
            (prop::collection::vec(0..OFFERED, 0..2), prop::collection::vec(0..OFFERED, 0..2));
        let likes = || {
            let order = prop::collection::btree_set(0..count, 1..3)
                .prop_map(|set| set.into_iter().rev().collect::<Vec<usize>>());
            prop::collection::btree_map(0..OFFERED, order, 0..2)
        };
        let without = prop::collection::btree_set(0..count, 0..2);
        let folders = prop::collection::vec(0u8..4, count);
        (Just(parts), wishes, wants, (likes(), likes()), without, folders).prop_map(
            |(parts, wishes, (wants, profile), (prefer, liked), without, folders)| {
                // Preferences name providers; what is listed is not excluded.
                let sensible = |likes: BTreeMap<usize, Vec<usize>>| {
                    let keep = |(capability, mut order): (usize, Vec<usize>)| {
                        order.retain(|part| parts[*part].provides.contains_key(&capability));
                        (!order.is_empty()).then_some((capability, order))
                    };
                    likes.into_iter().filter_map(keep).collect()
                };
                let (prefer, liked) = (sensible(prefer), sensible(liked));
                let without = without.difference(&wishes).copied().collect();
                let shared_uart = false;
                Case { parts, wishes, wants, profile, prefer, liked, without, shared_uart, folders }
            },
        )
    })
}

/// Cases whose alternatives cannot get in each other's way: none excludes another, each provides one
/// thing, which anybody may use, whatever the features, and the product names no two providers of one
/// thing.
pub fn calm_case() -> impl Strategy<Value = Case> {
    any_case().prop_map(|mut case| {
        for (index, part) in case.parts.iter_mut().enumerate() {
            part.conflicts.clear();
            part.recommends.clear();
            let first = part.provides.keys().next().copied();
            part.provides.retain(|capability, _| Some(*capability) == first);
            let share = if index % 2 == 0 { Share::Copy } else { Share::Link };
            let provision = Provision { share, sole: false, when: None };
            part.provides.values_mut().for_each(|old| *old = provision);
            part.requires.retain(|(capability, _, _)| *capability != UART);
            for (_, need, when) in &mut part.requires {
                *when = None;
                if let Need::AtLeast(count) = need {
                    *count = (*count).min(1);
                }
            }
        }
        let mut provided = BTreeSet::new();
        case.wishes.retain(|wish| case.parts[*wish].provides.keys().all(|c| provided.insert(*c)));
        case.wants.clear();
        case.prefer.clear();
        case.without.clear();
        case
    })
}

fn capability(index: usize) -> String {
    if index == UART { "hw.uart".to_owned() } else { format!("k{index}") }
}

fn listed<T>(items: impl IntoIterator<Item = T>, text: impl Fn(T) -> String) -> String {
    items.into_iter().map(text).collect::<Vec<_>>().join(", ")
}

fn condition(when: When) -> String {
    when.map_or(String::new(), |value| format!(", when: {{ features: {{ f: {value} }} }}"))
}

fn table(likes: &BTreeMap<usize, Vec<usize>>) -> String {
    let order = |order: &Vec<usize>| listed(order, |part| format!("c{part}"));
    format!("{{ {} }}", listed(likes, |(c, o)| format!("{}: [{}]", capability(*c), order(o))))
}

impl Case {
    /// The lines that differ between cases, for messages.
    pub fn text(&self) -> String {
        let workspace = self.workspace().0;
        let shown = ["components/f", "products/", "profiles/"];
        let files =
            workspace.iter().filter(|(p, _)| shown.iter().any(|start| p.starts_with(start)));
        files.map(|(path, text)| format!("{path}: {text}")).collect()
    }

    /// The case as manifests.
    pub fn workspace(&self) -> Workspace {
        let unique = |items: &[usize]| items.iter().copied().collect::<BTreeSet<usize>>();
        let product = format!(
            "services: [{}]\nrequires: [{}]\nwithout: [{}]\nprefer: {}",
            listed(&self.wishes, |wish| format!("c{wish}")),
            listed(unique(&self.wants), capability),
            listed(&self.without, |part| format!("c{part}")),
            table(&self.prefer),
        );
        let profile = format!(
            "requires: [{}]\nprefer: {}",
            listed(unique(&self.profile), capability),
            table(&self.liked),
        );
        let mut workspace = Workspace::new("", &product).profile(&profile);
        for (index, part) in self.parts.iter().enumerate() {
            let line = part.line(index);
            workspace.add_in(&format!("f{}", self.folders[index]), &line);
        }
        workspace
    }
}

impl Part {
    fn line(&self, index: usize) -> String {
        let provides = listed(&self.provides, |(c, Provision { share, sole, when })| {
            let rest = match share {
                Share::Link => "",
                Share::Exclusive => ", share: exclusive",
                Share::Mutex => ", share: mutex",
                Share::Copy => ", share: copy, value: V",
            };
            let sole = if *sole { ", sole: true" } else { "" };
            format!("{{ capability: {}{rest}{sole}{} }}", capability(*c), condition(*when))
        });
        let requires = listed(&self.requires, |(c, need, when)| {
            let need = match need {
                Need::One | Need::AtMostOne | Need::Any => String::new(),
                Need::AtLeast(n) => format!(", many: true, at-least: {n}"),
            };
            format!("{{ capability: {}{need}{} }}", capability(*c), condition(*when))
        });
        let recommends = listed(&self.recommends, |(c, when)| {
            format!("{{ capability: {}{} }}", capability(*c), condition(*when))
        });
        let conflicts = listed(&self.conflicts, |(other, when)| {
            format!("{{ component: c{other}{} }}", condition(*when))
        });
        let mut line = format!("{{ component: c{index}, layer: service");
        for (key, items) in [
            ("provides", provides.as_str()),
            ("requires", &requires),
            ("recommends", &recommends),
            ("conflicts", &conflicts),
            ("arch", if self.arch { "" } else { "rv32imac" }),
            ("classes", if self.class { "" } else { "rich" }),
        ] {
            write!(line, ", {key}: [{items}]").expect("a String grows");
        }
        let feature = "type: bool, summary: F.";
        write!(line, ", features: {{ f: {{ {feature}, default: {} }} }}", self.on)
            .expect("a String grows");
        if self.shy {
            line.push_str(", only-if-named: true");
        }
        if let Some(size) = self.size {
            write!(line, ", budget: {{ flash: {size}KiB }}").expect("a String grows");
        }
        line + " }"
    }
}
