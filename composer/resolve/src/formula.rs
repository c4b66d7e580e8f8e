//! A product's possibilities as clauses: the rules of docs/resolution.md, one method each. For
//! explanations every fact gets a literal of its own that switches its clauses on, so that a set of
//! facts can be asked for; for choosing, the facts simply hold.

use std::collections::BTreeMap;

use rustsat::types::Lit;
use tarsia_manifest::{CapabilityId, Condition, FeatureValue, Layer};
use tarsia_model::Name;

use crate::circle::{Step, circle};
use crate::domain;
use crate::fact::Fact;
use crate::scope::Scope;
use crate::solver::{Effort, Exhausted, Solver};
use crate::space::{has_one_owner, starts_first, supports_arch, supports_class};

/// The clauses of one product in a solver.
#[derive(Debug)]
pub struct Formula<'a, 'c> {
    scope: Scope<'a, 'c>,
    /// The solver.
    pub solver: Solver,
    /// Per node, that it is in.
    nodes: Vec<Lit>,
    /// The literal of each fact; none are made when choosing.
    facts: Option<BTreeMap<Fact, Lit>>,
    arches: BTreeMap<Name, Lit>,
    /// Per capability, who decides between several providers, best first, each with the literal that
    /// says it is in, provides it and is listed.
    deciders: BTreeMap<CapabilityId, Vec<(usize, Lit)>>,
    /// Per capability, whether it has several providers and nothing decides between them.
    undecided: BTreeMap<CapabilityId, Lit>,
    /// Per node and feature, that the feature has each of the values that conditions tell apart.
    values: BTreeMap<(usize, usize), Vec<(FeatureValue, Lit)>>,
    /// Per node and place of a requirement, when its condition holds.
    active: BTreeMap<(usize, usize), Truth>,
    /// Per node and capability, that the node is in and provides it.
    provisions: BTreeMap<(usize, CapabilityId), Option<Lit>>,
}

/// When something holds: always, never, or when a literal does.
#[derive(Clone, Copy, Debug)]
enum Truth {
    Always,
    Never,
    When(Lit),
}

impl<'a, 'c> Formula<'a, 'c> {
    /// The clauses of a product; with `explain`, each fact can be asked for by itself.
    pub fn new(scope: Scope<'a, 'c>, explain: bool, effort: &Effort) -> Self {
        let mut solver = Solver::new(effort);
        let nodes = scope.space.nodes.iter().map(|_| solver.variable()).collect();
        let mut formula = Self {
            scope,
            solver,
            nodes,
            facts: explain.then(BTreeMap::new),
            arches: BTreeMap::new(),
            deciders: BTreeMap::new(),
            undecided: BTreeMap::new(),
            values: BTreeMap::new(),
            active: BTreeMap::new(),
            provisions: BTreeMap::new(),
        };
        formula.layers();
        formula.product();
        for at in 0..scope.space.nodes.len() {
            formula.fitness(at);
            formula.needs(at);
            formula.conflicts(at);
            formula.provisions(at);
        }
        formula
    }

    /// The literal that says a node is in.
    pub fn node(&self, at: usize) -> Lit {
        self.nodes[at]
    }

    /// Every fact with its literal, in order.
    pub fn facts(&self) -> Vec<(Fact, Lit)> {
        self.facts.iter().flatten().map(|(fact, literal)| (*fact, *literal)).collect()
    }

    /// The literal of a fact; none when no clause depends on it.
    pub fn fact(&self, fact: Fact) -> Option<Lit> {
        self.facts.as_ref()?.get(&fact).copied()
    }

    /// Whether all rules can hold together with these literals. Circles of starting are looked for in
    /// what the solver finds, and forbidden one by one: there are few of them, and clauses against
    /// all possible ones would be many.
    ///
    /// # Errors
    /// [`Exhausted`] when the effort ends before it is known.
    pub fn solve(&mut self, assumptions: &[Lit]) -> Result<bool, Exhausted> {
        while self.solver.solve(assumptions)? {
            let Some(circle) = circle(&self.steps()) else {
                return Ok(true);
            };
            self.forbid(&circle);
        }
        Ok(false)
    }

    /// Who must have started before whom in the model.
    fn steps(&self) -> Vec<Step> {
        let space = self.scope.space;
        let mut steps = Vec::new();
        for (at, node) in space.nodes.iter().enumerate() {
            if !self.solver.holds(self.nodes[at]) {
                continue;
            }
            for need in &node.needs {
                let active = match self.active.get(&(at, need.place)) {
                    Some(Truth::Always) => true,
                    Some(Truth::When(literal)) => self.solver.holds(*literal),
                    Some(Truth::Never) | None => false,
                };
                // A requirement that is left out binds nothing.
                let kept = self.fact(Fact::Need(at, need.place));
                let kept = kept.is_none_or(|literal| self.solver.holds(literal));
                let Some(capability) = need.capability.filter(|_| active && kept) else {
                    continue;
                };
                let gives = |at: &usize| {
                    let provides = self.provisions.get(&(*at, capability)).copied().flatten();
                    provides.is_some_and(|literal| self.solver.holds(literal))
                };
                let suppliers: Vec<usize> =
                    space.givers(capability).iter().copied().filter(gives).collect();
                let bound = if need.requirement.is_many() {
                    suppliers
                } else {
                    // Undecided is possible only where "takes one" is left out: then it takes all.
                    let deciders = self.deciders.get(&capability).map_or(&[][..], Vec::as_slice);
                    let mut holding = deciders.iter().filter(|(_, word)| self.solver.holds(*word));
                    let decided = holding.next().filter(|_| suppliers.len() > 1);
                    decided.map_or(suppliers, |(one, _)| vec![*one])
                };
                let first = |to: &usize| space.provision(*to, capability).is_some_and(starts_first);
                let bound = bound.into_iter().filter(first);
                steps.extend(bound.map(|to| Step { from: at, place: need.place, to }));
            }
        }
        steps
    }

    /// Forbids a circle.
    fn forbid(&mut self, circle: &[Step]) {
        let space = self.scope.space;
        let mut clause = Vec::new();
        for Step { from, place, to } in circle {
            clause.push(!self.nodes[*from]);
            if let Some(Truth::When(literal)) = self.active.get(&(*from, *place)) {
                clause.push(!*literal);
            }
            let requirement = &space.nodes[*from].manifest.requires[*place];
            let name = requirement.capability.as_str();
            if let Some(capability) = space.catalogue.components.capability(name) {
                clause.extend(self.provides(*to, capability).map(|literal| !literal));
                clause.extend(self.better(capability, *to, requirement.is_many()));
            }
            clause.extend(self.switch(Fact::Need(*from, *place)));
        }
        self.solver.clause(&clause);
    }

    /// The literal to put into a clause so that it holds only while the fact does.
    fn switch(&mut self, fact: Fact) -> Option<Lit> {
        let facts = self.facts.as_mut()?;
        Some(!*facts.entry(fact).or_insert_with(|| self.solver.variable()))
    }

    /// A clause that holds while a fact does.
    fn because(&mut self, fact: Fact, literals: &[Lit]) {
        let mut clause = literals.to_vec();
        clause.extend(self.switch(fact));
        self.solver.clause(&clause);
    }

    /// At most one board, kernel and boot component; an architecture comes with a board.
    fn layers(&mut self) {
        for layer in [Layer::Board, Layer::Kernel, Layer::Boot] {
            let nodes = self.scope.space.nodes.iter().enumerate();
            let of_layer = nodes.filter(|(_, node)| node.manifest.layer.value == layer);
            let members: Vec<usize> = of_layer.map(|(at, _)| at).collect();
            let mut earlier: Option<Lit> = None;
            for at in &members {
                let node = self.nodes[*at];
                if let Some(earlier) = earlier {
                    self.solver.clause(&[!node, !earlier]);
                }
                earlier = Some(self.solver.some_of(earlier, node));
            }
            if layer == Layer::Board && self.facts.is_some() {
                let mut boards: BTreeMap<Name, Vec<Lit>> = BTreeMap::new();
                for at in members {
                    if let Some(board) = &self.scope.space.nodes[at].manifest.board {
                        boards.entry(board.arch.value.clone()).or_default().push(self.nodes[at]);
                    }
                }
                for (arch, boards) in boards {
                    let literal = self.solver.either(&boards);
                    self.arches.insert(arch, literal);
                }
            }
        }
    }

    /// The fact that the product names a node.
    fn naming(&self, at: usize) -> Fact {
        let (space, setting) = (self.scope.space, &self.scope.terms.setting);
        match space.nodes[at].id {
            id if id == setting.board => Fact::Board,
            id if id == setting.kernel => Fact::Kernel,
            _ => Fact::Wish(at),
        }
    }

    /// What the product and the profile say.
    fn product(&mut self) {
        let Scope { terms, space } = self.scope;
        for id in &terms.setting.named {
            let Some(at) = space.find(*id) else { continue };
            let node = self.nodes[at];
            self.because(self.naming(at), &[node]);
        }
        for (place, want) in space.wants.iter().enumerate() {
            let providers = want.capability.map_or(Vec::new(), |c| self.providers(c));
            self.because(Fact::Want(place), &providers);
        }
        let allowed = &terms.frame.profile.kernels;
        if !allowed.is_empty() {
            for at in 0..space.nodes.len() {
                let manifest = space.nodes[at].manifest;
                let name = &manifest.component.value;
                if manifest.layer.value == Layer::Kernel && allowed.find(name).is_none() {
                    let node = self.nodes[at];
                    self.because(Fact::Kernels, &[!node]);
                }
            }
        }
    }

    /// What is against a node by itself.
    fn fitness(&mut self, at: usize) {
        let (space, setting) = (self.scope.space, &self.scope.terms.setting);
        let (node, literal) = (&space.nodes[at], self.nodes[at]);
        if self.facts.is_none() {
            if !node.possible {
                self.solver.clause(&[!literal]);
            }
            return;
        }
        if setting.without.contains(&node.id) {
            self.because(Fact::Without(at), &[!literal]);
        }
        let shy = node.manifest.only_if_named.as_ref().is_some_and(|only| only.value);
        if shy && !setting.named.contains(&node.id) {
            self.because(Fact::Unnamed(at), &[!literal]);
        }
        if !supports_class(node.manifest, &setting.class) {
            self.because(Fact::Class(at), &[!literal]);
        }
        if !node.manifest.arch.is_empty() && node.manifest.layer.value != Layer::Board {
            let known = self.arches.iter();
            let mut clause: Vec<Lit> = known
                .filter(|(arch, _)| supports_arch(node.manifest, arch))
                .map(|(_, literal)| *literal)
                .collect();
            clause.push(!literal);
            self.because(Fact::Arch(at), &clause);
        }
    }

    /// When a condition of a node holds. When choosing, only what holds is in the space.
    fn truth(&mut self, at: usize, when: Option<&Condition>) -> Truth {
        let Some(condition) = when.filter(|_| self.facts.is_some()) else {
            return Truth::Always;
        };
        let (space, setting) = (self.scope.space, &self.scope.terms.setting);
        let node = &space.nodes[at];
        if !condition.classes.is_empty() && condition.classes.find(&setting.class).is_none() {
            return Truth::Never;
        }
        let mut parts = Vec::new();
        for (name, test) in condition.features.iter() {
            let features = &node.manifest.features;
            let Some(place) = features.keys().position(|key| key.value == name.value) else {
                return Truth::Never;
            };
            let feature = &features.0[place].1;
            let passing = self.values(at, place);
            let passing = passing.iter().filter(|(value, _)| test.passes(feature, value));
            let passing: Vec<Lit> = passing.map(|(_, literal)| *literal).collect();
            parts.push(self.solver.either(&passing));
        }
        if !condition.arch.is_empty() {
            let arches = condition.arch.iter().filter_map(|arch| self.arches.get(&arch.value));
            let arches: Vec<Lit> = arches.copied().collect();
            parts.push(self.solver.either(&arches));
        }
        for names in [&condition.kernels, &condition.boards] {
            if !names.is_empty() {
                let ids = names.iter().filter_map(|n| space.catalogue.components.id(n.as_str()));
                let nodes: Vec<Lit> =
                    ids.filter_map(|id| space.find(id)).map(|at| self.nodes[at]).collect();
                parts.push(self.solver.either(&nodes));
            }
        }
        for capability in &condition.hardware {
            let gives = |node: &crate::space::Node<'_>| {
                let mut offered = node.manifest.provides.iter();
                node.manifest.layer.value == Layer::Board
                    && offered.any(|provision| provision.capability.value == capability.value)
            };
            let boards = space.nodes.iter().enumerate().filter(|(_, node)| gives(node));
            let boards: Vec<Lit> = boards.map(|(at, _)| self.nodes[at]).collect();
            parts.push(self.solver.either(&boards));
        }
        match parts.as_slice() {
            [] => Truth::Always,
            parts => Truth::When(self.solver.all(parts)),
        }
    }

    /// The values that a feature can have, exactly one of which it has.
    fn values(&mut self, at: usize, place: usize) -> Vec<(FeatureValue, Lit)> {
        if let Some(known) = self.values.get(&(at, place)) {
            return known.clone();
        }
        let manifest = self.scope.space.nodes[at].manifest;
        let (name, feature) = &manifest.features.0[place];
        let now = self.scope.terms.setting.value(manifest, name.value.as_str());
        let now = now.unwrap_or_else(|| feature.default.clone());
        let values = domain::values(manifest, name.value.as_str(), feature, &now);
        let values: Vec<(FeatureValue, Lit)> =
            values.into_iter().map(|value| (value, self.solver.variable())).collect();
        let literals: Vec<Lit> = values.iter().map(|(_, literal)| *literal).collect();
        self.solver.clause(&literals);
        for (count, one) in literals.iter().enumerate() {
            for other in &literals[..count] {
                self.solver.clause(&[!*one, !*other]);
            }
        }
        let current = values.iter().find(|(value, _)| *value == now).map(|(_, literal)| *literal);
        if let Some(current) = current {
            self.because(Fact::Feature(at, place), &[current]);
        }
        self.values.insert((at, place), values.clone());
        values
    }

    /// The literals that each say a provider of a capability is in and provides it.
    fn providers(&mut self, capability: CapabilityId) -> Vec<Lit> {
        let givers = self.scope.space.givers(capability);
        givers.iter().filter_map(|at| self.provides(*at, capability)).collect()
    }

    /// That a node is in and provides a capability; none when it never does.
    fn provides(&mut self, at: usize, capability: CapabilityId) -> Option<Lit> {
        let node = self.nodes[at];
        if let Some(known) = self.provisions.get(&(at, capability)) {
            return *known;
        }
        let provides = if self.facts.is_none() { Some(node) } else { self.offers(at, capability) };
        self.provisions.insert((at, capability), provides);
        provides
    }

    /// The same where conditions can change.
    fn offers(&mut self, at: usize, capability: CapabilityId) -> Option<Lit> {
        let (space, node) = (self.scope.space, self.nodes[at]);
        let name = &space.catalogue.components.capabilities()[capability.0 as usize];
        let offers = space.nodes[at].manifest.provides.iter();
        let mut ways = Vec::new();
        for provision in offers.filter(|provision| provision.capability.value == *name) {
            match self.truth(at, provision.when.as_ref()) {
                Truth::Always => return Some(node),
                Truth::Never => {}
                Truth::When(literal) => ways.push(literal),
            }
        }
        match ways.as_slice() {
            [] => None,
            ways => {
                let way = self.solver.either(ways);
                Some(self.solver.all(&[node, way]))
            }
        }
    }

    /// Literals of providers that a requirement for one would rather be bound to.
    fn better(&mut self, capability: CapabilityId, than: usize, many: bool) -> Vec<Lit> {
        if many {
            return Vec::new();
        }
        let deciders = self.deciders(capability).into_iter();
        deciders.take_while(|(at, _)| *at != than).map(|(_, word)| word).collect()
    }

    /// Who decides between several providers.
    fn deciders(&mut self, capability: CapabilityId) -> Vec<(usize, Lit)> {
        if let Some(known) = self.deciders.get(&capability) {
            return known.clone();
        }
        let (space, preferences) = (self.scope.space, &self.scope.terms.preferences);
        let mut deciders = Vec::new();
        for at in preferences.deciding(capability).iter().filter_map(|id| space.find(*id)) {
            if !space.givers(capability).contains(&at) {
                continue;
            }
            if let Some(provides) = self.provides(at, capability) {
                let listed = self.switch(self.naming(at)).map(|switch| !switch);
                let parts: Vec<Lit> = listed.into_iter().chain([provides]).collect();
                deciders.push((at, self.solver.all(&parts)));
            }
        }
        self.deciders.insert(capability, deciders.clone());
        deciders
    }

    /// What a node requires.
    fn needs(&mut self, at: usize) {
        let space = self.scope.space;
        for need in &space.nodes[at].needs {
            let (requirement, place) = (need.requirement, need.place);
            let mut absent = vec![!self.nodes[at]];
            let active = self.truth(at, requirement.when.as_ref());
            self.active.insert((at, place), active);
            match active {
                Truth::Always => {}
                Truth::Never => continue,
                Truth::When(literal) => absent.push(!literal),
            }
            let providers = need.capability.map_or(Vec::new(), |c| self.providers(c));
            let least = requirement.at_least() as usize;
            // Also what needs nothing can be part of a circle.
            let guard = self.switch(Fact::Need(at, place));
            if least > 0 {
                let clause: Vec<Lit> = absent.iter().copied().chain(guard).collect();
                self.solver.at_least(least, &providers, &clause);
            }
            if let (false, Some(capability)) = (requirement.is_many(), need.capability)
                && providers.len() > 1
            {
                let undecided = self.undecided(capability);
                absent.push(!undecided);
                self.because(Fact::Single(at, place), &absent);
            }
        }
    }

    /// That a capability has several providers and nothing decides between them.
    fn undecided(&mut self, capability: CapabilityId) -> Lit {
        if let Some(known) = self.undecided.get(&capability) {
            return *known;
        }
        let undecided = self.solver.variable();
        self.undecided.insert(capability, undecided);
        let words: Vec<Lit> = self.deciders(capability).into_iter().map(|(_, word)| word).collect();
        let mut earlier: Option<Lit> = None;
        for at in self.scope.space.givers(capability) {
            let Some(provides) = self.provides(*at, capability) else {
                continue;
            };
            if let Some(earlier) = earlier {
                let mut clause = vec![!provides, !earlier, undecided];
                clause.extend(&words);
                self.solver.clause(&clause);
            }
            earlier = Some(self.solver.some_of(earlier, provides));
        }
        undecided
    }

    /// Whom a node excludes.
    fn conflicts(&mut self, at: usize) {
        let (space, setting) = (self.scope.space, &self.scope.terms.setting);
        let manifest = space.nodes[at].manifest;
        for (place, conflict) in manifest.conflicts.iter().enumerate() {
            let id = space.catalogue.components.id(conflict.component.as_str());
            let Some(other) = id.and_then(|id| space.find(id)) else {
                continue;
            };
            if self.facts.is_none() && !setting.holds(manifest, conflict.when.as_ref()) {
                continue;
            }
            let mut clause = vec![!self.nodes[at], !self.nodes[other]];
            match self.truth(at, conflict.when.as_ref()) {
                Truth::Always => {}
                Truth::Never => continue,
                Truth::When(literal) => clause.push(!literal),
            }
            self.because(Fact::Conflict(at, place), &clause);
        }
    }

    /// What only one may provide, and what only one may own.
    fn provisions(&mut self, at: usize) {
        let space = self.scope.space;
        for (capability, provision) in &space.nodes[at].gives {
            if provision.is_sole() {
                for other in space.givers(*capability).iter().copied().filter(|other| *other != at)
                {
                    let both = (self.provides(at, *capability), self.provides(other, *capability));
                    if let (Some(this), Some(that)) = both {
                        self.because(Fact::Sole(at, *capability), &[!this, !that]);
                    }
                }
            }
            if has_one_owner(provision) {
                self.owner(at, *capability);
            }
        }
    }

    fn owner(&mut self, at: usize, capability: CapabilityId) {
        let space = self.scope.space;
        let Some(provides) = self.provides(at, capability) else {
            return;
        };
        // A component that takes one thing twice is two users.
        let users = space.users(capability);
        if users.len() < 2 {
            return;
        }
        let mut earlier: Option<Lit> = None;
        for (user, place) in users.iter().copied() {
            let requirement = &space.nodes[user].manifest.requires[place];
            let mut parts = vec![self.nodes[user]];
            match self.truth(user, requirement.when.as_ref()) {
                Truth::Always => {}
                Truth::Never => continue,
                Truth::When(literal) => parts.push(literal),
            }
            // A requirement that is left out uses nothing.
            parts.extend(self.switch(Fact::Need(user, place)).map(|switch| !switch));
            let better = self.better(capability, at, requirement.is_many());
            parts.extend(better.into_iter().map(|literal| !literal));
            let uses = self.solver.all(&parts);
            if let Some(earlier) = earlier {
                self.because(Fact::Owner(at, capability), &[!provides, !uses, !earlier]);
            }
            earlier = Some(self.solver.some_of(earlier, uses));
        }
    }
}
