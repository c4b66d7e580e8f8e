//! Why something is in a selection: every line that leads to it, from the product's and the
//! profile's own to those of the components on the way. Told from the causes that the resolver noted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tarsia_model::Name;

use crate::selection::{Cause, Selection, User};
use crate::subject::Subject;

/// At most so many chains are counted.
const COUNTED: usize = 200;

/// At most so many beginnings of chains are followed: components that need each other have
/// beginnings that lead nowhere.
const FOLLOWED: usize = 4_000;

/// Why something is in a selection.
#[derive(Clone, Debug)]
pub struct Why<'s> {
    /// What was asked for: the component, or every provider of the capability, by name.
    pub ends: Vec<&'s Name>,
    /// Every reason on the way, by component and who asked for it.
    pub reasons: Vec<Reason<'s>>,
}

/// One line because of which a component is in a selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason<'s> {
    /// Whose line it is.
    pub from: User<'s>,
    /// The component that is in because of it.
    pub to: &'s Name,
    /// The line.
    pub cause: &'s Cause,
}

/// Ways from the product or the profile to what was asked for, which pass no component twice.
#[derive(Clone, Debug)]
pub struct Chains<'s> {
    /// The shortest, shortest first. Each starts with a line of the product or the profile.
    pub shortest: Vec<Vec<Reason<'s>>>,
    /// How many more there are.
    pub more: usize,
    /// Whether that is all; otherwise there are at least so many.
    pub complete: bool,
}

/// A line of the tree from the product down to what was asked for.
#[derive(Clone, Debug)]
pub struct Branch<'s> {
    /// Who stands there.
    pub at: User<'s>,
    /// The lines by which the one above leads here; none at the top.
    pub reasons: Vec<Reason<'s>>,
    /// Whether what is below stands above already.
    pub above: bool,
    /// What it leads to.
    pub below: Vec<Self>,
}

impl<'s> Why<'s> {
    /// Why a selection has something; none when it does not.
    pub fn of(selection: &'s Selection<'_>, subject: &Subject) -> Option<Self> {
        let ends = subject.members(selection);
        let mut reasons = Vec::new();
        let mut leading: BTreeSet<&Name> = ends.iter().copied().collect();
        let mut waiting: Vec<&Name> = ends.clone();
        while let Some(to) = waiting.pop() {
            let causes = &selection.components[to].causes;
            // Of a provider of many things only what asks for the one in question is told.
            let meant = |cause: &Cause| match subject {
                Subject::Capability(one) => ends.contains(&to) && cause.capability() == Some(one),
                Subject::Component(_) => false,
            };
            let only_meant = causes.iter().any(meant);
            for cause in causes.iter().filter(|cause| !only_meant || meant(cause)) {
                let from = cause.user();
                if let User::Component(by) = from
                    && leading.insert(by)
                {
                    waiting.push(by);
                }
                // What the one end brings in leads nowhere.
                if !matches!(from, User::Component(by) if ends == [by]) {
                    reasons.push(Reason { from, to, cause });
                }
            }
        }
        reasons.sort_by_key(|reason| (reason.to, reason.from));
        (!ends.is_empty()).then_some(Self { ends, reasons })
    }

    /// The reasons that lead to a component, and by whom.
    fn to(&self, name: &Name) -> &[Reason<'s>] {
        let start = self.reasons.partition_point(|reason| reason.to < name);
        let end = self.reasons.partition_point(|reason| reason.to <= name);
        &self.reasons[start..end]
    }

    /// The reasons by which one leads to another.
    fn between(&self, from: User<'_>, to: &Name) -> &[Reason<'s>] {
        let reasons = self.to(to);
        let start = reasons.partition_point(|reason| reason.from < from);
        let end = reasons.partition_point(|reason| reason.from <= from);
        &reasons[start..end]
    }

    /// How many steps each component is away from the product or the profile.
    fn distances(&self) -> BTreeMap<User<'s>, usize> {
        let mut onward: BTreeMap<User<'s>, Vec<&'s Name>> = BTreeMap::new();
        for reason in &self.reasons {
            onward.entry(reason.from).or_default().push(reason.to);
        }
        let mut found = BTreeMap::from([(User::Product, 0), (User::Profile, 0)]);
        let mut waiting = VecDeque::from([User::Product, User::Profile]);
        while let Some(from) = waiting.pop_front() {
            for to in onward.get(&from).into_iter().flatten() {
                let to = User::Component(to);
                if !found.contains_key(&to) {
                    found.insert(to, found[&from] + 1);
                    waiting.push_back(to);
                }
            }
        }
        found
    }

    /// The shortest chains, at most so many; those of one length in the order of names, from the end.
    pub fn chains(&self, most: usize) -> Chains<'s> {
        let distances = self.distances();
        // Ways back from the ends, those first that can be the shortest.
        let ends = self.ends.iter().map(|end| User::Component(end));
        let mut open: BTreeSet<(usize, Vec<User<'s>>)> =
            ends.filter_map(|end| Some((*distances.get(&end)?, vec![end]))).collect();
        let mut found = Chains { shortest: Vec::new(), more: 0, complete: true };
        let mut followed = 0;
        while let Some((_, way)) = open.pop_first() {
            followed += 1;
            if followed > FOLLOWED || found.shortest.len() + found.more >= COUNTED {
                found.complete = false;
                break;
            }
            let Some(User::Component(to)) = way.last().copied() else {
                if found.shortest.len() < most {
                    found.shortest.push(self.chain(&way));
                } else {
                    found.more += 1;
                }
                continue;
            };
            let by: BTreeSet<User<'s>> = self.to(to).iter().map(|reason| reason.from).collect();
            for from in by.into_iter().filter(|from| !way.contains(from)) {
                if let Some(distance) = distances.get(&from) {
                    let longer: Vec<User<'s>> = way.iter().copied().chain([from]).collect();
                    open.insert((way.len() + distance, longer));
                }
            }
        }
        found
    }

    /// A way back as a chain: of several lines for one step, a requirement before a recommendation.
    fn chain(&self, way: &[User<'s>]) -> Vec<Reason<'s>> {
        let steps = way.windows(2).rev().filter_map(|step| {
            let [User::Component(to), from] = step else { return None };
            let reasons = self.between(*from, to);
            let firm = |reason: &&Reason<'_>| !matches!(reason.cause, Cause::Recommended { .. });
            reasons.iter().find(firm).or(reasons.first()).copied()
        });
        steps.collect()
    }

    /// The tree from the product, and from the profile where that leads there, too. Each component
    /// has its branches once.
    pub fn tree(&self) -> Vec<Branch<'s>> {
        let mut onward: BTreeMap<User<'s>, BTreeSet<&'s Name>> = BTreeMap::new();
        for reason in &self.reasons {
            onward.entry(reason.from).or_default().insert(reason.to);
        }
        let mut shown = BTreeSet::new();
        let tops = [User::Product, User::Profile].into_iter();
        let mut tops: Vec<Branch<'s>> =
            tops.map(|at| self.branch(at, Vec::new(), &onward, &mut shown)).collect();
        tops.retain(|top| !top.below.is_empty());
        tops
    }

    fn branch(
        &self,
        at: User<'s>,
        reasons: Vec<Reason<'s>>,
        onward: &BTreeMap<User<'s>, BTreeSet<&'s Name>>,
        shown: &mut BTreeSet<User<'s>>,
    ) -> Branch<'s> {
        let next = onward.get(&at).into_iter().flatten();
        let first = shown.insert(at);
        let above = !first && next.clone().next().is_some();
        let mut below = Vec::new();
        for to in next.filter(|_| first) {
            let reasons = self.between(at, to).to_vec();
            below.push(self.branch(User::Component(to), reasons, onward, shown));
        }
        Branch { at, reasons, above, below }
    }
}
