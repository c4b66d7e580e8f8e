//! Reads the texts that planning needs: the device workspace's manifest and the templates that the
//! selected components name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fs_err as fs;
use tarsia_manifest::Catalogue;
use tarsia_model::{Code, Diagnostic, Spanned};
use tarsia_plan::Inputs;
use tarsia_resolve::Selection;

use crate::own;

/// The folder of a catalogue that holds its components, and the device workspace if it has one.
const COMPONENTS: &str = "components/";

/// The catalogue that has the device workspace: the first with `components/Cargo.toml`, or the first
/// of all, so that there is a place to miss it in.
fn device_catalogue<'c>(root: &Path, catalogue: &'c Catalogue) -> &'c str {
    let prefixes = || catalogue.prefixes.iter().map(String::as_str);
    let has = |prefix: &&str| root.join(prefix).join(COMPONENTS).join("Cargo.toml").is_file();
    prefixes().find(has).or_else(|| prefixes().next()).unwrap_or("")
}

/// The folder of the device workspace.
pub fn device_workspace(root: &Path, catalogue: &Catalogue) -> PathBuf {
    root.join(device_catalogue(root, catalogue)).join(COMPONENTS)
}

/// Where the crates of components stand that are not in the device workspace, by their folders in
/// the staging workspace: the same as if they were in it, wherever their catalogue is.
pub fn elsewhere(root: &Path, catalogue: &Catalogue) -> BTreeMap<String, PathBuf> {
    if catalogue.prefixes.len() < 2 {
        return BTreeMap::new();
    }
    let devices = format!("{}{COMPONENTS}", device_catalogue(root, catalogue));
    let folders =
        catalogue.components.names().filter_map(|n| catalogue.components.folder(n.as_str()));
    folders
        .filter(|folder| !folder.starts_with(&devices))
        .filter_map(|folder| Some((staged(catalogue, folder)?.to_owned(), root.join(folder))))
        .collect()
}

/// The folder of a component's crate in the staging workspace: `drivers/pl011-uart`.
pub(crate) fn staged<'f>(catalogue: &Catalogue, folder: &'f str) -> Option<&'f str> {
    catalogue.inside(folder).strip_prefix(COMPONENTS)
}

/// Reads what planning `selection` needs from the workspace at `root`.
pub fn read(
    root: &Path,
    catalogue: &Catalogue,
    selection: &Selection<'_>,
) -> Result<Inputs, Diagnostic> {
    let manifest = device_workspace(root, catalogue).join("Cargo.toml");
    let device_manifest = fs::read_to_string(&manifest).map_err(|error| {
        Diagnostic::error(Code::Unreadable, format!("cannot read the device workspace: {error}"))
    })?;
    let mut inputs = Inputs { device_manifest, ..Inputs::default() };
    for (name, selected) in &selection.components {
        let Some(folder) = catalogue.components.folder(name.as_str()) else {
            continue;
        };
        let path = root.join(folder);
        if let Some(staged) = staged(catalogue, folder)
            && path.join("Cargo.toml").is_file()
        {
            inputs.folders.insert(name.clone(), staged.to_owned());
        }
        let manifest = selected.manifest;
        let kernel = manifest.kernel.as_ref().map(|kernel| {
            let owner = kernel.template_of.as_ref().map_or(name, |owner| &owner.value);
            (owner, &kernel.template)
        });
        let runtime = manifest.runtime.as_ref().and_then(|runtime| runtime.linker_script.as_ref());
        for (owner, template) in kernel.into_iter().chain(runtime.map(|script| (name, script))) {
            // Whether it is in the product is for planning to judge.
            let Some(folder) = catalogue.components.folder(owner.as_str()) else { continue };
            let text = template_text(&root.join(folder), template.as_ref().map(|p| p.as_str()))?;
            inputs.templates.insert((owner.clone(), template.as_str().to_owned()), text);
        }
    }
    Ok(inputs)
}

fn template_text(folder: &Path, template: Spanned<&str>) -> Result<String, Diagnostic> {
    let failed = |code, why: &dyn std::fmt::Display| {
        let message = format!("the template `{}` cannot be read: {why}", template.value);
        Diagnostic::at(code, template.span, message)
    };
    let real = own::place(folder, template.value);
    let real = real.map_err(|problem| failed(problem.code(), &problem))?;
    fs::read_to_string(real).map_err(|error| failed(Code::Unreadable, &error.kind()))
}
