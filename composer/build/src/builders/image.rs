//! The builder of images: from a linked firmware to the files that are flashed, and to the account of
//! their bytes. It runs inside this program, so this program is one of its inputs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tarsia_audit::image_json::{File, Role};
use tarsia_audit::{Attribution, Component, Input, Owners, Package};
use tarsia_image::{Flash, Region, bin, hex, uf2};
use tarsia_model::{Blake3, Code, Diagnostic, Name};

use super::cargo;
use crate::crates::{self, LinkedCrate};
use crate::engine::{Action, ActionId, Job, Made, Origin, Setting, Work};

/// The account of every byte.
pub const ACCOUNT: &str = "account.json";
/// What is flashed.
pub const FILES: [&str; 3] = ["firmware.bin", "firmware.hex", "firmware.uf2"];
/// The list of the firmware's files, with their sizes and digests.
pub const LIST: &str = "files.json";
/// The input with what the selection says.
const FACTS: &str = "facts.json";

/// What the selection says about an image.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The product.
    pub product: String,
    /// The selected components.
    pub components: Vec<String>,
    /// The folder of each component that has C, in the staging workspace.
    pub with_c: BTreeMap<String, String>,
    /// The flash, as linked for.
    pub flash: Region,
    /// The RAM, as linked for.
    pub ram: Region,
    /// The main stack in bytes.
    pub stack: u64,
    /// The UF2 family of the board's chip.
    pub uf2_family: Option<u32>,
}

/// The actions that account for a firmware's bytes and write its files.
///
/// # Errors
/// Facts that cannot be written down.
pub fn actions<'w>(
    product: &Name,
    facts: &Facts,
    firmware: ActionId,
    program: Blake3,
) -> Result<[Action<'w>; 2], Diagnostic> {
    let text = serde_json::to_vec_pretty(facts).map_err(|error| malformed("its facts", &error))?;
    let action = |step: &str, outputs: Vec<&'static str>, work: Box<dyn Work>| Action {
        product: product.clone(),
        step: step.to_owned(),
        builder: "image 1",
        inputs: cargo::OUTPUTS
            .iter()
            .map(|name| ((*name).to_owned(), Origin::Output(firmware, (*name).to_owned())))
            .chain([(FACTS.to_owned(), Origin::Text(text.clone()))])
            .collect(),
        settings: vec![Setting::new("tool", "tarsia", program.to_string())],
        outputs,
        alone: false,
        work,
    };
    let outputs = [LIST].into_iter().chain(FILES).collect();
    let mut files = action("image", outputs, Box::new(Files));
    // Which crates are in it makes no difference to what is flashed.
    files.inputs.remove(cargo::OUTPUTS[0]);
    Ok([action("account", vec![ACCOUNT], Box::new(Account)), files])
}

fn malformed(what: &str, error: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error(Code::MalformedImage, format!("cannot write {what}: {error}"))
}

fn facts(job: &Job<'_>) -> Result<Facts, Diagnostic> {
    let facts = serde_json::from_slice(&job.bytes(FACTS)?);
    facts.map_err(|error| malformed("an image without its facts", &error))
}

/// Reads a list of files.
pub fn read_list(bytes: &[u8]) -> Option<Vec<File>> {
    serde_json::from_slice(bytes).ok()
}

/// Reads an account.
pub fn read_account(bytes: &[u8]) -> Option<Attribution> {
    serde_json::from_slice(bytes).ok()
}

struct Account;

impl Work for Account {
    fn make(&self, job: &Job<'_>) -> Result<Made, Diagnostic> {
        let facts = facts(job)?;
        let [crates, elf] = cargo::OUTPUTS;
        let crates = crates::read(&job.bytes(crates)?);
        let crates = crates.ok_or_else(|| malformed("the account", &"no list of crates"))?;
        let attribution = tarsia_audit::attribute(Input {
            elf: &job.bytes(elf)?,
            flash: facts.flash,
            ram: facts.ram,
            owners: &owners(&facts, &crates),
            stack: facts.stack,
        });
        let attribution = attribution.map_err(|error| {
            let message = format!("cannot account for the image's bytes: {error}");
            Diagnostic::error(Code::MalformedImage, message)
        })?;
        let text = serde_json::to_vec(&attribution).map_err(|e| malformed("the account", &e))?;
        Ok(Made::from([(ACCOUNT.to_owned(), text)]))
    }
}

struct Files;

impl Work for Files {
    fn make(&self, job: &Job<'_>) -> Result<Made, Diagnostic> {
        let facts = facts(job)?;
        let name = cargo::OUTPUTS[1];
        let elf = job.bytes(name)?;
        let flash = Flash::from_elf(&elf, facts.flash);
        let flash = flash.map_err(|error| {
            let message = format!("cannot lay out the flash: {error}");
            Diagnostic::error(Code::MalformedImage, message)
        })?;
        let start = u32::try_from(flash.entry).ok();
        let hex = hex::write(&flash.segments, start).map_err(|e| malformed("firmware.hex", &e))?;
        let uf2 = uf2::write(&flash.segments, facts.uf2_family)
            .map_err(|e| malformed("firmware.uf2", &e))?;
        let bin = bin::write(&flash.segments, flash.region.base);
        let contents = [bin, hex.into_bytes(), uf2];
        let images = FILES.iter().zip(&contents).map(|(name, b)| File::of(*name, Role::Image, b));
        let list: Vec<File> =
            [File::of(name, Role::Debug, &elf)].into_iter().chain(images).collect();
        let list = serde_json::to_vec(&list).map_err(|e| malformed("the list of files", &e))?;
        let mut made: Made = FILES.iter().map(|name| (*name).to_owned()).zip(contents).collect();
        made.insert(LIST.to_owned(), list);
        Ok(made)
    }
}

/// Who brought in which crate.
pub(super) fn owners(facts: &Facts, crates: &[LinkedCrate]) -> Owners {
    let package = |krate: &LinkedCrate| Package {
        name: krate.name.clone(),
        version: Some(krate.version.clone()),
        prefixes: vec![match &krate.folder {
            Some(folder) => format!("/tarsia/{folder}/"),
            None => format!("/cargo/{}-{}/", krate.name, krate.version),
        }],
    };
    // With a crate, it is the crate's folder, too.
    let c = |name: &Name| {
        facts.with_c.get(name.as_str()).map(|folder| Package {
            name: format!("{}{name}", crates::COMPONENT_PREFIX),
            version: None,
            prefixes: vec![format!("/tarsia/{folder}/")],
        })
    };
    let named = facts.components.iter().filter_map(|name| name.parse().ok());
    let components = component_names(named, crates).into_iter().map(|name| Component {
        identifiers: identifiers(&name),
        packages: crates
            .iter()
            .filter(|krate| krate.owner.as_deref() == Some(name.as_str()))
            .map(package)
            .chain(c(&name))
            .collect(),
        name,
    });
    Owners {
        components: components.collect(),
        shared: crates.iter().filter(|krate| krate.owner.is_none()).map(package).collect(),
        root: Package {
            // The program's name is the crate's name in symbols.
            name: "firmware".into(),
            version: None,
            prefixes: vec![format!("/tarsia/products/{}/", facts.product)],
        },
    }
}

/// What the generated root names after a component, beside what the contract lists.
fn identifiers(name: &Name) -> Vec<String> {
    let upper = name.ident().to_ascii_uppercase();
    ["DEVICE", "FUTURE", "TASK", "STACK"].iter().map(|kind| format!("{kind}_{upper}")).collect()
}

/// The selected components and the libraries that their crates link, by name.
pub fn component_names(
    selected: impl IntoIterator<Item = Name>,
    crates: &[LinkedCrate],
) -> Vec<Name> {
    let linked = crates.iter().filter_map(|krate| krate.owner.as_ref()?.parse().ok());
    let names: BTreeMap<Name, ()> = selected.into_iter().chain(linked).map(|n| (n, ())).collect();
    names.into_keys().collect()
}
