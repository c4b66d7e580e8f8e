//! The components of a catalogue as a table: numbered in the order of their names, found by name, by
//! layer and by what they provide. A manifest that comes packed is decoded when it is first asked
//! for: whoever asks for one component pays for that one only.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use tarsia_model::{CapabilityName, Name, SourceId};

use crate::supply::Supply;
use crate::{ComponentManifest, Layer, pack};

/// A component's number: its place in the order of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentId(pub u32);

/// A capability's number: its place in the order of names, among those that anything provides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CapabilityId(pub u32);

/// A component on its way into the table.
pub(crate) struct Row {
    pub(crate) name: Name,
    /// The path of its manifest.
    pub(crate) path: Arc<str>,
    /// The file of its manifest.
    pub(crate) source: SourceId,
    pub(crate) layer: Layer,
    /// What it provides: a part of [`Supply::provides`].
    pub(crate) provides: Range<usize>,
    pub(crate) manifest: Stored<ComponentManifest>,
}

/// A manifest, or where its bytes are in the buffer.
#[derive(Clone, Debug)]
pub(crate) enum Stored<T> {
    Decoded(Box<T>),
    Packed(Range<usize>),
}

/// A component in the table.
#[derive(Clone, Debug)]
struct Entry {
    path: Arc<str>,
    source: SourceId,
    layer: Layer,
    manifest: OnceLock<Box<ComponentManifest>>,
    packed: Range<usize>,
}

/// Every component of a catalogue.
#[derive(Clone, Debug, Default)]
pub struct Components {
    names: Vec<Name>,
    entries: Vec<Entry>,
    capabilities: Vec<CapabilityName>,
    /// Who provides each capability, in order; those of the capability `n` end at `ends[n]`.
    providers: Vec<ComponentId>,
    ends: Vec<u32>,
    /// What packed manifests are parts of; its digest was checked.
    buffer: Arc<Vec<u8>>,
}

impl Components {
    /// The table of these components, sorted by name, in which no name stands twice.
    pub(crate) fn new(rows: Vec<Row>, supply: &Supply, buffer: Arc<Vec<u8>>) -> Self {
        let mut table = Self { buffer, ..Self::default() };
        table.index(&rows, supply);
        for Row { name, path, source, layer, manifest, .. } in rows {
            let (manifest, packed) = match manifest {
                Stored::Decoded(manifest) => (OnceLock::from(manifest), 0..0),
                Stored::Packed(range) => (OnceLock::new(), range),
            };
            table.names.push(name);
            table.entries.push(Entry { path, source, layer, manifest, packed });
        }
        table
    }

    /// Who provides what: each capability's share of one list is counted, then filled.
    fn index(&mut self, rows: &[Row], supply: &Supply) {
        let Supply { capabilities, provides, .. } = supply;
        let mut counts = vec![0u32; capabilities.len()];
        for known in rows.iter().flat_map(|row| &provides[row.provides.clone()]) {
            counts[*known as usize] += 1;
        }
        let mut end = 0;
        let mut starts = Vec::with_capacity(capabilities.len());
        for (capability, count) in capabilities.iter().zip(&counts) {
            starts.push(end);
            end += count;
            if *count > 0 {
                self.capabilities.push(capability.clone());
                self.ends.push(end);
            }
        }
        self.providers = vec![ComponentId(0); end as usize];
        for (index, row) in rows.iter().enumerate() {
            let id = ComponentId(u32::try_from(index).expect("fewer than 2^32 components"));
            for known in &provides[row.provides.clone()] {
                let place = &mut starts[*known as usize];
                self.providers[*place as usize] = id;
                *place += 1;
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The number of the component with this name.
    pub fn id(&self, name: &str) -> Option<ComponentId> {
        let found = self.names.binary_search_by(|known| known.as_str().cmp(name));
        found.ok().and_then(|index| u32::try_from(index).ok()).map(ComponentId)
    }

    /// Whether there is a component with this name.
    pub fn contains(&self, name: &str) -> bool {
        self.id(name).is_some()
    }

    /// The component with this name.
    pub fn get(&self, name: &str) -> Option<&ComponentManifest> {
        self.id(name).map(|id| self.at(id))
    }

    /// The component with this number.
    ///
    /// # Panics
    /// When the number is of another table.
    pub fn at(&self, id: ComponentId) -> &ComponentManifest {
        let entry = &self.entries[id.0 as usize];
        entry.manifest.get_or_init(|| {
            let bytes = self.buffer.get(entry.packed.clone()).unwrap_or_default();
            let manifest = pack::unpacked(bytes, entry.source);
            Box::new(manifest.expect("bytes with the right digest are what was packed"))
        })
    }

    /// The name of the component with this number.
    ///
    /// # Panics
    /// When the number is of another table.
    pub fn name(&self, id: ComponentId) -> &Name {
        &self.names[id.0 as usize]
    }

    /// The layer of the component with this number.
    ///
    /// # Panics
    /// When the number is of another table.
    pub fn layer(&self, id: ComponentId) -> Layer {
        self.entries[id.0 as usize].layer
    }

    /// The folder of the component with this name, relative to the workspace.
    pub fn folder(&self, name: &str) -> Option<&str> {
        let path = &self.entries[self.id(name)?.0 as usize].path;
        Some(path.rsplit_once('/').map_or("", |(folder, _)| folder))
    }

    /// Every number, in the order of names.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = ComponentId> + ExactSizeIterator + use<> {
        (0..u32::try_from(self.names.len()).unwrap_or(u32::MAX)).map(ComponentId)
    }

    /// Every name, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &Name> {
        self.names.iter()
    }

    /// Every component, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = &ComponentManifest> {
        self.ids().map(|id| self.at(id))
    }

    /// The components of one layer, in the order of names.
    pub fn of_layer(&self, layer: Layer) -> impl Iterator<Item = ComponentId> {
        self.ids().filter(move |id| self.layer(*id) == layer)
    }

    /// Every capability that anything provides, in order.
    pub fn capabilities(&self) -> &[CapabilityName] {
        &self.capabilities
    }

    /// The number of a capability; none when nothing provides it.
    pub fn capability(&self, name: &str) -> Option<CapabilityId> {
        let found = self.capabilities.binary_search_by(|known| known.as_str().cmp(name));
        found.ok().and_then(|index| u32::try_from(index).ok()).map(CapabilityId)
    }

    /// Who may provide a capability, in the order of names; conditions are not judged here.
    ///
    /// # Panics
    /// When the number is of another table.
    pub fn providers(&self, capability: CapabilityId) -> &[ComponentId] {
        let index = capability.0 as usize;
        let end = self.ends[index] as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.providers[start..end]
    }
}
