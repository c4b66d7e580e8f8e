//! Small random catalogues, as manifests and as plain data, and an oracle that judges every set of
//! components by the rules of the manual, without any code of the resolver.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::workspace::Workspace;

/// How many capabilities components provide; the one after them is the board's `hw.uart`, which has
/// one owner.
pub const OFFERED: usize = 4;
const UART: usize = OFFERED;

/// How a provision is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    Link,
    Exclusive,
    Mutex,
    Copy,
}

/// How many providers a requirement takes.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    One,
    AtLeast(usize),
}

/// A component `c0`, `c1`, …
#[derive(Clone, Debug)]
pub struct Part {
    pub provides: Vec<(usize, Share)>,
    pub requires: Vec<(usize, Need)>,
    pub conflicts: Vec<usize>,
    pub arch: bool,
    pub class: bool,
}

/// A catalogue and a product.
#[derive(Clone, Debug)]
pub struct Case {
    pub parts: Vec<Part>,
    pub wishes: Vec<usize>,
    pub profile: Vec<usize>,
    /// The folder of each component, which decides the order of files.
    pub folders: Vec<u8>,
}

fn part() -> impl Strategy<Value = Part> {
    let share = prop_oneof![
        2 => Just(Share::Link),
        1 => Just(Share::Exclusive),
        2 => Just(Share::Mutex),
        2 => Just(Share::Copy),
    ];
    let need = prop_oneof![4 => Just(Need::One), 1 => (0usize..3).prop_map(Need::AtLeast)];
    let provides = prop::collection::btree_map(0..OFFERED, share, 0..3);
    let requires = prop::collection::btree_map(0..=UART, need, 0..3);
    let conflicts = prop::collection::btree_set(0usize..7, 0..2);
    let often = prop::bool::weighted(0.9);
    (provides, requires, conflicts, often, prop::bool::weighted(0.9)).prop_map(
        |(provides, requires, conflicts, arch, class)| Part {
            provides: provides.into_iter().collect(),
            requires: requires.into_iter().collect(),
            conflicts: conflicts.into_iter().collect(),
            arch,
            class,
        },
    )
}

/// Any case.
pub fn any_case() -> impl Strategy<Value = Case> {
    prop::collection::vec(part(), 1..8).prop_flat_map(|parts| {
        let count = parts.len();
        let wishes = prop::collection::btree_set(0..count, 1..=count.min(3));
        let profile = prop::collection::btree_set(0..OFFERED, 0..2);
        let folders = prop::collection::vec(0u8..4, count);
        (Just(parts), wishes, profile, folders).prop_map(|(parts, wishes, profile, folders)| Case {
            parts,
            wishes: wishes.into_iter().collect(),
            profile: profile.into_iter().collect(),
            folders,
        })
    })
}

/// Cases whose alternatives cannot get in each other's way: none excludes another, each provides one
/// thing, which anybody may use, and the product names no two providers of one thing.
pub fn calm_case() -> impl Strategy<Value = Case> {
    any_case().prop_map(|mut case| {
        for (index, part) in case.parts.iter_mut().enumerate() {
            part.conflicts.clear();
            part.provides.truncate(1);
            let share = if index % 2 == 0 { Share::Copy } else { Share::Link };
            part.provides.iter_mut().for_each(|(_, old)| *old = share);
            part.requires.retain(|(capability, _)| *capability != UART);
            for (_, need) in &mut part.requires {
                if let Need::AtLeast(count) = need {
                    *count = (*count).min(1);
                }
            }
        }
        let mut provided = Vec::new();
        case.wishes.retain(|wish| {
            let new = case.parts[*wish].provides.iter().all(|(c, _)| !provided.contains(c));
            provided.extend(case.parts[*wish].provides.iter().map(|(c, _)| *c));
            new
        });
        case
    })
}

fn capability(index: usize) -> String {
    if index == UART { "hw.uart".to_owned() } else { format!("k{index}") }
}

impl Case {
    /// The case as manifests.
    pub fn workspace(&self) -> Workspace {
        let list = |items: Vec<String>| items.join(", ");
        let wishes = list(self.wishes.iter().map(|wish| format!("c{wish}")).collect());
        let profile = list(self.profile.iter().map(|c| capability(*c)).collect());
        let mut workspace = Workspace::new("", &format!("services: [{wishes}]"))
            .profile(&format!("requires: [{profile}]"));
        for (index, part) in self.parts.iter().enumerate() {
            let provides = part.provides.iter().map(|(c, share)| {
                let rest = match share {
                    Share::Link => "",
                    Share::Exclusive => ", share: exclusive",
                    Share::Mutex => ", share: mutex",
                    Share::Copy => ", share: copy, value: V",
                };
                format!("{{ capability: {}{rest} }}", capability(*c))
            });
            let requires = part.requires.iter().map(|(c, need)| match need {
                Need::One => capability(*c),
                Need::AtLeast(n) => {
                    format!("{{ capability: {}, many: true, at-least: {n} }}", capability(*c))
                }
            });
            let conflicts = part.conflicts.iter().map(|other| format!("c{other}"));
            let mut line = format!("{{ component: c{index}, layer: service");
            for (key, items) in [
                ("provides", provides.collect::<Vec<_>>()),
                ("requires", requires.collect()),
                ("conflicts", conflicts.collect()),
                ("arch", if part.arch { vec![] } else { vec!["rv32imac".to_owned()] }),
                ("classes", if part.class { vec![] } else { vec!["rich".to_owned()] }),
            ] {
                write!(line, ", {key}: [{}]", list(items)).expect("a String grows");
            }
            workspace.add_in(&format!("f{}", self.folders[index]), &format!("{line} }}"));
        }
        workspace
    }

    /// The components of a set that provide a capability.
    pub fn providers(&self, set: &[usize], capability: usize) -> Vec<(usize, Share)> {
        let share = |part: &usize| {
            let provides = self.parts[*part].provides.iter();
            provides.filter(|(c, _)| *c == capability).map(|(_, share)| (*part, *share)).next()
        };
        set.iter().filter_map(share).collect()
    }

    /// Whether a set of components is a product by the rules.
    pub fn is_valid(&self, set: &[usize]) -> bool {
        let parts = || set.iter().map(|index| (*index, &self.parts[*index]));
        let fit = parts().all(|(_, part)| part.arch && part.class);
        let at_peace =
            parts().all(|(_, part)| part.conflicts.iter().all(|other| !set.contains(other)));
        let asked = self.wishes.iter().all(|wish| set.contains(wish))
            && self.profile.iter().all(|c| !self.providers(set, *c).is_empty());
        let served = parts().flat_map(|(_, part)| &part.requires).all(|(c, need)| {
            let found = if *c == UART { 1 } else { self.providers(set, *c).len() };
            match need {
                Need::One => found == 1,
                Need::AtLeast(least) => found >= *least,
            }
        });
        let users = |c: usize| parts().filter(|(_, p)| p.requires.iter().any(|r| r.0 == c)).count();
        let owned = users(UART) <= 1
            && (0..OFFERED).all(|c| {
                let owned = self.providers(set, c).iter().any(|p| p.1 == Share::Exclusive);
                !owned || users(c) <= 1
            });
        fit && at_peace && asked && served && owned && self.can_start(set)
    }

    /// Whether some order starts each component after the devices it takes.
    fn can_start(&self, set: &[usize]) -> bool {
        let mut waiting = set.to_vec();
        loop {
            let ready = |index: &usize| {
                self.parts[*index].requires.iter().all(|(c, _)| {
                    let devices = self.providers(&waiting, *c);
                    devices.iter().all(|(_, share)| matches!(share, Share::Link | Share::Copy))
                })
            };
            let left: Vec<usize> = waiting.iter().copied().filter(|index| !ready(index)).collect();
            if left.is_empty() || left.len() == waiting.len() {
                return left.is_empty();
            }
            waiting = left;
        }
    }

    /// A valid set, if any of all sets is one.
    pub fn solution(&self) -> Option<Vec<usize>> {
        let count = self.parts.len();
        let set = |bits: u32| (0..count).filter(|i| bits >> i & 1 == 1).collect::<Vec<_>>();
        (0..1u32 << count).map(set).find(|set| self.is_valid(set))
    }
}
