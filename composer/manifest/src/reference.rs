//! The JSON Schemas and the reference page of the manifests, both made from the definitions that
//! read them. Checked-in copies are in `docs/`; a test fails when they are stale.

use std::fmt::Write as _;

use schemars::generate::SchemaSettings;

use crate::item::Item;
use crate::record::{heading, prose};
use crate::{ComponentManifest, ProductManifest, ProfileManifest, WorkspaceManifest};

/// A key in a table of the page.
pub struct Row {
    /// The key.
    pub key: &'static str,
    /// Its doc comment.
    pub about: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What stands under it, in Markdown.
    pub kind: String,
}

/// The page while it is put together: one section per kind of mapping.
#[derive(Default)]
pub struct Page {
    sections: Vec<(&'static str, String)>,
}

impl Page {
    /// Adds the section of a mapping, unless it is there, and gives a link to it.
    pub fn section(
        &mut self,
        noun: &'static str,
        about: &str,
        short: &[&str],
        rows: impl FnOnce(&mut Self) -> Vec<Row>,
    ) -> String {
        let title = heading(noun);
        let link =
            format!("[{}](#{})", title.to_lowercase(), title.to_lowercase().replace(' ', "-"));
        if self.sections.iter().any(|(known, _)| *known == noun) {
            return link;
        }
        let place = self.sections.len();
        self.sections.push((noun, String::new()));
        let mut text = format!("## {title}\n\n{}\n\n", prose(about));
        if let [key] = short {
            let _ = writeln!(text, "A single value is short for a mapping with only `{key}`.\n");
        }
        text.push_str("| key | value | meaning |\n|---|---|---|\n");
        for Row { key, about, required, kind } in rows(self) {
            let mark = if required { " (required)" } else { "" };
            let about = prose(about).replace("\n\n", " ").replace('|', "\\|");
            let _ = writeln!(text, "| `{key}`{mark} | {kind} | {about} |");
        }
        self.sections[place].1 = text;
        link
    }
}

/// A choice for the page: each word, with what it means.
pub fn words(words: &[(&str, &str)]) -> String {
    let each: Vec<String> = words
        .iter()
        .map(|(word, about)| format!("`{word}`: {}", prose(about).trim_end_matches('.')))
        .collect();
    each.join("; ").replace('|', "\\|")
}

/// The reference page, `docs/reference/manifests.md`.
pub fn page() -> String {
    let mut page = Page::default();
    let roots = [
        ComponentManifest::describe(&mut page),
        ProfileManifest::describe(&mut page),
        ProductManifest::describe(&mut page),
        WorkspaceManifest::describe(&mut page),
    ];
    let mut text = format!(
        "# Manifests\n\n\
         This page is made from the definitions that read the manifests. There are four kinds: {}.\n\
         Sizes are bytes (`131072`) or have a binary unit (`128KiB`); durations have a unit (`500ms`, `10s`,\n\
         `5min`, `1h`); whole numbers may be hexadecimal (`0x4000_c000`) and have `_` between digits.\n\
         Booleans are `true` and `false`. No key may stand twice, and an unknown key is an error. YAML's\n\
         tags, directives and merge keys are refused; anchors and aliases work.\n",
        roots.join(", ")
    );
    for (_, section) in page.sections {
        text.push('\n');
        text.push_str(&section);
    }
    text
}

/// File names and texts of the JSON Schemas (draft 2020-12), as they stand in `docs/schemas/`.
pub fn schemas() -> [(&'static str, String); 4] {
    [
        ("component.schema.json", schema::<ComponentManifest>()),
        ("profile.schema.json", schema::<ProfileManifest>()),
        ("product.schema.json", schema::<ProductManifest>()),
        ("workspace.schema.json", schema::<WorkspaceManifest>()),
    ]
}

fn schema<T: schemars::JsonSchema>() -> String {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    format!("{:#}\n", schema.to_value())
}
