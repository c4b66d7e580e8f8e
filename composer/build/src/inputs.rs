//! Reads the texts that planning needs: the device workspace's manifest and the templates that the
//! selected components name.

use std::path::Path;

use fs_err as fs;
use tarsia_manifest::Catalogue;
use tarsia_model::{Code, Diagnostic, Spanned};
use tarsia_plan::Inputs;
use tarsia_resolve::Selection;

/// The folder of the device workspace, relative to the workspace.
pub const DEVICES: &str = "components";

/// Reads what planning `selection` needs from the workspace at `root`.
pub fn read(
    root: &Path,
    catalogue: &Catalogue,
    selection: &Selection<'_>,
) -> Result<Inputs, Diagnostic> {
    let manifest = root.join(DEVICES).join("Cargo.toml");
    let device_manifest = fs::read_to_string(&manifest).map_err(|error| {
        Diagnostic::error(Code::Unreadable, format!("cannot read the device workspace: {error}"))
    })?;
    let mut inputs = Inputs { device_manifest, ..Inputs::default() };
    for (name, selected) in &selection.components {
        let Some(folder) = catalogue.folders.get(name) else {
            continue;
        };
        let path = root.join(folder);
        if let Some(in_devices) = folder.strip_prefix("components/")
            && path.join("Cargo.toml").is_file()
        {
            inputs.folders.insert(name.clone(), in_devices.to_owned());
        }
        let manifest = selected.manifest;
        let kernel = manifest.kernel.as_ref().map(|kernel| &kernel.template);
        let runtime = manifest.runtime.as_ref().map(|runtime| &runtime.linker_script);
        for template in kernel.into_iter().chain(runtime) {
            let text = template_text(&path, template.as_ref().map(|path| path.as_str()))?;
            inputs.templates.insert((name.clone(), template.as_str().to_owned()), text);
        }
    }
    Ok(inputs)
}

fn template_text(folder: &Path, template: Spanned<&str>) -> Result<String, Diagnostic> {
    let failed = |code, why: &dyn std::fmt::Display| {
        let message = format!("the template `{}` cannot be read: {why}", template.value);
        Diagnostic::at(code, template.span, message)
    };
    let path = folder.join(template.value);
    let real = fs::canonicalize(&path).map_err(|error| failed(Code::Unreadable, &error.kind()))?;
    let inside = fs::canonicalize(folder).is_ok_and(|folder| real.starts_with(folder));
    if !inside {
        return Err(failed(Code::OutsideWorkspace, &"it leads out of the component's folder"));
    }
    fs::read_to_string(real).map_err(|error| failed(Code::Unreadable, &error.kind()))
}
