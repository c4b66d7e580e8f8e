//! The processes of a product, as the generated root has them: which function each is, whom it waits
//! for, and what it may do.

use std::collections::BTreeSet;

use serde::Serialize;
use tarsia_manifest::linux::{RESTARTS, Ready};
use tarsia_manifest::{ComponentManifest, Layer};
use tarsia_model::Name;
use tarsia_resolve::Selection;

/// The wait before a restart when a manifest does not say, in milliseconds.
const BACK_OFF: u64 = 1_000;

/// A process.
#[derive(Clone, Debug, Serialize)]
pub struct Process {
    /// The service's name.
    pub name: String,
    /// Its name as an identifier.
    pub ident: String,
    /// Its crate.
    pub path: String,
    /// The expression for its configuration; none without features.
    pub config: Option<String>,
    /// The processes that are ready before it starts.
    pub after: Vec<String>,
    /// ID of its user and group.
    pub user: u32,
    /// Its rights, as variants of an enum: `NetAdmin`.
    pub rights: Vec<String>,
    /// The groups and names of system calls it may make; none when it may make all.
    pub syscalls: Vec<String>,
    /// Folders that are made for it, absolute.
    pub folders: Vec<String>,
    /// The most memory of its own, in KiB; 0 when any.
    pub memory_kib: u64,
    /// How long it may take until it says that it is ready, in milliseconds, 0 for as long as it likes;
    /// none when it need not say so.
    pub told_within_ms: Option<u64>,
    /// The silence after which it counts as stuck, in milliseconds; 0 when it need not speak.
    pub alive_ms: u64,
    /// Restarts in a row.
    pub restarts: u32,
    /// The wait before a restart, in milliseconds.
    pub back_off_ms: u64,
}

/// The processes of a selection, in the order of their start.
pub(crate) fn processes(selection: &Selection<'_>) -> Vec<Process> {
    let of_its_own =
        |name: &Name| selection.components.get(name).is_some_and(|one| is_process(one.manifest));
    let order = selection.order.iter().filter(|name| of_its_own(name));
    let process = |name: &Name| {
        let selected = &selection.components[name];
        let process = selected.manifest.process.as_ref()?;
        let mut after = BTreeSet::new();
        waited_for(selection, name, &of_its_own, &mut after);
        let camel = |word: &str| crate::wiring::camel(word);
        let ident = name.ident();
        let upper = ident.to_ascii_uppercase();
        let told = process.ready.as_ref().is_some_and(|ready| ready.value == Ready::Told);
        let within = process.ready_within.as_ref().map_or(0, |time| time.value.0);
        Some(Process {
            name: name.to_string(),
            path: format!("tarsia_{ident}"),
            config: (!selected.features.is_empty()).then(|| format!("&CONFIG_{upper}")),
            ident,
            after: after.into_iter().map(Name::to_string).collect(),
            user: process.user.as_ref().map_or(0, |user| user.value),
            rights: process.rights.iter().map(|right| camel(right.value.as_str())).collect(),
            syscalls: process.syscalls.iter().map(|word| word.value.to_string()).collect(),
            folders: process.folders.iter().map(|path| format!("/{}", path.value)).collect(),
            memory_kib: process.memory.as_ref().map_or(0, |size| size.value.0.div_ceil(1024)),
            told_within_ms: told.then_some(within),
            alive_ms: process.alive_within.as_ref().map_or(0, |time| time.value.0),
            restarts: process.restarts.as_ref().map_or(RESTARTS, |count| count.value),
            back_off_ms: process.back_off.as_ref().map_or(BACK_OFF, |time| time.value.0),
        })
    };
    order.filter_map(process).collect()
}

/// The one process of all services that run on any kernel: they may share what they have.
#[derive(Clone, Debug, Serialize)]
pub struct Shared {
    /// The processes that are ready before it starts.
    pub after: BTreeSet<String>,
    /// The groups and names of system calls it may make: what its drivers need beside the usual.
    pub syscalls: BTreeSet<String>,
}

/// What that process needs in a selection.
pub(crate) fn shared(selection: &Selection<'_>) -> Shared {
    let of_its_own =
        |name: &Name| selection.components.get(name).is_some_and(|one| is_process(one.manifest));
    let usual = ["io", "files", "time"].map(str::to_owned);
    let mut shared = Shared { after: BTreeSet::new(), syscalls: usual.into() };
    for (name, selected) in &selection.components {
        let process = selected.manifest.process.as_ref();
        if is_service(selected.manifest) && process.is_none() {
            let mut after = BTreeSet::new();
            waited_for(selection, name, &of_its_own, &mut after);
            shared.after.extend(after.into_iter().map(Name::to_string));
        } else if let Some(driver) = process.filter(|_| !of_its_own(name)) {
            shared.syscalls.extend(driver.syscalls.iter().map(|word| word.value.to_string()));
        }
    }
    shared
}

fn is_service(manifest: &ComponentManifest) -> bool {
    matches!(manifest.layer.value, Layer::Service | Layer::App)
}

/// Whether a component is a process of its own.
pub(crate) fn is_process(manifest: &ComponentManifest) -> bool {
    manifest.process.is_some() && is_service(manifest)
}

/// The nearest processes among what a component is bound to, directly or through others.
fn waited_for<'s>(
    selection: &'s Selection<'_>,
    name: &Name,
    is_process: &dyn Fn(&Name) -> bool,
    found: &mut BTreeSet<&'s Name>,
) {
    let mut open = vec![name];
    let mut seen = BTreeSet::new();
    while let Some(at) = open.pop() {
        let Some(selected) = selection.components.get(at) else { continue };
        for provided in selected.bindings.iter().flat_map(|binding| &binding.providers) {
            let Some((provider, _)) = selection.components.get_key_value(&provided.component)
            else {
                continue;
            };
            if is_process(provider) {
                found.insert(provider);
            } else if seen.insert(provider) {
                open.push(provider);
            }
        }
    }
}
