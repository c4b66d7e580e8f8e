//! A minimal conflict as a diagnostic: which of its facts the caret marks, what the message is, and
//! how the others lead there.

use std::collections::BTreeSet;

use tarsia_manifest::{CapabilityId, Layer};
use tarsia_model::{CapabilityName, Code, Diagnostic, Name, suggest};

use crate::circle::{Step, circle};
use crate::fact::Fact;
use crate::scope::Scope;
use crate::space::starts_first;

/// A conflict as it is told.
#[derive(Debug)]
pub struct Told {
    /// The diagnostic, without repairs.
    pub diagnostic: Diagnostic,
    /// Facts that would only tell the same again.
    pub same: Vec<Fact>,
}

/// Where a conflict shows.
enum Clash {
    /// Too few can provide what a fact asks for.
    Unserved(Fact, CapabilityName, u32),
    /// Two members exclude each other.
    Excluded(usize, usize, Fact),
    /// Two members provide what one takes of only one.
    Ambiguous(usize, usize, Vec<usize>, CapabilityId),
    /// Two members use what has one owner.
    Owned(usize, CapabilityId, Vec<(usize, usize)>),
    /// Two members provide what one wants to provide alone.
    Crowded(usize, CapabilityId, Vec<usize>),
    /// Members need each other before they can start.
    Circle(Vec<usize>),
}

/// What follows from a conflict's facts one step at a time, until it shows.
struct Story<'a, 'w, 'c> {
    facts: &'a BTreeSet<Fact>,
    scope: Scope<'w, 'c>,
    /// Nodes that must be in, in the order found.
    members: Vec<usize>,
    /// The same, by place.
    inside: BTreeSet<usize>,
}

/// Tells a conflict.
pub fn tell(facts: &BTreeSet<Fact>, scope: Scope<'_, '_>) -> Told {
    let mut story = Story { facts, scope, members: Vec::new(), inside: BTreeSet::new() };
    let clash = story.unfold();
    story.word(&clash)
}

impl Story<'_, '_, '_> {
    fn has(&self, fact: Fact) -> bool {
        self.facts.contains(&fact)
    }

    /// Whether a fact by itself keeps a node out.
    fn is_out(&self, at: usize) -> bool {
        let (setting, node) = (&self.scope.terms.setting, &self.scope.space.nodes[at]);
        let other =
            |layer, fact, id| node.manifest.layer.value == layer && node.id != id && self.has(fact);
        [Fact::Without(at), Fact::Unnamed(at), Fact::Class(at), Fact::Arch(at)]
            .into_iter()
            .any(|fact| self.has(fact))
            || other(Layer::Board, Fact::Board, setting.board)
            || other(Layer::Kernel, Fact::Kernel, setting.kernel)
    }

    /// Who provides a capability in this setting, and is not kept out.
    fn alive(&self, capability: CapabilityId) -> Vec<usize> {
        let space = self.scope.space;
        let name = &space.catalogue.components.capabilities()[capability.0 as usize];
        let gives = |at: &usize| {
            let manifest = space.nodes[*at].manifest;
            manifest.provides.iter().any(|provision| {
                provision.capability.value == *name
                    && self.scope.terms.setting.holds(manifest, provision.when.as_ref())
            })
        };
        let givers = space.givers(capability).iter().copied();
        givers.filter(|at| gives(at) && !self.is_out(*at)).collect()
    }

    /// What a need or a want asks for: capability, its number, and how many providers.
    fn asked(&self, fact: Fact) -> Option<(CapabilityName, Option<CapabilityId>, u32)> {
        let space = self.scope.space;
        match fact {
            Fact::Need(at, place) => {
                let requirement = &space.nodes[at].manifest.requires[place];
                let id = space.catalogue.components.capability(requirement.capability.as_str());
                Some((requirement.capability.value.clone(), id, requirement.at_least()))
            }
            Fact::Want(want) => {
                let want = &space.wants[want];
                Some((want.name.clone(), want.capability, 1))
            }
            _ => None,
        }
    }

    fn enter(&mut self, nodes: impl IntoIterator<Item = usize>) {
        for at in nodes {
            self.members.push(at);
            self.inside.insert(at);
        }
    }

    fn unfold(&mut self) -> Clash {
        let setting = &self.scope.terms.setting;
        for fact in self.facts {
            let at = match fact {
                Fact::Wish(at) => Some(*at),
                Fact::Board => self.scope.space.find(setting.board),
                Fact::Kernel => self.scope.space.find(setting.kernel),
                _ => None,
            };
            self.enter(at);
        }
        loop {
            if let Some(clash) = self.clash() {
                return clash;
            }
            let mut undecided = None;
            let mut grown = false;
            let wants = self.facts.iter().copied().filter(|fact| matches!(fact, Fact::Want(_)));
            let needs = self.members.iter().flat_map(|at| {
                self.facts.range(Fact::Need(*at, 0)..=Fact::Need(*at, usize::MAX)).copied()
            });
            let pending: Vec<Fact> = wants.chain(needs).collect();
            for fact in pending {
                let Some((name, id, count)) = self.asked(fact) else { continue };
                let alive = id.map_or(Vec::new(), |id| self.alive(id));
                if alive.len() < count as usize {
                    return Clash::Unserved(fact, name, count);
                }
                let new: Vec<usize> =
                    alive.iter().copied().filter(|at| !self.inside.contains(at)).collect();
                if alive.len() == count as usize {
                    grown |= !new.is_empty();
                    self.enter(new);
                } else if alive.len() - new.len() < count as usize {
                    undecided.get_or_insert(Clash::Unserved(fact, name, count));
                }
            }
            if !grown {
                return undecided.unwrap_or_else(|| self.circle());
            }
        }
    }

    /// What already clashes among the members.
    fn clash(&self) -> Option<Clash> {
        let space = self.scope.space;
        let members = &self.inside;
        let providers = |capability| -> Vec<usize> {
            self.alive(capability).into_iter().filter(|at| members.contains(at)).collect()
        };
        let capability = |at: usize, place: usize| {
            let name = space.nodes[at].manifest.requires[place].capability.as_str();
            space.catalogue.components.capability(name)
        };
        self.facts.iter().find_map(|fact| match *fact {
            Fact::Conflict(at, place) if members.contains(&at) => {
                let name = &space.nodes[at].manifest.conflicts[place].component;
                let other = space.catalogue.components.id(name.as_str());
                let other = other.and_then(|id| space.find(id))?;
                members.contains(&other).then_some(Clash::Excluded(at, other, *fact))
            }
            Fact::Single(at, place) if members.contains(&at) => {
                let capability = capability(at, place)?;
                let found = providers(capability);
                (found.len() > 1).then_some(Clash::Ambiguous(at, place, found, capability))
            }
            Fact::Owner(at, capability) if members.contains(&at) => {
                let users = space.users(capability).iter().copied();
                let active = |(user, place): &(usize, usize)| {
                    let manifest = space.nodes[*user].manifest;
                    let when = manifest.requires[*place].when.as_ref();
                    members.contains(user) && self.scope.terms.setting.holds(manifest, when)
                };
                let found: Vec<(usize, usize)> = users.filter(active).collect();
                (found.len() > 1).then_some(Clash::Owned(at, capability, found))
            }
            Fact::Sole(at, capability) if members.contains(&at) => {
                let found = providers(capability);
                (found.len() > 1).then_some(Clash::Crowded(at, capability, found))
            }
            _ => None,
        })
    }

    /// Nothing else is wrong: the members need each other first.
    fn circle(&self) -> Clash {
        let space = self.scope.space;
        let mut steps = Vec::new();
        for fact in self.facts {
            let (Fact::Need(at, place), Some((_, Some(id), _))) = (*fact, self.asked(*fact)) else {
                continue;
            };
            let first = |to: &usize| space.provision(*to, id).is_some_and(starts_first);
            let providers = self.alive(id).into_iter().filter(|to| self.inside.contains(to));
            steps.extend(providers.filter(first).map(|to| Step { from: at, place, to }));
        }
        let found = circle(&steps).unwrap_or_default();
        let mut nodes: Vec<usize> = found.iter().map(|step| step.from).collect();
        nodes.sort_by_key(|at| space.name(*at));
        Clash::Circle(nodes)
    }

    fn word(&self, clash: &Clash) -> Told {
        let space = self.scope.space;
        let name = |at: usize| space.name(at);
        let names = |nodes: &[usize]| -> Vec<&str> {
            let mut names: Vec<&str> = nodes.iter().map(|at| name(*at).as_str()).collect();
            names.sort_unstable();
            names
        };
        let capability =
            |id: CapabilityId| &space.catalogue.components.capabilities()[id.0 as usize];
        let (diagnostic, primary, same) = match clash {
            Clash::Unserved(fact, name, count) => return self.unserved(*fact, name, *count),
            Clash::Excluded(at, other, fact) => {
                let pair = [*at, *other];
                let same = self.facts_between(pair);
                let message = format!("`{}` and `{}` exclude each other", name(*at), name(*other));
                let found = Diagnostic::at(Code::Conflict, self.scope.span(*fact), message)
                    .label(format!("`{}` declares the conflict", name(*at)));
                (found, *fact, same)
            }
            Clash::Ambiguous(at, place, providers, id) => {
                let (fact, capability) = (Fact::Single(*at, *place), capability(*id));
                let message = format!(
                    "`{}` takes one `{capability}`, and {} provide it",
                    name(*at),
                    suggest::listed(&names(providers))
                );
                let found = Diagnostic::at(Code::AmbiguousProvider, self.scope.span(fact), message);
                let users = space.users(*id).iter();
                (found, fact, users.map(|(at, place)| Fact::Single(*at, *place)).collect())
            }
            Clash::Owned(at, id, users) => {
                let mut users = users.clone();
                users.sort_by_key(|(user, _)| name(*user));
                let [(first, one), (second, other), ..] = users[..] else {
                    return self.general();
                };
                let message = format!(
                    "`{}` and `{}` both claim `{}` of `{}`, which has one owner",
                    name(first),
                    name(second),
                    capability(*id),
                    name(*at)
                );
                let span = |at, place| self.scope.span(Fact::Need(at, place));
                let found = Diagnostic::at(Code::HardwareTaken, span(second, other), message)
                    .label(format!("`{}` claims it here", name(second)))
                    .also(span(first, one), format!("`{}` claims it here", name(first)));
                (found, Fact::Owner(*at, *id), vec![Fact::Owner(*at, *id)])
            }
            Clash::Crowded(at, id, providers) => {
                let fact = Fact::Sole(*at, *id);
                let others: Vec<usize> = providers.iter().copied().filter(|p| p != at).collect();
                let message = format!(
                    "`{}` must be the only provider of `{}`, and {} provides it, too",
                    name(*at),
                    capability(*id),
                    suggest::listed(&names(&others))
                );
                let found = Diagnostic::at(Code::AmbiguousProvider, self.scope.span(fact), message);
                (found, fact, vec![fact])
            }
            Clash::Circle(nodes) if nodes.is_empty() => return self.general(),
            Clash::Circle(nodes) => {
                let texts = names(nodes);
                let needs =
                    if texts.len() > 1 { "each needs another first" } else { "it needs itself" };
                let message = format!("{} cannot start: {needs}", suggest::listed(&texts));
                let place = space.nodes[nodes[0]].manifest.component.span;
                let found = Diagnostic::at(Code::RequireCycle, place, message);
                let first = self.facts.iter().copied().find(|f| matches!(f, Fact::Need(..)));
                let primary = first.unwrap_or(Fact::Board);
                let diagnostic = self.beside(found, None);
                return Told { diagnostic, same: vec![primary] };
            }
        };
        Told { diagnostic: self.beside(diagnostic, Some(primary)), same }
    }

    /// The conflicts that two nodes declare with each other.
    fn facts_between(&self, [one, other]: [usize; 2]) -> Vec<Fact> {
        let space = self.scope.space;
        let declared = |at: usize, rival: usize| {
            let conflicts = space.nodes[at].manifest.conflicts.iter().enumerate();
            let against = conflicts.filter(move |(_, c)| c.component.value == *space.name(rival));
            against.map(move |(place, _)| Fact::Conflict(at, place))
        };
        declared(one, other).chain(declared(other, one)).collect()
    }

    /// Facts that fit no pattern.
    fn general(&self) -> Told {
        let first = self.facts.iter().next().copied().unwrap_or(Fact::Board);
        let message = "these lines cannot all hold together";
        let found = Diagnostic::at(Code::Unsatisfiable, self.scope.span(first), message)
            .label(self.scope.text(first));
        Told { diagnostic: self.beside(found, Some(first)), same: vec![first] }
    }

    fn unserved(&self, fact: Fact, capability: &CapabilityName, count: u32) -> Told {
        let (space, setting) = (self.scope.space, &self.scope.terms.setting);
        let components = &space.catalogue.components;
        let needed_by = match fact {
            Fact::Need(at, _) => format!("`{}` needs", space.name(at)),
            Fact::Want(want) if space.wants[want].by_profile => {
                format!("profile `{}` needs", setting.class)
            }
            _ => "the product requires".to_owned(),
        };
        let span = self.scope.span(fact);
        // What a component with errors would provide is not known.
        let unsure = !space.catalogue.broken.components.is_empty();
        let asks_the_same = |other: &Fact| {
            self.asked(*other).is_some_and(|(name, _, least)| name == *capability && least >= count)
        };
        let needs =
            space.nodes.iter().enumerate().flat_map(|(at, node)| {
                node.needs.iter().map(move |need| Fact::Need(at, need.place))
            });
        let wants = (0..space.wants.len()).map(Fact::Want);
        let same: Vec<Fact> = needs.chain(wants).filter(asks_the_same).collect();
        let Some(id) = components.capability(capability.as_str()) else {
            let known = components.capabilities().iter().map(CapabilityName::as_str);
            let message =
                format!("no component anywhere provides `{capability}`, which {needed_by}");
            let found = Diagnostic::at(Code::UnknownCapability, span, message)
                .label("required here")
                .hint(suggest::did_you_mean(capability.as_str(), known))
                .consequence(unsure);
            return Told { diagnostic: self.beside(found, Some(fact)), same };
        };
        let alive = self.alive(id);
        let hardware = capability.as_str().starts_with("hw.");
        let message = if hardware && alive.is_empty() && count == 1 {
            let board = &setting.board_name;
            format!("board `{board}` does not have `{capability}`, which {needed_by}")
        } else if count == 1 {
            format!("no component can provide `{capability}` here, which {needed_by}")
        } else {
            let needed_by = needed_by.trim_end_matches(" needs");
            format!("fewer than {count} components can provide `{capability}` for {needed_by} here")
        };
        let mut found = Diagnostic::at(Code::NoProvider, span, message)
            .label("required here")
            .consequence(unsure);
        found = self.beside(found, Some(fact));
        if !hardware {
            for at in space.givers(id).iter().filter(|at| !alive.contains(at)) {
                let (node, name): (_, &Name) = (&space.nodes[*at], space.name(*at));
                match node.manifest.layer.value {
                    Layer::Board if node.id != setting.board => {
                        found.notes.push(format!(
                            "`{name}` is another board than `{}`",
                            setting.board_name
                        ));
                    }
                    Layer::Kernel if node.id != setting.kernel => {
                        found.notes.push(format!(
                            "`{name}` is another kernel than `{}`",
                            setting.kernel_name
                        ));
                    }
                    _ => {}
                }
            }
        }
        found.notes.sort();
        Told { diagnostic: found, same }
    }

    /// Adds the other facts: those about what must be in at their places, the way there; those about
    /// alternatives as notes.
    fn beside(&self, mut found: Diagnostic, primary: Option<Fact>) -> Diagnostic {
        let mut notes = Vec::new();
        for fact in self.facts.iter().copied().filter(|fact| Some(*fact) != primary) {
            let about = match fact {
                Fact::Feature(at, _)
                | Fact::Need(at, _)
                | Fact::Single(at, _)
                | Fact::Conflict(at, _)
                | Fact::Sole(at, _)
                | Fact::Owner(at, _) => Some(at),
                Fact::Without(_) | Fact::Unnamed(_) | Fact::Class(_) | Fact::Arch(_) => {
                    notes.push(self.scope.text(fact));
                    continue;
                }
                Fact::Wish(_) | Fact::Board | Fact::Kernel | Fact::Want(_) | Fact::Kernels => None,
            };
            if about.is_none_or(|at| self.inside.contains(&at)) {
                let span = self.scope.span(fact);
                let told =
                    found.primary.iter().chain(&found.related).any(|label| label.span == span);
                if !told {
                    found = found.also(span, self.scope.text(fact));
                }
            } else {
                notes.push(self.note(fact));
            }
        }
        notes.sort();
        notes.dedup();
        found.notes.extend(notes);
        found
    }

    /// What a need of an alternative comes to.
    fn note(&self, fact: Fact) -> String {
        let text = self.scope.text(fact);
        let Fact::Need(..) = fact else { return text };
        let Some((name, id, count)) = self.asked(fact) else { return text };
        let alive = id.map_or(0, |id| self.alive(id).len());
        let board = &self.scope.terms.setting.board_name;
        if alive >= count as usize {
            text
        } else if alive > 0 {
            format!("{text}, and only {alive} can be here")
        } else if name.as_str().starts_with("hw.") {
            format!("{text}, which board `{board}` does not have")
        } else {
            format!("{text}, which nothing here can provide")
        }
    }
}
