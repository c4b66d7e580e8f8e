//! The part of a catalogue that a product can lead to: every component that its wishes may bring in,
//! with those of its requirements and provisions whose conditions hold, and whether it is possible
//! here at all. What is not reached is not looked at.

use std::collections::BTreeMap;

use tarsia_manifest::{
    CapabilityId, Catalogue, ComponentId, ComponentManifest, Condition, Layer, Provision,
    Requirement, Share,
};
use tarsia_model::{CapabilityName, Name, Span, suggest};

use crate::setting::Setting;
use crate::terms::Terms;

/// How far to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breadth {
    /// Only through components that fit the setting: enough to choose.
    Fitting,
    /// Through all, whatever the conditions, and every other board, kernel and boot component too:
    /// for explanations, which ask what would be if something else were written.
    All,
}

/// A component that can be reached.
#[derive(Debug)]
pub struct Node<'c> {
    /// Its number in the catalogue.
    pub id: ComponentId,
    /// Its manifest.
    pub manifest: &'c ComponentManifest,
    /// What it needs in this setting.
    pub needs: Vec<Need<'c>>,
    /// What it provides in this setting, once per capability.
    pub gives: Vec<(CapabilityId, &'c Provision)>,
    /// Whom it excludes in this setting.
    pub excludes: Vec<ComponentId>,
    /// What is against it by itself.
    pub unfit: Option<Unfit>,
    /// Whether it fits and everything it needs has enough possible providers.
    pub possible: bool,
}

/// A requirement whose condition holds.
#[derive(Clone, Copy, Debug)]
pub struct Need<'c> {
    /// What is needed; none when nothing provides it.
    pub capability: Option<CapabilityId>,
    /// The requirement.
    pub requirement: &'c Requirement,
    /// Its place in the manifest's `requires`.
    pub place: usize,
}

/// What is against a component by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is another board than the product's.
    Board,
    /// It is another kernel than the product's.
    Kernel,
    /// The product excludes it.
    Without,
    /// It is only taken when the product lists it.
    Unnamed,
    /// It is not for this class of device.
    Class,
    /// It is not for this architecture.
    Arch,
}

/// A capability that the product or its profile requires.
#[derive(Clone, Debug)]
pub struct Want {
    /// Its name.
    pub name: CapabilityName,
    /// Its number; none when nothing provides it.
    pub capability: Option<CapabilityId>,
    /// Where it is required.
    pub span: Span,
    /// Whether by the profile rather than by the product itself.
    pub by_profile: bool,
}

/// What can be reached from a product.
#[derive(Debug)]
pub struct Space<'c> {
    /// The catalogue.
    pub catalogue: &'c Catalogue,
    /// Everything that can be reached, in the order found.
    pub nodes: Vec<Node<'c>>,
    /// What product and profile require.
    pub wants: Vec<Want>,
    /// One more than the place of each component in `nodes`; 0 for what is not reached.
    places: Vec<u32>,
    /// Who provides what, as places in `nodes`, in the order of names.
    givers: BTreeMap<CapabilityId, Vec<usize>>,
    /// Who requires what: places in `nodes` and in their manifests' `requires`.
    users: BTreeMap<CapabilityId, Vec<(usize, usize)>>,
}

impl<'c> Space<'c> {
    /// What can be reached under the terms of a product.
    pub fn reach(terms: &Terms<'_, 'c>, breadth: Breadth) -> Self {
        let Terms { catalogue, product, ref setting, .. } = *terms;
        let (profile, components) = (terms.frame.profile, &catalogue.components);
        let want = |name: &CapabilityName, span, by_profile| Want {
            capability: components.capability(name.as_str()),
            name: name.clone(),
            span,
            by_profile,
        };
        let of_profile = profile.requires.iter().map(|c| want(&c.value, c.span, true));
        let of_product = product.requires.iter().map(|c| want(&c.value, c.span, false));
        let wants = of_product.chain(of_profile).collect();
        let mut space = Self {
            catalogue,
            nodes: Vec::new(),
            wants,
            places: vec![0; components.len()],
            givers: BTreeMap::new(),
            users: BTreeMap::new(),
        };
        for id in &setting.named {
            space.place(*id, setting, breadth);
        }
        if breadth == Breadth::All {
            for layer in [Layer::Board, Layer::Kernel, Layer::Boot] {
                for id in components.of_layer(layer) {
                    space.place(id, setting, breadth);
                }
            }
        }
        let wanted: Vec<CapabilityId> =
            space.wants.iter().filter_map(|want| want.capability).collect();
        for capability in wanted {
            space.open(capability, setting, breadth);
        }
        let mut next = 0;
        while next < space.nodes.len() {
            let expands = breadth == Breadth::All || space.nodes[next].unfit.is_none();
            for capability in if expands { space.leads_to(next, setting) } else { Vec::new() } {
                space.open(capability, setting, breadth);
            }
            next += 1;
        }
        // What nobody requires can still be provided by two, one of which wants to be the only one.
        let mut unasked: BTreeMap<CapabilityId, Vec<usize>> = BTreeMap::new();
        for (at, node) in space.nodes.iter().enumerate() {
            for (capability, _) in &node.gives {
                if !space.givers.contains_key(capability) {
                    unasked.entry(*capability).or_default().push(at);
                }
            }
        }
        for givers in unasked.values_mut() {
            givers.sort_by_key(|at| space.name(*at));
        }
        space.givers.extend(unasked);
        for (at, node) in space.nodes.iter().enumerate() {
            for Need { capability, place, .. } in &node.needs {
                if let Some(capability) = capability {
                    space.users.entry(*capability).or_default().push((at, *place));
                }
            }
        }
        space.judge();
        space
    }

    /// The place of a component; none when it was not reached.
    pub fn find(&self, id: ComponentId) -> Option<usize> {
        (self.places[id.0 as usize] as usize).checked_sub(1)
    }

    /// Who provides a capability here, possible or not, in the order of names.
    pub fn givers(&self, capability: CapabilityId) -> &[usize] {
        self.givers.get(&capability).map_or(&[], Vec::as_slice)
    }

    /// Who requires a capability: nodes, and the places in their manifests' `requires`.
    pub fn users(&self, capability: CapabilityId) -> &[(usize, usize)] {
        self.users.get(&capability).map_or(&[], Vec::as_slice)
    }

    /// How many could provide a capability.
    pub fn possible_givers(&self, capability: CapabilityId) -> usize {
        self.givers(capability).iter().filter(|at| self.nodes[**at].possible).count()
    }

    /// The name of a node.
    pub fn name(&self, at: usize) -> &'c Name {
        &self.nodes[at].manifest.component.value
    }

    /// The provision of a capability by a node.
    pub fn provision(&self, at: usize, capability: CapabilityId) -> Option<&'c Provision> {
        let gives = &self.nodes[at].gives;
        gives.iter().find(|(given, _)| *given == capability).map(|(_, provision)| *provision)
    }

    /// The capabilities that a node needs or recommends.
    fn leads_to(&self, at: usize, setting: &Setting) -> Vec<CapabilityId> {
        let Node { manifest, needs, .. } = &self.nodes[at];
        let components = &self.catalogue.components;
        let recommended = manifest
            .recommends
            .iter()
            .filter(|one| setting.holds(manifest, one.when.as_ref()))
            .filter_map(|one| components.capability(one.capability.as_str()));
        needs.iter().filter_map(|need| need.capability).chain(recommended).collect()
    }

    fn place(&mut self, id: ComponentId, setting: &Setting, breadth: Breadth) -> usize {
        if let Some(at) = self.find(id) {
            return at;
        }
        let components = &self.catalogue.components;
        let manifest = components.at(id);
        let holds =
            |when: Option<&Condition>| breadth == Breadth::All || setting.holds(manifest, when);
        let needs = manifest
            .requires
            .iter()
            .enumerate()
            .filter(|(_, requirement)| holds(requirement.when.as_ref()))
            .map(|(place, requirement)| Need {
                capability: components.capability(requirement.capability.as_str()),
                requirement,
                place,
            })
            .collect();
        let mut gives: Vec<(CapabilityId, &Provision)> = Vec::new();
        for provision in &manifest.provides {
            if holds(provision.when.as_ref())
                && let Some(capability) = components.capability(provision.capability.as_str())
                && gives.iter().all(|(known, _)| *known != capability)
            {
                gives.push((capability, provision));
            }
        }
        let excludes = manifest
            .conflicts
            .iter()
            .filter(|conflict| holds(conflict.when.as_ref()))
            .filter_map(|conflict| components.id(conflict.component.as_str()))
            .collect();
        let unfit = unfit(id, manifest, setting);
        let possible = unfit.is_none();
        self.nodes.push(Node { id, manifest, needs, gives, excludes, unfit, possible });
        let at = self.nodes.len() - 1;
        self.places[id.0 as usize] = u32::try_from(at + 1).expect("fewer than 2^32 components");
        at
    }

    /// Places everyone who provides a capability.
    fn open(&mut self, capability: CapabilityId, setting: &Setting, breadth: Breadth) {
        if self.givers.contains_key(&capability) {
            return;
        }
        let catalogue = self.catalogue;
        let all = catalogue.components.providers(capability).iter();
        let places: Vec<usize> = all.map(|id| self.place(*id, setting, breadth)).collect();
        let gives = |at: &usize| self.provision(*at, capability).is_some();
        let givers = places.into_iter().filter(gives).collect();
        self.givers.insert(capability, givers);
    }

    /// Finds what is possible: each fitting node passes for possible until too little of what it needs
    /// is left. Components may need each other, so none can be judged before the others.
    fn judge(&mut self) {
        for node in &mut self.nodes {
            node.possible = node.unfit.is_none();
        }
        let mut needed_by: BTreeMap<CapabilityId, Vec<usize>> = BTreeMap::new();
        let mut left: BTreeMap<CapabilityId, usize> = BTreeMap::new();
        let mut failing = Vec::new();
        for (at, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.possible) {
            for need in node.needs.iter().filter(|need| need.requirement.at_least() > 0) {
                match need.capability {
                    Some(capability) => needed_by.entry(capability).or_default().push(at),
                    None => failing.push(at),
                }
            }
        }
        for (capability, by) in &needed_by {
            let count = self.possible_givers(*capability);
            left.insert(*capability, count);
            failing.extend(by.iter().copied().filter(|at| self.starves(*at, *capability, count)));
        }
        while let Some(at) = failing.pop() {
            if !std::mem::replace(&mut self.nodes[at].possible, false) {
                continue;
            }
            for place in 0..self.nodes[at].gives.len() {
                let (capability, _) = self.nodes[at].gives[place];
                let Some(count) = left.get_mut(&capability) else {
                    continue;
                };
                *count -= 1;
                let (count, by) = (*count, &needed_by[&capability]);
                failing
                    .extend(by.iter().copied().filter(|at| self.starves(*at, capability, count)));
            }
        }
    }

    /// Whether a node needs more providers of a capability than there are.
    fn starves(&self, at: usize, capability: CapabilityId, count: usize) -> bool {
        let mut needs = self.nodes[at].needs.iter();
        needs.any(|need| {
            need.capability == Some(capability) && need.requirement.at_least() as usize > count
        })
    }
}

fn unfit(id: ComponentId, manifest: &ComponentManifest, setting: &Setting) -> Option<Unfit> {
    let shy = manifest.only_if_named.as_ref().is_some_and(|only| only.value);
    let reasons = [
        (manifest.layer.value == Layer::Board && id != setting.board, Unfit::Board),
        (manifest.layer.value == Layer::Kernel && id != setting.kernel, Unfit::Kernel),
        (setting.without.contains(&id), Unfit::Without),
        (shy && !setting.named.contains(&id), Unfit::Unnamed),
        (!supports_class(manifest, &setting.class), Unfit::Class),
        (!supports_arch(manifest, &setting.arch), Unfit::Arch),
    ];
    reasons.into_iter().find(|(holds, _)| *holds).map(|(_, reason)| reason)
}

/// Whether a component's manifest admits an architecture.
pub fn supports_arch(component: &ComponentManifest, arch: &Name) -> bool {
    component.arch.is_empty() || component.arch.iter().any(|other| other.value == *arch)
}

/// Whether a component's manifest admits a class of device.
pub fn supports_class(component: &ComponentManifest, class: &Name) -> bool {
    component.classes.is_empty() || component.classes.iter().any(|other| other.value == *class)
}

/// Hardware has one user unless it says otherwise; of the rest, what is passed whole.
pub fn has_one_owner(provision: &Provision) -> bool {
    match provision.share() {
        Share::Exclusive => true,
        Share::Link => provision.is_hardware(),
        Share::Mutex | Share::Copy => false,
    }
}

/// Whether a provider must have started before who it is bound to.
pub fn starts_first(provision: &Provision) -> bool {
    provision.share() != Share::Link && provision.value.is_none()
}

/// What a component is only for, in words: `only for `armv7m` and `rv32imac``.
pub fn only_for(names: &[tarsia_model::Spanned<Name>]) -> String {
    let names: Vec<_> = names.iter().map(|name| name.value.as_str()).collect();
    format!("only for {}", suggest::listed(&names))
}
