//! Composes a firmware: renders the root crate of a selection and names everything that is compiled
//! with it.

use std::collections::BTreeMap;

use serde::Serialize;
use tarsia_manifest::{Board, Kernel, Runtime};
use tarsia_model::{Code, Diagnostic, Name, Spanned};
use tarsia_resolve::{Selected, Selection};

use crate::c_part::{self, CPart};
use crate::firmware::{Firmware, Inputs};
use crate::linux::{self, Linux, Mount, Process, Shared, processes, shared};
use crate::wiring::{self, Wiring};
use crate::{cargo_manifest, template};

/// How much larger than the hardware a region is for the linker, so that an image that does not fit
/// still links and its size can be explained.
const LINK_FACTOR: u64 = 16;

#[derive(Serialize)]
struct Context<'a> {
    product: Named<'a>,
    board: Named<'a>,
    kernel: Named<'a>,
    arch: &'a str,
    runtime: Entry<'a>,
    hw: BTreeMap<String, BTreeMap<String, String>>,
    config: BTreeMap<String, String>,
    processes: Vec<Process>,
    shared: Shared,
    mounts: Vec<Mount>,
    #[serde(flatten)]
    wiring: Wiring,
}

#[derive(Serialize)]
struct Entry<'a> {
    entry: &'a str,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct Region {
    base: String,
    size: u64,
    link_size: u64,
}

/// The component of a selection that has a section which exactly one must have.
fn only<'s, 'c, T>(
    selection: &'s Selection<'c>,
    what: &str,
    section: impl Fn(&Selected<'c>) -> Option<&'c T>,
) -> Result<(&'s Selected<'c>, &'c T), Diagnostic> {
    let mut found =
        selection.components.values().filter_map(|selected| Some((selected, section(selected)?)));
    found.next().ok_or_else(|| {
        let message =
            format!("compose `{}`: no component has a {what}", selection.product.name.value);
        Diagnostic::at(Code::CrateContract, selection.product.name.span, message)
    })
}

/// Plans the firmware of a selection.
///
/// # Errors
/// Parts that are missing or disagree, and templates that cannot be rendered.
pub fn compose(selection: &Selection<'_>, inputs: &Inputs) -> Result<Firmware, Vec<Diagnostic>> {
    let linux = linux::plan(selection)?;
    compile(selection, inputs, linux).map_err(|problem| vec![problem])
}

fn compile(
    selection: &Selection<'_>,
    inputs: &Inputs,
    linux: Option<Linux>,
) -> Result<Firmware, Diagnostic> {
    let (_, board): (_, &Board) = only(selection, "board", |s| s.manifest.board.as_ref())?;
    let (kernel_component, kernel): (_, &Kernel) =
        only(selection, "kernel", |s| s.manifest.kernel.as_ref())?;
    let (runtime_component, runtime): (_, &Runtime) =
        only(selection, "runtime", |s| s.manifest.runtime.as_ref())?;
    let product = &selection.product.name.value;
    let version = selection.product.version.as_ref().map_or("", |version| version.value.as_str());
    let named = |name| Named { name, version };

    let context = Context {
        product: named(product.as_str()),
        board: named(selection.board.as_str()),
        kernel: named(selection.kernel.as_str()),
        arch: board.arch.value.as_str(),
        runtime: Entry { entry: &runtime.entry.value },
        hw: wiring::hardware_of(kernel_component),
        config: plain_features(kernel_component),
        processes: processes(selection),
        shared: shared(selection),
        mounts: linux.as_ref().map(|linux| linux.layout.mounts(selection)).unwrap_or_default(),
        wiring: wiring::wire(selection, |name| inputs.folders.contains_key(name)),
    };
    let template = kernel.template.as_ref().map(|p| p.as_str());
    let main =
        render(inputs, template_owner(selection, kernel_component, kernel)?, &template, context)?;
    let memory = regions(board);
    let link_sizes = memory.iter().map(|(name, r)| (name.clone(), r.link_size)).collect();
    let layout = Layout { memory, stack: stack(kernel_component) };
    let script = runtime.linker_script.as_ref();
    let linker_script = script
        .map(|path| render(inputs, runtime_component, &path.as_ref().map(|p| p.as_str()), layout));
    let crates: BTreeMap<Name, String> = selection
        .components
        .keys()
        .filter_map(|name| Some((name.clone(), inputs.folders.get(name)?.clone())))
        .collect();
    let folder = format!("products/{product}");
    let mut generated = BTreeMap::from([
        ("Cargo.toml".to_owned(), cargo_manifest::workspace(inputs, product)?),
        (format!("{folder}/Cargo.toml"), cargo_manifest::root(selection, &crates, &board.arch)),
        (format!("{folder}/src/main.rs"), main),
    ]);
    let runs_linux = board.linux.as_ref().filter(|_| linux.is_some());
    let compiler = runs_linux.map(|linux| linux.c_compiler.value.as_str());
    let c = c_part::parts(selection, &board.target.value, compiler)?;
    let has_script = linker_script.is_some();
    if let Some(linker_script) = linker_script {
        generated.insert(format!("{folder}/memory.x"), linker_script?);
    }
    if has_script || !c.is_empty() {
        let script = build_script(runtime, has_script, &c);
        generated.insert(format!("{folder}/build.rs"), script);
    }
    Ok(Firmware {
        product: product.clone(),
        target: board.target.value.clone(),
        device_manifest: inputs.device_manifest.clone(),
        crates,
        generated,
        link_sizes,
        c_compiler: c_compiler(selection, board),
        c,
        linux,
    })
}

/// The C compiler of the first component whose build script needs one; under Linux the board's, which links.
fn c_compiler(selection: &Selection<'_>, board: &Board) -> Option<String> {
    if let Some(linux) = &board.linux {
        return Some(linux.c_compiler.value.to_string());
    }
    let options = selection.components.values().filter_map(|s| s.manifest.krate.as_ref());
    options.filter_map(|options| options.c_compiler.as_ref()).map(|c| c.value.to_string()).next()
}

#[derive(Serialize)]
struct Layout {
    memory: BTreeMap<String, Region>,
    stack: u64,
}

fn render(
    inputs: &Inputs,
    owner: &Selected<'_>,
    path: &Spanned<&str>,
    context: impl Serialize,
) -> Result<String, Diagnostic> {
    let name = &owner.manifest.component.value;
    let text = inputs.templates.get(&(name.clone(), path.value.to_owned())).ok_or_else(|| {
        let message = format!("read the template `{}` of `{name}`", path.value);
        Diagnostic::at(Code::TemplateFailed, path.span, message)
    })?;
    template::render(*path, text, context)
}

/// The component whose template a kernel's `main` is made from.
fn template_owner<'s, 'c>(
    selection: &'s Selection<'c>,
    component: &'s Selected<'c>,
    kernel: &Kernel,
) -> Result<&'s Selected<'c>, Diagnostic> {
    let Some(owner) = &kernel.template_of else { return Ok(component) };
    selection.get(&owner.value).ok_or_else(|| {
        let name = &component.manifest.component.value;
        let message = format!(
            "`{name}` takes its template from `{}`, which is not in the product",
            owner.value
        );
        Diagnostic::at(Code::CrateContract, owner.span, message)
            .hint("have it require what that component provides".to_owned())
    })
}

/// The kernel's features as plain values: sizes in bytes, durations in milliseconds.
fn plain_features(kernel: &Selected<'_>) -> BTreeMap<String, String> {
    use tarsia_manifest::FeatureValue;
    let plain = |value: &FeatureValue| match value {
        FeatureValue::Size(size) => size.0.to_string(),
        FeatureValue::Duration(time) => time.0.to_string(),
        other => other.to_string(),
    };
    kernel.features.iter().map(|(name, s)| (name.ident(), plain(&s.value))).collect()
}

/// Bytes reserved for the main stack.
pub fn stack(kernel: &Selected<'_>) -> u64 {
    match kernel.features.get("stack").map(|setting| &setting.value) {
        Some(tarsia_manifest::FeatureValue::Size(size)) => size.0,
        _ => 0,
    }
}

/// The regions of memory, widened for the linker up to the next region.
fn regions(board: &Board) -> BTreeMap<String, Region> {
    let next = |base: u64| {
        board.memory.iter().map(|(_, r)| r.base.value).filter(|other| *other > base).min()
    };
    let region = |base: u64, size: u64| {
        let room = next(base).unwrap_or(1 << 32).saturating_sub(base);
        Region {
            base: format!("{base:#010x}"),
            size,
            link_size: size.saturating_mul(LINK_FACTOR).min(room),
        }
    };
    board
        .memory
        .iter()
        .map(|(name, r)| (name.value.ident(), region(r.base.value, r.size.value.0)))
        .collect()
}

/// Tells the linker where the memory layout is, and which libraries of C there are. A library that came out
/// otherwise is a reason to link again, and to compile nothing but the root.
fn build_script(runtime: &Runtime, has_script: bool, c: &[CPart]) -> String {
    let mut lines = Vec::new();
    if has_script {
        lines.push("\"cargo:rerun-if-changed=memory.x\"".to_owned());
        lines.push("\"cargo:rustc-link-search={}\", env!(\"CARGO_MANIFEST_DIR\")".to_owned());
        let args = runtime.link_args.iter();
        lines.extend(
            args.map(|arg| format!("\"cargo:rustc-link-arg={}\"", arg.value.escape_default())),
        );
    }
    if !c.is_empty() {
        lines.push(
            "\"cargo:rustc-link-search=native={}/c\", env!(\"CARGO_MANIFEST_DIR\")".to_owned(),
        );
    }
    for library in c.iter().map(CPart::library) {
        lines.push(format!("\"cargo:rerun-if-changed=c/lib{library}.a\""));
        lines.push(format!("\"cargo:rustc-link-lib=static={library}\""));
    }
    let lines: String = lines.iter().map(|line| format!("    println!({line});\n")).collect();
    format!("//! Generated by Tarsia; edits are lost.\nfn main() {{\n{lines}}}\n")
}
