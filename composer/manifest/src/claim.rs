//! Which manifest a name stands for: a name in two catalogues is an error, unless one of the two
//! says that its own replaces the other.

use tarsia_model::{Code, Diagnostic, Name, SourceId, Span};

use crate::find::{Kind, Origin};

/// A file that says it is the manifest of a name.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) name: Name,
    pub(crate) source: SourceId,
    /// Its place in the list of catalogues.
    pub(crate) origin: usize,
}

/// The claims of one kind, sorted by name.
pub(crate) struct Claims {
    kind: Kind,
    sorted: Vec<Claim>,
}

impl Claims {
    pub(crate) fn new(kind: Kind, mut claims: Vec<Claim>) -> Self {
        claims.sort_by(|a, b| a.name.cmp(&b.name));
        Self { kind, sorted: claims }
    }

    fn of(&self, name: &Name) -> &[Claim] {
        let start = self.sorted.partition_point(|claim| claim.name < *name);
        let rest = &self.sorted[start..];
        &rest[..rest.partition_point(|claim| claim.name == *name)]
    }

    /// The claim that holds for each name, in the order of names. `place` says where a file states
    /// its name.
    pub(crate) fn settle(
        &self,
        origins: &[Origin],
        place: impl Fn(&Claim) -> Span,
        problems: &mut Vec<Diagnostic>,
    ) -> Vec<Claim> {
        let mut settled = Vec::with_capacity(self.sorted.len());
        for group in self.sorted.chunk_by(|a, b| a.name == b.name) {
            let [first, others @ ..] = group else { continue };
            let winner = match others {
                [] => first,
                _ => self.contest(group, origins, &place, problems),
            };
            settled.push(winner.clone());
        }
        settled
    }

    fn contest<'c>(
        &self,
        group: &'c [Claim],
        origins: &[Origin],
        place: &impl Fn(&Claim) -> Span,
        problems: &mut Vec<Diagnostic>,
    ) -> &'c Claim {
        let name = &group[0].name;
        let mut heads: Vec<&Claim> = Vec::new();
        for claim in group {
            match heads.last().filter(|head| head.origin == claim.origin) {
                Some(first) => problems.push(self.twice(claim, first, place)),
                None => heads.push(claim),
            }
        }
        let overriding: Vec<&Claim> = heads
            .iter()
            .copied()
            .filter(|claim| origins[claim.origin].overrides.find(name).is_some())
            .collect();
        let rivals = if overriding.is_empty() { &heads } else { &overriding };
        let (winner, others) = (rivals[0], &rivals[1..]);
        let what = self.what();
        for other in others {
            let message = format!("two catalogues have a {what} `{name}`");
            let hint = if overriding.is_empty() {
                format!(
                    "rename one of them, or write `override: [{name}]` at the catalogue whose {what} is to be used"
                )
            } else {
                format!("keep one `override: [{name}]`")
            };
            problems.push(
                Diagnostic::at(Code::CatalogueClash, place(other), message)
                    .also(place(winner), "the other")
                    .hint(hint),
            );
        }
        winner
    }

    fn twice(&self, claim: &Claim, first: &Claim, place: &impl Fn(&Claim) -> Span) -> Diagnostic {
        let message = format!("a second {} is named `{}`", self.what(), claim.name);
        Diagnostic::at(Code::DuplicateName, place(claim), message)
            .also(place(first), "the first")
            .hint("give one of them another name".to_owned())
    }

    const fn what(&self) -> &'static str {
        match self.kind {
            Kind::Workspace => "workspace",
            Kind::Component => "component",
            Kind::Product => "product",
            Kind::Profile => "profile",
        }
    }
}

/// Complains about every `override` that replaces nothing.
pub(crate) fn idle_overrides(
    origins: &[Origin],
    claims: &[Claims],
    problems: &mut Vec<Diagnostic>,
) {
    for (index, origin) in origins.iter().enumerate() {
        for name in &origin.overrides {
            let holders = || claims.iter().flat_map(|claims| claims.of(&name.value));
            let own = claims.iter().any(|claims| {
                let of = claims.of(&name.value);
                of.iter().any(|claim| claim.origin == index)
                    && of.iter().any(|claim| claim.origin != index)
            });
            if own {
                continue;
            }
            let name_text = &name.value;
            let (message, hint) = if holders().any(|claim| claim.origin == index) {
                (
                    format!("no other catalogue has a `{name_text}` that this could override"),
                    "remove it from `override`",
                )
            } else {
                (
                    format!("this catalogue has no `{name_text}` to override another with"),
                    "add it to the catalogue, or remove it from `override`",
                )
            };
            problems.push(
                Diagnostic::at(Code::OverridesNothing, name.span, message).hint(hint.to_owned()),
            );
        }
    }
}
