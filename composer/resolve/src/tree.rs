//! A selection as a tree: the product's own wishes at the top, below each component what it brought
//! in; or the other way round, from a component up to the lines that want it. A component stands in
//! full once; later it is only named. Components that need each other stand together in a group.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tarsia_model::Name;

use crate::recommend::Outcome;
use crate::selection::{Cause, Provided, Selected, Selection};

/// One line of the tree with all below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tree {
    /// What stands there.
    #[serde(flatten)]
    pub node: Node,
    /// What connects it with the line above.
    pub edge: Edge,
    /// Whether what is below it stands elsewhere already.
    pub repeated: bool,
    /// What it brought in; of an inverted tree, who asked for it.
    pub children: Vec<Self>,
}

/// What stands on a line of the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Node {
    /// A component.
    Component {
        /// Its name.
        name: Name,
        /// Its layer.
        layer: &'static str,
    },
    /// Components that need each other, which stand below.
    Group {
        /// Their names.
        group: Vec<Name>,
    },
    /// The product itself, at the ends of an inverted tree.
    Product {
        /// Its name.
        product: Name,
    },
    /// The profile, at the ends of an inverted tree.
    Profile {
        /// Its name.
        profile: Name,
    },
}

/// Why a line stands where it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Edge {
    /// Nothing leads to it: it is what was asked about.
    Asked,
    /// The product names it.
    Product,
    /// The product requires this capability.
    Wanted(String),
    /// The profile requires this capability.
    Profile(String),
    /// These capabilities are required: by the component above, or, inverted, of it.
    Capabilities(Vec<String>),
    /// These capabilities are only recommended: by the component above, or, inverted, of it.
    Recommended(Vec<String>),
    /// It needs the other members of the group above, and they need it.
    Member,
}

impl Tree {
    /// The trees of a selection's roots: board, kernel, then what else the product or its profile
    /// names, by name.
    pub fn of(selection: &Selection<'_>) -> Vec<Self> {
        let mut roots: Vec<(&Name, Edge)> = selection
            .components
            .iter()
            .filter_map(|(name, selected)| Some((name, wanted(selected)?)))
            .collect();
        roots.sort_by_key(|(name, _)| (*name != &selection.board, *name != &selection.kernel));
        Grower::new(selection, Way::Down).grow_all(roots)
    }

    /// The inverted trees of some components: who asked for each, up to the product's or the
    /// profile's own lines. All of them must be in the selection.
    pub fn above<'a>(
        selection: &Selection<'_>,
        names: impl IntoIterator<Item = &'a Name>,
    ) -> Vec<Self> {
        let known = names.into_iter().filter_map(|name| selection.components.get_key_value(name));
        let roots = known.map(|(name, _)| (name, Edge::Asked)).collect();
        Grower::new(selection, Way::Up).grow_all(roots)
    }

    /// What nothing else is below, by name: components that bring in no other, and groups that bring
    /// in none but their own.
    pub fn leaves<'s>(selection: &'s Selection<'_>) -> Vec<&'s Name> {
        let grower = Grower::new(selection, Way::Down);
        let alone = |name: &&Name| {
            let group = grower.groups.get(name);
            let inside = |other: &Name| {
                other == *name || group.is_some() && grower.groups.get(other) == group
            };
            grower.next(name).iter().all(|(step, _)| matches!(step, Step::To(to) if inside(to)))
        };
        let outermost = |name: &&Name| {
            let members = grower.groups.get(name);
            members.is_none_or(|members| members.iter().all(&alone))
        };
        selection.components.keys().filter(alone).filter(outermost).collect()
    }
}

/// The first reason that is a line of product or profile.
fn wanted(selected: &Selected<'_>) -> Option<Edge> {
    selected.causes.iter().find_map(|cause| match cause {
        Cause::Product { .. } => Some(Edge::Product),
        Cause::Wanted { capability, .. } => Some(Edge::Wanted(capability.to_string())),
        Cause::Profile { capability, .. } => Some(Edge::Profile(capability.to_string())),
        Cause::Component { .. } | Cause::Recommended { .. } => None,
    })
}

/// Where trees grow to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// To what a component brought in.
    Down,
    /// To who asked for a component.
    Up,
}

/// One step of the way.
#[derive(PartialEq, Eq)]
enum Step<'s> {
    To(&'s Name),
    Product,
    Profile,
}

struct Grower<'s, 'c> {
    selection: &'s Selection<'c>,
    way: Way,
    /// The group of each member of one.
    groups: BTreeMap<&'s Name, Vec<&'s Name>>,
    /// What is shown in full at the top level, not where something else happens to need it.
    top: BTreeSet<&'s Name>,
    shown: BTreeSet<&'s Name>,
}

impl<'s, 'c> Grower<'s, 'c> {
    fn new(selection: &'s Selection<'c>, way: Way) -> Self {
        let groups = selection.groups().into_iter();
        let groups =
            groups.flat_map(|group| group.clone().into_iter().map(move |m| (m, group.clone())));
        let groups = groups.collect();
        Self { selection, way, groups, top: BTreeSet::new(), shown: BTreeSet::new() }
    }

    fn grow_all(mut self, roots: Vec<(&'s Name, Edge)>) -> Vec<Tree> {
        for (root, _) in &roots {
            self.top.insert(root);
            self.top.extend(self.groups.get(root).into_iter().flatten());
        }
        let mut trees = Vec::new();
        for (root, edge) in roots {
            // The other members of a group stand in it already.
            if !(self.groups.contains_key(root) && self.shown.contains(root)) {
                trees.push(self.grow(root, edge, true));
            }
        }
        trees
    }

    /// What is one step away, each once.
    fn next(&self, name: &Name) -> Vec<(Step<'s>, Edge)> {
        let Some(selected) = self.selection.get(name) else { return Vec::new() };
        let mut steps = match self.way {
            Way::Down => self.below(selected),
            Way::Up => self.above(selected),
        };
        // What is required needs no recommendation.
        let required = |steps: &[(Step<'s>, Edge)], to: &Step<'s>| {
            let mut same = steps.iter().filter(|(step, _)| step == to);
            same.any(|(_, edge)| matches!(edge, Edge::Capabilities(_)))
        };
        let double: Vec<bool> = steps
            .iter()
            .map(|(to, edge)| matches!(edge, Edge::Recommended(_)) && required(&steps, to))
            .collect();
        let mut double = double.into_iter();
        steps.retain(|_| !double.next().unwrap_or(false));
        steps
    }

    fn below(&self, selected: &'s Selected<'c>) -> Vec<(Step<'s>, Edge)> {
        let mut steps = Vec::new();
        for binding in &selected.bindings {
            let capability = binding.requirement.capability.as_str();
            for Provided { component, .. } in &binding.providers {
                join(&mut steps, Step::To(component), Edge::Capabilities(vec![capability.into()]));
            }
        }
        let taken = selected.recommendations.iter();
        for one in taken.filter(|one| one.outcome != Outcome::Impossible) {
            let capability = &one.recommendation.capability;
            // Who serves a recommendation has it among its causes.
            for (name, other) in &self.selection.components {
                let because = |cause: &Cause| {
                    matches!(cause, Cause::Recommended { by, span, .. }
                        if *by == selected.manifest.component.value && *span == capability.span)
                };
                if other.causes.iter().any(because) {
                    let edge = Edge::Recommended(vec![capability.value.to_string()]);
                    join(&mut steps, Step::To(name), edge);
                }
            }
        }
        steps
    }

    fn above(&self, selected: &'s Selected<'c>) -> Vec<(Step<'s>, Edge)> {
        let mut steps = Vec::new();
        for cause in &selected.causes {
            let capability = || cause.capability().map_or_else(String::new, ToString::to_string);
            let (to, edge) = match cause {
                Cause::Product { .. } => (Step::Product, Edge::Product),
                Cause::Wanted { .. } => (Step::Product, Edge::Wanted(capability())),
                Cause::Profile { .. } => (Step::Profile, Edge::Profile(capability())),
                Cause::Component { by, .. } => {
                    (Step::To(by), Edge::Capabilities(vec![capability()]))
                }
                Cause::Recommended { by, .. } => {
                    (Step::To(by), Edge::Recommended(vec![capability()]))
                }
            };
            join(&mut steps, to, edge);
        }
        steps
    }

    fn grow(&mut self, name: &'s Name, edge: Edge, is_root: bool) -> Tree {
        let held = !is_root && self.top.contains(name);
        if let Some(group) = self.groups.get(name).filter(|_| !held && !self.shown.contains(name)) {
            let group = group.clone();
            self.shown.extend(&group);
            let children = group.iter().map(|member| {
                let selected = &self.selection.components[*member];
                let edge = match (self.way, wanted(selected)) {
                    (Way::Down, Some(edge)) => edge,
                    _ => Edge::Member,
                };
                self.component(member, edge, true)
            });
            let children = children.collect();
            let group = group.into_iter().cloned().collect();
            return Tree { node: Node::Group { group }, edge, repeated: false, children };
        }
        let first = !held && self.shown.insert(name);
        self.component(name, edge, first)
    }

    fn component(&mut self, name: &'s Name, edge: Edge, first: bool) -> Tree {
        let layer = self.selection.components[name].manifest.layer.value.as_str();
        let node = Node::Component { name: name.clone(), layer };
        let group = self.groups.get(name).cloned().unwrap_or_default();
        let mut next = self.next(name);
        next.retain(|(step, _)| !matches!(step, Step::To(to) if group.contains(to)));
        let repeated = !first && !next.is_empty();
        let mut children = Vec::new();
        for (step, edge) in if first { next } else { Vec::new() } {
            let end = |node| Tree { node, edge: edge.clone(), repeated: false, children: vec![] };
            children.push(match step {
                Step::To(to) => self.grow(to, edge, false),
                Step::Product => {
                    end(Node::Product { product: self.selection.product.name.value.clone() })
                }
                Step::Profile => {
                    end(Node::Profile { profile: self.selection.profile.profile.value.clone() })
                }
            });
        }
        Tree { node, edge, repeated, children }
    }
}

/// Adds a step, or its capability to the same step.
fn join<'s>(steps: &mut Vec<(Step<'s>, Edge)>, to: Step<'s>, edge: Edge) {
    for (_, known) in steps.iter_mut().filter(|(step, _)| *step == to) {
        match (known, &edge) {
            (Edge::Capabilities(known), Edge::Capabilities(more))
            | (Edge::Recommended(known), Edge::Recommended(more)) => {
                known.extend(more.iter().cloned());
                return;
            }
            _ => {}
        }
    }
    steps.push((to, edge));
}
