//! The rules of docs/resolution.md once more, over plain data and by trying every set of components:
//! which sets are selections, and which of them is the one. Without any code of the resolver.

use std::collections::BTreeSet;

use super::random::{Case, Need, OFFERED, Part, Share, UART, When};

/// A set of components.
pub type Parts = BTreeSet<usize>;

impl Part {
    fn holds(&self, when: When) -> bool {
        when.is_none_or(|value| value == self.on)
    }

    fn provides(&self, capability: usize) -> bool {
        self.provides.get(&capability).is_some_and(|provision| self.holds(provision.when))
    }

    /// The needs that bind something.
    fn uses(&self) -> impl Iterator<Item = (usize, Need)> {
        self.needs().filter(|(_, need)| *need != Need::AtMostOne)
    }

    fn needs(&self) -> impl Iterator<Item = (usize, Need)> {
        let holding = self.requires.iter().filter(|(_, _, when)| self.holds(*when));
        holding.map(|(capability, need, _)| (*capability, *need))
    }
}

/// Every set that is a selection.
pub struct Selections<'a> {
    case: &'a Case,
    sets: Vec<Parts>,
}

impl Case {
    /// The components of a set that provide a capability, in order.
    pub fn providers(&self, set: &Parts, capability: usize) -> Vec<usize> {
        set.iter().copied().filter(|part| self.parts[*part].provides(capability)).collect()
    }

    /// Of several providers, the one that a requirement for one is bound to.
    fn decided(&self, capability: usize, among: &[usize]) -> Option<usize> {
        if let [only] = among {
            return Some(*only);
        }
        let words = [&self.prefer, &self.liked].map(|likes| likes.get(&capability));
        let mut order = words.into_iter().flatten().flatten();
        order.find(|part| among.contains(part) && self.wishes.contains(part)).copied()
    }

    /// The components that a requirement is bound to.
    pub fn bound(&self, set: &Parts, capability: usize, need: Need) -> Vec<usize> {
        let found = self.providers(set, capability);
        match need {
            Need::AtLeast(_) => found,
            Need::One | Need::AtMostOne => self.decided(capability, &found).into_iter().collect(),
            Need::Any => self.decided(capability, &found).map_or(found, |one| vec![one]),
        }
    }

    fn fits(&self, part: usize) -> bool {
        let Part { arch, class, shy, .. } = self.parts[part];
        let asked = !shy || self.wishes.contains(&part);
        arch && class && asked && !self.without.contains(&part)
    }

    /// Whether a set is a selection by the rules, were it all asked for.
    pub fn is_valid(&self, set: &Parts) -> bool {
        let parts = || set.iter().map(|index| (*index, &self.parts[*index]));
        let served = |part: &Part| {
            part.needs().all(|(capability, need)| {
                if capability == UART {
                    return !matches!(need, Need::AtLeast(2..));
                }
                let bound = self.bound(set, capability, need);
                match need {
                    Need::One => bound.len() == 1,
                    Need::AtMostOne => {
                        bound.len() == 1 || self.providers(set, capability).is_empty()
                    }
                    Need::Any => !bound.is_empty(),
                    Need::AtLeast(least) => bound.len() >= least,
                }
            })
        };
        let peaceful = |part: &Part| {
            let holding = part.conflicts.iter().filter(|(_, when)| part.holds(*when));
            holding.clone().all(|(other, _)| !set.contains(other))
        };
        let alone = |part: &Part| {
            let soles = part.provides.iter().filter(|(_, p)| p.sole && part.holds(p.when));
            soles.clone().all(|(capability, _)| self.providers(set, *capability).len() == 1)
        };
        let users = |capability: usize, of: usize| {
            let uses = |part: &Part| {
                let mine = part.uses().filter(|(c, _)| *c == capability);
                mine.filter(|(c, need)| *c == UART || self.bound(set, *c, *need).contains(&of))
                    .count()
            };
            parts().map(|(_, part)| uses(part)).sum::<usize>()
        };
        let owned = (self.shared_uart || users(UART, usize::MAX) <= 1)
            && parts().all(|(index, part)| {
                let exclusive = part.provides.iter().filter(|(_, p)| p.share == Share::Exclusive);
                exclusive.clone().all(|(c, p)| !part.holds(p.when) || users(*c, index) <= 1)
            });
        let wanted = self.wants.iter().chain(&self.profile);
        wanted.clone().all(|c| !self.providers(set, *c).is_empty())
            && self.wishes.is_subset(set)
            && parts().all(|(index, part)| {
                self.fits(index) && served(part) && peaceful(part) && alone(part)
            })
            && owned
            && self.can_start(set)
    }

    /// Whether some order starts each component after the devices it takes.
    fn can_start(&self, set: &Parts) -> bool {
        let mut waiting = set.clone();
        loop {
            let ready = |index: &usize| {
                self.parts[*index].uses().filter(|(c, _)| *c != UART).all(|(c, need)| {
                    let bound = self.bound(set, c, need);
                    let device = |part: &usize| {
                        let share = self.parts[*part].provides[&c].share;
                        !matches!(share, Share::Link | Share::Copy)
                    };
                    !bound.iter().any(|part| device(part) && waiting.contains(part))
                })
            };
            let left: Parts = waiting.iter().copied().filter(|index| !ready(index)).collect();
            if left.is_empty() || left.len() == waiting.len() {
                return left.is_empty();
            }
            waiting = left;
        }
    }

    /// All selections.
    pub fn selections(&self) -> Selections<'_> {
        let count = self.parts.len();
        let set = |bits: u32| (0..count).filter(|i| bits >> i & 1 == 1).collect::<Parts>();
        let sets = (0..1u32 << count).map(set).filter(|set| self.is_valid(set)).collect();
        Selections { case: self, sets }
    }

    /// Whether there is a selection when features of `free` components may have either value.
    pub fn is_possible(&self, free: &[usize]) -> bool {
        (0..1u32 << free.len()).any(|bits| {
            let mut case = self.clone();
            for (bit, part) in free.iter().enumerate() {
                case.parts[*part].on = bits >> bit & 1 == 1;
            }
            !case.selections().is_empty()
        })
    }

    /// The fitting components that could be in, given what they need.
    fn possible(&self) -> Parts {
        let mut possible: Parts = (0..self.parts.len()).filter(|part| self.fits(*part)).collect();
        loop {
            let served = |part: &usize| {
                self.parts[*part].needs().all(|(capability, need)| {
                    let count = match capability {
                        UART => 1,
                        _ => self.providers(&possible, capability).len(),
                    };
                    count
                        >= match need {
                            Need::One | Need::Any => 1,
                            Need::AtLeast(least) => least,
                            Need::AtMostOne => 0,
                        }
                })
            };
            let left: Parts = possible.iter().copied().filter(served).collect();
            if left == possible {
                return possible;
            }
            possible = left;
        }
    }
}

impl Selections<'_> {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// Whether some selection has all of these.
    fn any_with(&self, set: &Parts) -> bool {
        self.sets.iter().any(|found| set.is_subset(found))
    }

    /// The selection that the rules of choice lead to.
    pub fn chosen(&self) -> Option<Parts> {
        let case = self.case;
        if self.is_empty() {
            return None;
        }
        let mut set = case.wishes.clone();
        self.close(&mut set);
        let mut heard: BTreeSet<(usize, usize)> = BTreeSet::new();
        loop {
            let advice = set.iter().flat_map(|by| {
                let part = &case.parts[*by];
                let given = part.recommends.iter().enumerate();
                given.filter(|(_, (_, when))| part.holds(*when)).map(|(at, (c, _))| (*by, at, *c))
            });
            let next = advice.filter(|(by, at, _)| !heard.contains(&(*by, *at))).min();
            let Some((by, at, capability)) = next else {
                return Some(set);
            };
            heard.insert((by, at));
            if case.providers(&set, capability).is_empty() {
                self.take(&mut set, capability);
                self.close(&mut set);
            }
        }
    }

    /// Adds the first provider, in the order of choice, with which there still is a selection.
    fn take(&self, set: &mut Parts, capability: usize) -> bool {
        let case = self.case;
        let mut order: Vec<usize> = case.possible().into_iter().collect();
        order.retain(|part| !set.contains(part) && case.parts[*part].provides(capability));
        let words = [&case.prefer, &case.liked].map(|likes| likes.get(&capability));
        let words: Vec<usize> = words.into_iter().flatten().flatten().copied().collect();
        order.sort_by_key(|part| {
            let word = words.iter().position(|word| word == part).unwrap_or(usize::MAX);
            (word, case.parts[*part].size.unwrap_or(u8::MAX), *part)
        });
        for part in order {
            set.insert(part);
            if self.any_with(set) {
                return true;
            }
            set.remove(&part);
        }
        false
    }

    /// Serves what is required, capabilities with the fewest possible providers first.
    fn close(&self, set: &mut Parts) {
        let case = self.case;
        let possible = case.possible();
        loop {
            let demand = |capability: usize| {
                let needs = set.iter().flat_map(|part| case.parts[*part].needs());
                let counts = needs.filter(|(c, _)| *c == capability).map(|(_, need)| match need {
                    Need::One | Need::Any => 1,
                    Need::AtLeast(least) => least,
                    Need::AtMostOne => 0,
                });
                let wanted = case.wants.contains(&capability) || case.profile.contains(&capability);
                counts.chain([usize::from(wanted)]).max().unwrap_or(0)
            };
            let lacking = (0..OFFERED).filter(|c| case.providers(set, *c).len() < demand(*c));
            let next = lacking.min_by_key(|c| (case.providers(&possible, *c).len(), *c));
            let Some(capability) = next else { return };
            assert!(self.take(set, capability), "a set that can grow into a selection");
        }
    }
}
