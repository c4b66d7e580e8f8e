//! `tarsia.yaml`: the catalogues that a workspace is made of.

use tarsia_model::{Code, Diagnostic, Name, Spanned};

use crate::collection::Set;
use crate::record::record;
use crate::scalar::FolderPath;

/// The file, at the root of a workspace; without it, the root is the one catalogue.
pub const WORKSPACE_FILE: &str = "tarsia.yaml";

record! {
    /// A workspace: the file `tarsia.yaml` at its root.
    pub struct WorkspaceManifest = "a workspace" check check_workspace {
        /// The folders that components, profiles and products come from.
        "catalogues" catalogues: Vec<CatalogueSource>,
    }
}

record! {
    /// A catalogue: a folder with `components`, `profiles` and `products`, each of which may be absent.
    pub struct CatalogueSource = "a catalogue" short "path" {
        /// Where it is, relative to the workspace; `.` is the workspace itself.
        "path" path: Spanned<FolderPath>,
        /// Names whose manifests replace those of the same name in other catalogues.
        "override" overrides: Set<Name>,
    }
}

fn check_workspace(workspace: &WorkspaceManifest, problems: &mut Vec<Diagnostic>) -> Option<()> {
    // A list that could not be read, or a mistyped key, has had its complaint.
    if workspace.catalogues.is_empty() && problems.is_empty() {
        let message = "a workspace needs a catalogue";
        problems.push(
            Diagnostic::at(Code::MissingKey, workspace.span, message)
                .hint("write `catalogues: [.]`, or delete the file".to_owned()),
        );
        return None;
    }
    Some(())
}
