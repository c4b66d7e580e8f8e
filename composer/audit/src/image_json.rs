//! `image.json`: what a build made, for programs. The same image gives the same bytes: lists are
//! sorted by name, keys stand in a fixed order, and nothing of the host is in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tarsia_model::{Blake3, FileDigest, Sha256};

/// Version of the format; raised when a reader of the version before would misread a file.
pub const SCHEMA: u32 = 1;

/// The content of `image.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageJson {
    /// Version of this format, [`SCHEMA`].
    pub schema: u32,
    /// Product.
    pub product: String,
    /// Version of the product.
    pub version: String,
    /// The compiler as it names itself: `rustc 1.96.0 (…)`.
    pub toolchain: String,
    /// Files of the release.
    pub files: Vec<File>,
    /// Memory of the board.
    pub regions: Vec<MemoryRegion>,
    /// Components of the selection.
    pub components: Vec<ComponentEntry>,
    /// Crates from outside.
    pub crates: Vec<CrateEntry>,
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It is flashed.
    Image,
    /// It helps to debug the image.
    Debug,
    /// It says something about the image.
    Report,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Name, relative to the folder of `image.json`.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the content, 64 hex digits.
    pub sha256: Sha256,
    /// BLAKE3 of the content, 64 hex digits.
    pub blake3: Blake3,
}

impl File {
    /// Measures a file's content.
    pub fn of(name: impl Into<String>, role: Role, content: &[u8]) -> Self {
        let FileDigest { size, sha256, blake3 } = FileDigest::of(content);
        Self { name: name.into(), role, size, sha256, blake3 }
    }
}

/// One memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryRegion {
    /// `flash` or `ram`.
    pub name: String,
    /// First address.
    pub base: u64,
    /// Bytes that the tightest limit allows.
    pub limit: u64,
    /// Bytes used.
    pub used: u64,
    /// Bytes that the hardware has.
    pub size: u64,
}

/// One component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentEntry {
    /// Name.
    pub name: String,
    /// Layer: `kernel`, `driver`, `service`, ….
    pub layer: String,
    /// Feature values in force.
    pub features: BTreeMap<String, serde_json::Value>,
    /// Licence, an SPDX expression.
    pub licence: String,
    /// Bytes of flash.
    pub flash: u64,
    /// Bytes of RAM.
    pub ram: u64,
}

/// One crate from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrateEntry {
    /// Package name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Licence, an SPDX expression; `null` where the package declares none.
    pub licence: Option<String>,
    /// Where it comes from, as Cargo.lock names it.
    pub source: String,
}

/// Why a text is no `image.json`.
#[derive(Debug, thiserror::Error)]
pub enum ImageJsonError {
    /// It is not JSON of this form.
    #[error("read image.json: {0}")]
    Json(#[from] serde_json::Error),
    /// It has a version this reader does not know.
    #[error("image.json has schema version {found}; this reader knows {SCHEMA}")]
    Schema {
        /// The version in the file.
        found: u64,
    },
}

impl ImageJson {
    /// The text: indented, lists sorted, with a final line end.
    pub fn to_text(&self) -> String {
        let mut sorted = self.clone();
        sorted.files.sort_by(|a, b| a.name.cmp(&b.name));
        sorted.regions.sort_by(|a, b| a.name.cmp(&b.name));
        sorted.components.sort_by(|a, b| a.name.cmp(&b.name));
        sorted.crates.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        let text = serde_json::to_string_pretty(&sorted);
        text.expect("strings, numbers and maps with string keys") + "\n"
    }

    /// Reads a text; the version is looked at before anything else.
    ///
    /// # Errors
    /// When it is not JSON, of another version, or has unknown, missing or malformed fields.
    pub fn from_text(text: &str) -> Result<Self, ImageJsonError> {
        #[derive(Deserialize)]
        struct Version {
            schema: u64,
        }
        let Version { schema } = serde_json::from_str(text)?;
        if schema != u64::from(SCHEMA) {
            return Err(ImageJsonError::Schema { found: schema });
        }
        Ok(serde_json::from_str(text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> ImageJson {
        let component = |name: &str, flash| ComponentEntry {
            name: name.into(),
            layer: "service".into(),
            features: [("period".to_owned(), "10s".into()), ("channel".to_owned(), 2.into())]
                .into(),
            licence: "MIT OR Apache-2.0".into(),
            flash,
            ram: 64,
        };
        ImageJson {
            schema: SCHEMA,
            product: "greenhouse".into(),
            version: "1.4.0".into(),
            toolchain: "rustc 1.96.0".into(),
            files: vec![
                File::of("greenhouse.elf", Role::Debug, b"elf"),
                File::of("greenhouse.bin", Role::Image, b"bin"),
            ],
            regions: vec![MemoryRegion {
                name: "flash".into(),
                base: 0x0800_0000,
                limit: 65_536,
                used: 5704,
                size: 131_072,
            }],
            components: vec![component("telemetry", 1300), component("blink", 80)],
            crates: vec![CrateEntry {
                name: "heapless".into(),
                version: "0.9.3".into(),
                licence: Some("MIT OR Apache-2.0".into()),
                source: "registry+https://github.com/rust-lang/crates.io-index".into(),
            }],
        }
    }

    #[test]
    fn the_text_is_sorted_and_ends_in_a_line_end() {
        insta::assert_snapshot!(sample().to_text());
    }

    #[test]
    fn refuses_other_versions_and_unknown_fields() {
        let text = sample().to_text();
        let newer = text.replace("\"schema\": 1", "\"schema\": 2");
        assert!(matches!(ImageJson::from_text(&newer), Err(ImageJsonError::Schema { found: 2 })));
        for (from, to) in [("\"licence\"", "\"license\""), ("\"debug\"", "\"other\""), ("a", "A")] {
            let changed = text.replacen(from, to, 1);
            assert!(
                matches!(ImageJson::from_text(&changed), Err(ImageJsonError::Json(_))),
                "{from}"
            );
        }
    }

    proptest! {
        #[test]
        fn the_order_given_does_not_matter_and_the_text_reads_back(
            seed in any::<u64>(), name in "\\PC{0,20}",
        ) {
            let mut image = sample();
            image.components[0].name = name;
            let text = image.to_text();
            let mut other = image.clone();
            if seed % 2 == 0 { other.components.reverse(); }
            if seed % 3 == 0 { other.files.reverse(); }
            prop_assert_eq!(&other.to_text(), &text);
            prop_assert_eq!(ImageJson::from_text(&text).expect("own text").to_text(), text);
        }

        #[test]
        fn never_panics(text in "\\PC{0,60}") {
            let _ = ImageJson::from_text(&text);
        }
    }
}
