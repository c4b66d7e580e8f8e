//! From a selection to the files of `out/PRODUCT`: compiles, lays out the flash, accounts for every
//! byte, holds the sizes against the limits, and writes what passed.

use std::path::Path;

use tarsia_audit::image_json::{ComponentEntry, CrateEntry, File, MemoryRegion, Role, SCHEMA};
use tarsia_audit::{
    Attribution, Component, ComponentLimit, ImageJson, Input, Limit, Limits, Memory, Owner, Owners,
    Package, SetBy, Table,
};
use tarsia_image::{Flash, Region, bin, hex, uf2};
use tarsia_manifest::{Board, Catalogue};
use tarsia_model::{Code, Diagnostic, Name, Severity};
use tarsia_plan::Firmware;
use tarsia_resolve::{LimitSource, Selection};

use crate::crates::LinkedCrate;
use crate::firmware::{Compiled, Event, Workplace, compile};
use crate::outputs::{self, OutputFile};

/// The files of an image: what is removed when a product no longer fits.
const IMAGE_FILES: [&str; 6] =
    ["firmware.elf", "firmware.bin", "firmware.hex", "firmware.uf2", "image.json", "size.json"];

/// A compiled product with its sizes.
#[derive(Debug)]
pub struct Measured {
    compiled: Compiled,
    flash: Flash,
    attribution: Attribution,
    limits: Limits,
    /// Sizes over their limits.
    pub problems: Vec<Diagnostic>,
}

impl Measured {
    /// The size table.
    pub fn table(&self) -> Table {
        Table::new(&self.attribution, &self.limits)
    }

    /// Every byte by owner, file and symbol.
    pub const fn attribution(&self) -> &Attribution {
        &self.attribution
    }
}

/// Compiles a planned product and accounts for its bytes.
pub fn measure(
    place: &Workplace<'_>,
    selection: &Selection<'_>,
    plan: &Firmware,
    progress: &mut dyn FnMut(Event),
) -> Result<Measured, Diagnostic> {
    let compiled = compile(place, plan, progress)?;
    let board = board(selection)?;
    let malformed = |what: String| Diagnostic::error(Code::MalformedImage, what);
    let (linked, ram) = (region(board, "flash", plan), region(board, "ram", plan));
    let flash = Flash::from_elf(&compiled.elf, linked)
        .map_err(|error| malformed(format!("cannot lay out the flash: {error}")))?;
    let stack = selection.get(&selection.kernel).map_or(0, tarsia_plan::stack);
    let attribution = tarsia_audit::attribute(Input {
        elf: &compiled.elf,
        flash: linked,
        ram,
        owners: &owners(selection, plan, &compiled.crates),
        stack,
    })
    .map_err(|error| malformed(format!("cannot account for the image's bytes: {error}")))?;
    let limits = limits(selection);
    let problems = tarsia_audit::check(&attribution, &limits);
    Ok(Measured { compiled, flash, attribution, limits, problems })
}

fn board<'c>(selection: &Selection<'c>) -> Result<&'c Board, Diagnostic> {
    let board = selection.get(&selection.board).and_then(|board| board.manifest.board.as_ref());
    board.ok_or_else(|| {
        Diagnostic::error(Code::CrateContract, format!("`{}` describes no board", selection.board))
    })
}

/// A region as it was linked for.
fn region(board: &Board, name: &str, plan: &Firmware) -> Region {
    let base = board.memory.get(name).map_or(0, |region| region.base.value);
    Region { base, size: plan.link_sizes.get(name).copied().unwrap_or(0) }
}

/// Who brought in which crate.
fn owners(selection: &Selection<'_>, plan: &Firmware, crates: &[LinkedCrate]) -> Owners {
    let package = |krate: &LinkedCrate| Package {
        name: krate.name.clone(),
        version: Some(krate.version.clone()),
        prefixes: vec![match &krate.folder {
            Some(folder) => format!("/tarsia/{folder}/"),
            None => format!("/cargo/{}-{}/", krate.name, krate.version),
        }],
    };
    let mut components: Vec<Component> = component_names(selection, crates)
        .into_iter()
        .map(|name| Component {
            identifiers: identifiers(&name),
            packages: crates
                .iter()
                .filter(|krate| krate.owner.as_deref() == Some(name.as_str()))
                .map(package)
                .collect(),
            name,
        })
        .collect();
    components.sort_by(|a, b| a.name.cmp(&b.name));
    Owners {
        components,
        shared: crates.iter().filter(|krate| krate.owner.is_none()).map(package).collect(),
        root: Package {
            // The program's name is the crate's name in symbols.
            name: "firmware".into(),
            version: None,
            prefixes: vec![format!("/tarsia/products/{}/", plan.product)],
        },
    }
}

/// What the generated root names after a component, beside what the contract lists.
fn identifiers(name: &Name) -> Vec<String> {
    let upper = name.ident().to_ascii_uppercase();
    ["DEVICE", "FUTURE", "TASK", "STACK"].iter().map(|kind| format!("{kind}_{upper}")).collect()
}

/// The selected components and the libraries that their crates link.
fn component_names(selection: &Selection<'_>, crates: &[LinkedCrate]) -> Vec<Name> {
    let linked = crates.iter().filter_map(|krate| krate.owner.as_ref()?.parse().ok());
    let mut names: Vec<Name> = selection.components.keys().cloned().chain(linked).collect();
    names.sort();
    names.dedup();
    names
}

/// Every limit on the product, with the line that set it.
fn limits(selection: &Selection<'_>) -> Limits {
    let memories = [("flash", Memory::Flash), ("ram", Memory::Ram)];
    let mut limits = Limits::default();
    for (region, memory) in memories {
        for limit in selection.limits.get(region).into_iter().flatten() {
            let name = limit.name.clone();
            let by = match limit.by {
                LimitSource::Board => SetBy::Board(name),
                LimitSource::Profile => SetBy::Profile(name),
                LimitSource::Product => SetBy::Product(name),
            };
            limits.memories.push(Limit { memory, size: limit.size, span: limit.span, by });
        }
    }
    for (name, selected) in &selection.components {
        let own = selection.product.budget.components.get(name);
        let promised = selected.manifest.budget.as_ref();
        let pairs = [
            (
                Memory::Flash,
                own.and_then(|own| own.flash.as_ref()).map(|set| set.spanned()),
                promised.and_then(|budget| budget.flash),
            ),
            (
                Memory::Ram,
                own.and_then(|own| own.ram.as_ref()).map(|set| set.spanned()),
                promised.and_then(|budget| budget.ram),
            ),
        ];
        // The product's own word on a component replaces the component's promise.
        limits.components.extend(pairs.into_iter().filter_map(|(memory, own, promised)| {
            let size = own.or(promised)?;
            Some(ComponentLimit {
                component: name.clone(),
                memory,
                size: size.value,
                span: size.span,
            })
        }));
    }
    limits
}

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// The content of image.json.
    pub image: ImageJson,
    /// The files that are not what they were before.
    pub changed: Vec<String>,
}

/// Writes the files of a measured product, or removes those of an earlier build when it is over a
/// limit.
pub fn write(
    folder: &Path,
    catalogue: &Catalogue,
    selection: &Selection<'_>,
    measured: &Measured,
) -> Result<Written, Vec<Diagnostic>> {
    if measured.problems.iter().any(|problem| problem.severity == Severity::Error) {
        outputs::remove(folder, &IMAGE_FILES).map_err(|problem| vec![problem])?;
        return Err(measured.problems.clone());
    }
    let files = files(selection, measured).map_err(|problem| vec![problem])?;
    let image = describe(catalogue, selection, measured, &files);
    let mut files: Vec<OutputFile> = files.into_iter().map(|(file, _)| file).collect();
    files.push(OutputFile { name: "image.json".into(), bytes: image.to_text().into_bytes() });
    let changed = outputs::write(folder, &files).map_err(|problem| vec![problem])?;
    Ok(Written { image, changed })
}

fn files(
    selection: &Selection<'_>,
    measured: &Measured,
) -> Result<Vec<(OutputFile, Role)>, Diagnostic> {
    let flash = &measured.flash;
    let malformed = |what: &str, error: &dyn std::fmt::Display| {
        Diagnostic::error(Code::MalformedImage, format!("cannot write {what}: {error}"))
    };
    let start = u32::try_from(flash.entry).ok();
    let hex = hex::write(&flash.segments, start).map_err(|e| malformed("firmware.hex", &e))?;
    let family = board(selection)?.uf2_family.map(|family| family.value);
    let uf2 = uf2::write(&flash.segments, family).map_err(|e| malformed("firmware.uf2", &e))?;
    let sizes = serde_json::to_vec_pretty(&measured.table())
        .map_err(|error| malformed("size.json", &error))?;
    let file = |name: &str, bytes, role| (OutputFile { name: name.into(), bytes }, role);
    Ok(vec![
        file("firmware.elf", measured.compiled.elf.clone(), Role::Debug),
        file("firmware.bin", bin::write(&flash.segments, flash.region.base), Role::Image),
        file("firmware.hex", hex.into_bytes(), Role::Image),
        file("firmware.uf2", uf2, Role::Image),
        file("size.json", sizes, Role::Report),
    ])
}

fn describe(
    catalogue: &Catalogue,
    selection: &Selection<'_>,
    measured: &Measured,
    files: &[(OutputFile, Role)],
) -> ImageJson {
    let compiled = &measured.compiled;
    let size_of = |name: &Name, memory| {
        let rows = &measured.attribution.memory(memory).rows;
        let own = rows.iter().filter(|row| row.owner == Owner::Component(name.clone()));
        own.map(tarsia_audit::Row::bytes).sum()
    };
    let component = |name: Name| {
        let manifest = catalogue.components.get(name.as_str());
        let features = selection.get(&name).map(|selected| &selected.features);
        ComponentEntry {
            layer: manifest.map_or("library", |m| m.layer.value.as_str()).to_owned(),
            licence: manifest.map(|m| m.licence.value.clone()).unwrap_or_default(),
            features: features
                .into_iter()
                .flatten()
                .map(|(feature, setting)| (feature.to_string(), serde_json::json!(setting.value)))
                .collect(),
            flash: size_of(&name, Memory::Flash),
            ram: size_of(&name, Memory::Ram),
            name: name.to_string(),
        }
    };
    ImageJson {
        schema: SCHEMA,
        product: selection.product.name.value.to_string(),
        version: selection.product.version.as_ref().map_or_else(String::new, |v| v.value.clone()),
        toolchain: compiled.toolchain.clone(),
        files: files.iter().map(|(file, role)| File::of(&file.name, *role, &file.bytes)).collect(),
        regions: regions(selection, measured),
        components: component_names(selection, &compiled.crates)
            .into_iter()
            .map(component)
            .collect(),
        crates: compiled
            .crates
            .iter()
            .map(|krate| CrateEntry {
                name: krate.name.clone(),
                version: krate.version.clone(),
                licence: krate.licence.clone(),
                source: if krate.folder.is_some() { "workspace" } else { "crates.io" }.to_owned(),
            })
            .collect(),
    }
}

fn regions(selection: &Selection<'_>, measured: &Measured) -> Vec<MemoryRegion> {
    let Ok(board) = board(selection) else {
        return Vec::new();
    };
    [("flash", Memory::Flash), ("ram", Memory::Ram)]
        .into_iter()
        .filter_map(|(name, memory)| {
            let hardware = board.memory.get(name)?;
            let limit = measured.limits.tightest(memory).map(|limit| limit.size.0);
            Some(MemoryRegion {
                name: name.to_owned(),
                base: hardware.base.value,
                limit: limit.unwrap_or(hardware.size.value.0),
                used: measured.attribution.memory(memory).used,
                size: hardware.size.value.0,
            })
        })
        .collect()
}
