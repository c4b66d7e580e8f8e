//! Small catalogues in memory.

use std::collections::BTreeMap;

use tarsia_manifest::{Loaded, Memory, load};
use tarsia_model::render;

/// What ends the manifest of each component.
const HEAD: &str = "summary: S.\nlicence: MIT\n";

/// The catalogue of these files, with some of them changed.
pub fn loaded(files: &[(&str, &str)], changed: &[(&str, &str)]) -> Loaded {
    let text = |(path, text): &(&str, &str)| {
        let head = if path.starts_with("components/") { HEAD } else { "" };
        ((*path).to_owned(), format!("{text}{head}"))
    };
    let all: BTreeMap<String, String> = files.iter().chain(changed).map(text).collect();
    let loaded = load(&all.into_iter().collect::<Memory>());
    let found = render::all(&loaded.diagnostics, &loaded.sources, false);
    assert!(loaded.diagnostics.is_empty(), "{found}");
    loaded
}
