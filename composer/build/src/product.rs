//! From a selection to the files of `out/PRODUCT`: compiles, lays out the flash, accounts for every
//! byte, holds the sizes against the limits, and writes what passed.

use std::path::Path;

use tarsia_audit::image_json::{ComponentEntry, CrateEntry, File, MemoryRegion, Role, SCHEMA};
use tarsia_audit::{
    Attribution, ComponentLimit, ImageJson, Limit, Limits, Memory, Owner, SetBy, Table,
};
use tarsia_image::Region;
use tarsia_manifest::{Board, Catalogue};
use tarsia_model::{Blake3, Code, Diagnostic, Name, Severity};
use tarsia_plan::Firmware;
use tarsia_resolve::{LimitSource, Selection};

use crate::builders::c;
use crate::builders::cargo::{self, Devices};
use crate::builders::image::{self, ACCOUNT, FILES, Facts, LIST, component_names};
use crate::builders::system;
use crate::crates::{self, LinkedCrate};
use crate::engine::{ActionId, Graph, Report, Workshop};
use crate::outputs::{self, OutputFile};
use crate::sources::Ready;

/// The files of an image: what is removed when a product no longer fits.
const IMAGE_FILES: [&str; 10] = [
    "firmware.elf",
    "firmware.bin",
    "firmware.hex",
    "firmware.uf2",
    "kernel",
    "kernel.config",
    "initramfs",
    "disk.img",
    "image.json",
    "size.json",
];

/// The actions of one product.
#[derive(Clone, Debug)]
pub struct Steps {
    /// What compiles it.
    pub firmware: ActionId,
    /// What makes its kernel, when that is not compiled with it.
    kernel: Option<ActionId>,
    account: ActionId,
    image: ActionId,
    /// What makes parts of them: objects and libraries of C, files that are rendered.
    parts: Vec<ActionId>,
    /// What is written of each action's outputs.
    written: Vec<(ActionId, &'static str)>,
}

/// What the actions of a product are made from.
#[derive(Clone, Copy, Debug)]
pub struct Given<'p, 'w> {
    /// Where it will be built.
    pub workshop: &'p Workshop<'p>,
    /// Where the sources of devices are.
    pub devices: &'p Devices<'p>,
    /// What it consists of.
    pub selection: &'p Selection<'p>,
    /// What is compiled.
    pub plan: &'w Firmware,
    /// Its external sources.
    pub sources: &'w [Ready<'w>],
    /// This program.
    pub program: Blake3,
}

impl Steps {
    /// Adds what a planned product needs to a graph.
    ///
    /// # Errors
    /// What is missing for it.
    pub fn plan<'w>(graph: &mut Graph<'w>, given: &Given<'_, 'w>) -> Result<Self, Vec<Diagnostic>> {
        let one = |problem| vec![problem];
        let Given { workshop, devices, selection, plan, program, .. } = *given;
        let c::Added { libraries, actions: mut parts } =
            c::actions(graph, workshop, devices, plan, program).map_err(one)?;
        let firmware = cargo::action(workshop, devices, plan, &libraries).map_err(one)?;
        let firmware = graph.add(firmware);
        if let Some(linux) = &plan.linux {
            let system::Added { kernel, image, parts: rendered, written } =
                system::actions(graph, given, linux, firmware)?;
            parts.extend(rendered);
            let kernel = Some(kernel);
            return Ok(Self { firmware, kernel, account: image, image, parts, written });
        }
        let board = board(selection).map_err(one)?;
        let facts = Facts {
            product: plan.product.to_string(),
            components: selection.components.keys().map(Name::to_string).collect(),
            with_c: c::folders(devices, plan),
            flash: region(board, "flash", plan),
            ram: region(board, "ram", plan),
            stack: selection.get(&selection.kernel).map_or(0, tarsia_plan::stack),
            uf2_family: board.uf2_family.map(|family| family.value),
        };
        let [account, files] =
            image::actions(&plan.product, &facts, firmware, program).map_err(one)?;
        let (account, image) = (graph.add(account), graph.add(files));
        let mut written = vec![(firmware, cargo::OUTPUTS[1])];
        written.extend(FILES.map(|name| (image, name)));
        Ok(Self { firmware, kernel: None, account, image, parts, written })
    }

    /// Whether an action is one of these.
    pub fn has(&self, action: ActionId) -> bool {
        let all = [self.firmware, self.account, self.image].into_iter().chain(self.kernel);
        all.chain(self.parts.iter().copied()).any(|one| one == action)
    }
}

/// A compiled product with its sizes.
#[derive(Debug)]
pub struct Measured {
    steps: Steps,
    crates: Vec<LinkedCrate>,
    files: Vec<File>,
    toolchain: String,
    attribution: Attribution,
    limits: Limits,
    /// Sizes over their limits.
    pub problems: Vec<Diagnostic>,
}

impl Measured {
    /// What the actions of a product came to; none when one of them did not succeed.
    ///
    /// # Errors
    /// A store that does not give back what was put there.
    pub fn of(
        steps: Steps,
        graph: &Graph<'_>,
        report: &Report,
        workshop: &Workshop<'_>,
        selection: &Selection<'_>,
    ) -> Result<Option<Self>, Diagnostic> {
        let read = |step, name| -> Result<Option<Vec<u8>>, Diagnostic> {
            let Some(digest) = report.output(step, name) else { return Ok(None) };
            workshop.fetch(name, digest).map(Some)
        };
        let (Some(crates), Some(account), Some(files)) = (
            read(steps.firmware, cargo::OUTPUTS[0])?,
            read(steps.account, ACCOUNT)?,
            read(steps.image, LIST)?,
        ) else {
            return Ok(None);
        };
        let files =
            image::read_list(&files).ok_or_else(|| lost(&"a list of files of another form"))?;
        let crates =
            crates::read(&crates).ok_or_else(|| lost(&"a list of crates of another form"))?;
        let attribution = image::read_account(&account);
        let attribution = attribution.ok_or_else(|| lost(&"an account of another form"))?;
        let settings = &graph.actions()[steps.firmware.0].settings;
        let rust = settings.iter().find(|one| (one.kind, one.name.as_str()) == ("tool", "rust"));
        // Its digest is for keys; people compare versions.
        let toolchain = rust.and_then(|rust| Some(rust.value.rsplit_once(' ')?.0.to_owned()));
        let limits = limits(selection);
        let problems = tarsia_audit::check(&attribution, &limits);
        let toolchain = toolchain.unwrap_or_default();
        Ok(Some(Self { steps, crates, files, toolchain, attribution, limits, problems }))
    }

    /// The size table.
    pub fn table(&self) -> Table {
        Table::new(&self.attribution, &self.limits)
    }

    /// Every byte by owner, file and symbol.
    pub const fn attribution(&self) -> &Attribution {
        &self.attribution
    }
}

fn lost(error: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error(Code::OutputFailed, format!("cannot read a result: {error}"))
}

pub(crate) fn board<'c>(selection: &Selection<'c>) -> Result<&'c Board, Diagnostic> {
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
    // Components promise what they take of a microcontroller; a process is another measure.
    let kernel = selection.get(&selection.kernel).and_then(|one| one.manifest.kernel.as_ref());
    let runs_linux = kernel.is_some_and(|kernel| kernel.linux.is_some());
    for (name, selected) in &selection.components {
        let own = selection.product.budget.components.get(name);
        let promised = selected.manifest.budget.as_ref().filter(|_| !runs_linux);
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
///
/// # Errors
/// Sizes over their limits, and files that cannot be written.
pub fn write(
    folder: &Path,
    catalogue: &Catalogue,
    selection: &Selection<'_>,
    measured: &Measured,
    report: &Report,
    workshop: &Workshop<'_>,
) -> Result<Written, Vec<Diagnostic>> {
    if measured.problems.iter().any(|problem| problem.severity == Severity::Error) {
        outputs::remove(folder, &IMAGE_FILES).map_err(|problem| vec![problem])?;
        return Err(measured.problems.clone());
    }
    let mut files = Vec::new();
    for (step, name) in measured.steps.written.iter().copied() {
        let digest = report.output(step, name).ok_or_else(|| vec![lost(&"it was not made")])?;
        // What is there already is not even read.
        if workshop.digests.file(&folder.join(name)).is_ok_and(|there| there == digest) {
            continue;
        }
        let bytes = workshop.fetch(name, digest).map_err(|problem| vec![problem])?;
        files.push(OutputFile { name: name.into(), bytes });
    }
    let sizes = serde_json::to_vec_pretty(&measured.table()).map_err(|error| {
        let message = format!("cannot write size.json: {error}");
        vec![Diagnostic::error(Code::MalformedImage, message)]
    })?;
    let mut entries = measured.files.clone();
    entries.push(File::of("size.json", Role::Report, &sizes));
    files.push(OutputFile { name: "size.json".into(), bytes: sizes });
    let image = describe(catalogue, selection, measured, entries);
    files.push(OutputFile { name: "image.json".into(), bytes: image.to_text().into_bytes() });
    let changed = outputs::write(folder, &files).map_err(|problem| vec![problem])?;
    Ok(Written { image, changed })
}

fn describe(
    catalogue: &Catalogue,
    selection: &Selection<'_>,
    measured: &Measured,
    files: Vec<File>,
) -> ImageJson {
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
        toolchain: measured.toolchain.clone(),
        files,
        regions: regions(selection, measured),
        components: component_names(selection.components.keys().cloned(), &measured.crates)
            .into_iter()
            .map(component)
            .collect(),
        crates: measured
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
