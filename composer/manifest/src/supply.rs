//! What all components provide, as numbers: capabilities are compared and sorted once per load, and
//! what an earlier load numbered keeps its order.

use std::collections::BTreeSet;
use std::ops::Range;

use tarsia_model::CapabilityName;

use crate::examine::{Content, File};
use crate::snapshot::Past;

/// The capabilities of a load, with who has which.
pub(crate) struct Supply {
    /// Every capability that a component provides, sorted.
    pub(crate) capabilities: Vec<CapabilityName>,
    /// Places in `capabilities`.
    pub(crate) provides: Vec<u32>,
    /// The part of `provides` that each file has.
    pub(crate) parts: Vec<Range<usize>>,
}

impl Supply {
    pub(crate) fn of(files: &[File<'_>], past: &Past) -> Self {
        let (used, fresh) = survey(files, past);
        let as_before = fresh.is_empty() && used.iter().all(|used| *used);
        let kept = past.capabilities.iter().zip(&used).filter(|(_, used)| **used).map(|(c, _)| c);
        let capabilities: Vec<CapabilityName> = if as_before {
            past.capabilities.clone()
        } else {
            kept.chain(fresh).collect::<BTreeSet<_>>().into_iter().cloned().collect()
        };
        let number = |capability: &CapabilityName| {
            // What nothing provides any more has no number and needs none.
            let place = capabilities.binary_search(capability).unwrap_or(0);
            u32::try_from(place).expect("fewer than 2^32 capabilities")
        };
        let renumbered: Option<Vec<u32>> =
            (!as_before).then(|| past.capabilities.iter().map(number).collect());
        let mut provides = Vec::with_capacity(past.provides.len());
        let parts = files.iter().map(|file| {
            let start = provides.len();
            match (&file.content, &renumbered) {
                (Content::Kept { sound, .. }, None) => {
                    provides.extend_from_slice(&past.provides[sound.provides.clone()]);
                }
                (Content::Kept { sound, .. }, Some(new)) => {
                    let known = &past.provides[sound.provides.clone()];
                    provides.extend(known.iter().map(|old| new[*old as usize]));
                }
                (Content::Read(found), _) => provides.extend(found.provides.iter().map(number)),
                _ => {}
            }
            start..provides.len()
        });
        let parts = parts.collect();
        Self { capabilities, provides, parts }
    }
}

/// Which capabilities of the earlier load are still provided, and which were read now.
fn survey<'f>(files: &'f [File<'_>], past: &Past) -> (Vec<bool>, BTreeSet<&'f CapabilityName>) {
    let mut used = vec![false; past.capabilities.len()];
    let mut fresh = BTreeSet::new();
    for file in files {
        match &file.content {
            Content::Kept { sound, .. } => {
                let known = &past.provides[sound.provides.clone()];
                known.iter().for_each(|known| used[*known as usize] = true);
            }
            Content::Read(found) => fresh.extend(&found.provides),
            _ => {}
        }
    }
    (used, fresh)
}
