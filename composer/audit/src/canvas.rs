//! A range of memory on which owners are painted. Every byte starts unpainted, the first to paint a
//! byte keeps it, and reading a canvas gives each byte exactly once: sums cannot drift, whatever
//! overlaps in the ELF (aliases, nested symbols, debug information that claims a range twice).

use std::collections::BTreeMap;

use crate::Owner;

/// What a byte is: its owner, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Label {
    pub owner: Owner,
    pub file: Option<String>,
    pub symbol: Option<String>,
}

/// A label by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LabelId(u32);

/// Every label, once.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    ids: BTreeMap<Label, LabelId>,
    labels: Vec<Label>,
}

impl Labels {
    pub(crate) fn id(&mut self, label: Label) -> LabelId {
        let next = LabelId(u32::try_from(self.labels.len()).expect("fewer labels than bytes"));
        *self.ids.entry(label).or_insert_with_key(|label| {
            self.labels.push(label.clone());
            next
        })
    }

    pub(crate) fn get(&self, id: LabelId) -> &Label {
        &self.labels[id.0 as usize]
    }
}

/// Labels of the bytes from `base`.
#[derive(Clone, Debug)]
pub(crate) struct Canvas {
    base: u64,
    cells: Vec<Option<LabelId>>,
}

impl Canvas {
    pub(crate) fn new(base: u64, size: usize) -> Self {
        Self { base, cells: vec![None; size] }
    }

    pub(crate) fn end(&self) -> u64 {
        self.base + self.cells.len() as u64
    }

    /// Paints the bytes of `start..end` that nobody painted yet; what lies outside is ignored.
    pub(crate) fn paint(&mut self, start: u64, end: u64, label: LabelId) {
        let index = |at: u64| (at.clamp(self.base, self.end()) - self.base) as usize;
        let (from, to) = (index(start), index(end));
        for cell in self.cells.get_mut(from..to).unwrap_or_default() {
            cell.get_or_insert(label);
        }
    }

    pub(crate) fn at(&self, address: u64) -> Option<LabelId> {
        let index = usize::try_from(address.checked_sub(self.base)?).ok()?;
        self.cells.get(index).copied().flatten()
    }

    /// The canvas as runs of one label, in order, without a hole.
    pub(crate) fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (address, cell) in (self.base..).zip(&self.cells) {
            match runs.last_mut() {
                Some(run) if run.label == *cell => run.end += 1,
                _ => runs.push(Run { start: address, end: address + 1, label: *cell }),
            }
        }
        runs
    }

    /// The runs nobody painted.
    pub(crate) fn bare(&self) -> Vec<Run> {
        self.runs().into_iter().filter(|run| run.label.is_none()).collect()
    }
}

/// Bytes `start..end` with one label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub start: u64,
    pub end: u64,
    pub label: Option<LabelId>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Structural;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_byte_is_counted_once_and_the_first_painter_keeps_it(
            size in 0usize..200, strokes in prop::collection::vec((0u64..300, 0u64..100), 0..20),
        ) {
            let mut labels = Labels::default();
            let mut canvas = Canvas::new(50, size);
            let mut expected = vec![None; size];
            for (number, (start, length)) in strokes.iter().enumerate() {
                let id = labels.id(Label {
                    owner: Owner::Structural(Structural::Code),
                    file: None,
                    symbol: Some(number.to_string()),
                });
                canvas.paint(*start, start + length, id);
                for address in *start..start + length {
                    if let Some(cell) = address.checked_sub(50).and_then(|at| expected.get_mut(at as usize)) {
                        cell.get_or_insert(id);
                    }
                }
            }
            let runs = canvas.runs();
            prop_assert_eq!(runs.iter().map(|run| run.end - run.start).sum::<u64>(), size as u64);
            for run in runs {
                for address in run.start..run.end {
                    prop_assert_eq!(run.label, expected[address as usize - 50]);
                    prop_assert_eq!(run.label, canvas.at(address));
                }
            }
        }
    }
}
