//! `component.yaml`: what a component is, needs, offers and promises. The keys follow
//! docs/decisions/0002-kernel-contract.md.

use tarsia_model::{ByteSize, CapabilityName, Code, Diagnostic, Name, Spanned};

use crate::c_code::CCode;
use crate::collection::{Set, Table};
use crate::condition::Condition;
use crate::feature::Feature;
use crate::hardware::Board;
use crate::linux::{Installed, KernelModule, KernelOptions, Layout, LinuxSource, Process};
use crate::node::Scalar;
use crate::record::{choice, record};
use crate::scalar::{CrateFeature, CrateName, FactName, InnerPath, ProgramName};
use crate::source::Source;

choice! {
    /// What part of a product a component is.
    pub enum Layer = "a layer" {
        /// schedules the services; exactly one in a product
        Kernel = "kernel",
        /// the hardware; exactly one in a product
        Board = "board",
        /// operates a piece of hardware
        Driver = "driver",
        /// a task that runs as long as the product
        Service = "service",
        /// what the product is for
        App = "app",
        /// starts the image
        Boot = "boot",
        /// code that others use
        Library = "library",
        /// builds components
        Toolchain = "toolchain",
    }
}

choice! {
    /// What the user of a capability is given.
    pub enum Share = "a way of sharing" {
        /// nothing: the capability acts by being linked
        Link = "link",
        /// the device itself, to one user
        Exclusive = "exclusive",
        /// the device behind a lock, to every user
        Mutex = "mutex",
        /// a copy of `value`, to every user
        Copy = "copy",
    }
}

record! {
    /// A component: one folder with this file, `component.yaml`.
    pub struct ComponentManifest = "a component" check check_component {
        /// Its name, which is also the folder's.
        "component" component: Spanned<Name>,
        /// What part of a product it is.
        "layer" layer: Spanned<Layer>,
        /// One line on what it does.
        "summary" summary: Spanned<String>,
        /// Its licence as an SPDX expression.
        "licence" licence: Spanned<String>,
        /// The classes of devices (profiles) it is for; every class when absent.
        "classes" classes: Set<Name>,
        /// The architectures it runs on; every architecture when absent.
        "arch" arch: Set<Name>,
        /// What it offers.
        "provides" provides: Vec<Provision>,
        /// What it needs, in the order in which its functions take it.
        "requires" requires: Vec<Requirement>,
        /// Whether only a product's own word brings it in: it is never chosen for what it provides.
        "only-if-named" only_if_named: Option<Spanned<bool>>,
        /// What it works better with: taken when that is possible and the product does not exclude it.
        "recommends" recommends: Vec<Recommendation>,
        /// Components that cannot be in the same product.
        "conflicts" conflicts: Vec<Conflict>,
        /// What a product can adjust.
        "features" features: Table<Name, Feature>,
        /// Options of the Linux kernel that it needs.
        "kernel-options" kernel_options: Vec<KernelOptions>,
        /// Modules that a Linux kernel which was built already is to load for it; one that is built from source
        /// has everything in itself.
        "kernel-modules" kernel_modules: Vec<KernelModule>,
        /// How it runs as a process of its own, under Linux.
        "process" process: Option<Process>,
        /// What of its folder is put into the root file system, under Linux.
        "install" install: Vec<Installed>,
        /// What it is made from that does not stand in its folder, by name.
        "sources" sources: Table<Name, Source>,
        /// How its crate is built.
        "crate" krate: Option<CrateOptions>,
        /// C that is compiled for it.
        "c" c: Option<CCode>,
        /// The largest it promises to be.
        "budget" budget: Option<Budget>,
        /// What a kernel flavour supplies to the generated code.
        "kernel" kernel: Option<Kernel>,
        /// What the runtime of an architecture supplies to the generated code.
        "runtime" runtime: Option<Runtime>,
        /// The hardware of a board.
        "board" board: Option<Board>,
        /// How the image is laid out that it starts.
        "layout" layout: Option<Layout>,
        /// Crates that the generated crate depends on because of this component, with their features.
        "root-dependencies" root_dependencies: Table<CrateName, Set<CrateFeature>>,
    }
}

record! {
    /// A capability that a component offers.
    pub struct Provision = "a provision" short "capability" {
        /// Its name; `hw.` starts the name of a piece of hardware.
        "capability" capability: Spanned<CapabilityName>,
        /// What its user is given; `link` when absent. Hardware has one user unless this is `copy`.
        "share" share: Option<Spanned<Share>>,
        /// The Rust type of what is given, when it is not the component's `Device`.
        "type" rust_type: Option<Spanned<String>>,
        /// A Rust expression for what is given, when `init` does not return it.
        "value" value: Option<Spanned<String>>,
        /// Whether no other provider may be in the same product, asked for or not.
        "sole" sole: Option<Spanned<bool>>,
        /// Under which circumstances it is offered; always when absent.
        "when" when: Option<Condition>,
        /// Facts about a piece of hardware: the fields of the struct that its driver takes.
        "with" with: Table<FactName, Spanned<Scalar>>,
    }
}

impl Provision {
    /// What its user is given.
    pub fn share(&self) -> Share {
        self.share.as_ref().map_or(Share::Link, |share| share.value)
    }

    /// Whether no other provider may be in the same product.
    pub fn is_sole(&self) -> bool {
        self.sole.as_ref().is_some_and(|sole| sole.value)
    }

    /// Whether it is a piece of hardware, described by facts.
    pub fn is_hardware(&self) -> bool {
        is_hardware(&self.capability)
    }
}

record! {
    /// A capability that a component needs.
    pub struct Requirement = "a requirement" short "capability" {
        /// Its name.
        "capability" capability: Spanned<CapabilityName>,
        /// Whether every provider in the product is bound, as a tuple, rather than one.
        "many" many: Option<Spanned<bool>>,
        /// How few providers do, with `many`; 1 when absent.
        "at-least" at_least: Option<Spanned<u32>>,
        /// Under which circumstances it is needed; always when absent.
        "when" when: Option<Condition>,
    }
}

record! {
    /// A capability that a component works better with.
    pub struct Recommendation = "a recommendation" short "capability" {
        /// Its name.
        "capability" capability: Spanned<CapabilityName>,
        /// Under which circumstances it is recommended; always when absent.
        "when" when: Option<Condition>,
    }
}

record! {
    /// A component that cannot be in the same product.
    pub struct Conflict = "a conflict" short "component" {
        /// Its name.
        "component" component: Spanned<Name>,
        /// Under which circumstances it cannot; always when absent.
        "when" when: Option<Condition>,
    }
}

impl Requirement {
    /// Whether every provider in the product is bound, rather than one.
    pub fn is_many(&self) -> bool {
        self.many.as_ref().is_some_and(|many| many.value)
    }

    /// How few providers do.
    pub fn at_least(&self) -> u32 {
        self.at_least.as_ref().map_or(1, |least| least.value)
    }

    /// Whether it is a piece of hardware, described by facts.
    pub fn is_hardware(&self) -> bool {
        is_hardware(&self.capability)
    }
}

fn is_hardware(capability: &CapabilityName) -> bool {
    capability.as_str().starts_with("hw.")
}

record! {
    /// How a component's crate is built.
    pub struct CrateOptions = "the options of a crate" {
        /// Where it is; the component's own folder when absent.
        "path" path: Option<Spanned<InnerPath>>,
        /// Crate features that are always on.
        "features" features: Set<CrateFeature>,
        /// Crate features by architecture.
        "arch-features" arch_features: Table<Name, Set<CrateFeature>>,
        /// The C compiler that its build script starts, when it does; what is under `c` needs none.
        "c-compiler" c_compiler: Option<Spanned<ProgramName>>,
        /// Whether the generated code calls its `init`; absent, it does so for boards and drivers.
        "init" init: Option<Spanned<bool>>,
    }
}

record! {
    /// Limits on what is put into flash and RAM.
    pub struct Budget = "a budget" {
        /// Bytes of flash.
        "flash" flash: Option<Spanned<ByteSize>>,
        /// Bytes of RAM, without stacks.
        "ram" ram: Option<Spanned<ByteSize>>,
    }
}

record! {
    /// What a kernel flavour supplies to the generated code.
    pub struct Kernel = "a kernel" {
        /// The template of `main`, which extends `root.rs.j2`.
        "template" template: Spanned<InnerPath>,
        /// The component in whose folder the template is, which the kernel requires something of; its own when
        /// absent.
        "template-of" template_of: Option<Spanned<Name>>,
        /// Crates that the template names, with their features.
        "dependencies" dependencies: Table<CrateName, Set<CrateFeature>>,
        /// Further crates and features by architecture.
        "arch-dependencies" arch_dependencies: Table<Name, Table<CrateName, Set<CrateFeature>>>,
        /// Where its source is, when it is Linux.
        "linux" linux: Option<LinuxSource>,
    }
}

record! {
    /// What the runtime of an architecture supplies to the generated code.
    pub struct Runtime = "a runtime" {
        /// The template of the linker script; the target's own when absent.
        "linker-script" linker_script: Option<Spanned<InnerPath>>,
        /// Arguments for the linker.
        "link-args" link_args: Vec<Spanned<String>>,
        /// The attribute of `main`.
        "entry" entry: Spanned<String>,
        /// Crates that the attribute names, with their features.
        "dependencies" dependencies: Table<CrateName, Set<CrateFeature>>,
    }
}

impl ComponentManifest {
    /// Every condition in it.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let needs = self.requires.iter().filter_map(|one| one.when.as_ref());
        let gives = self.provides.iter().filter_map(|one| one.when.as_ref());
        let advice = self.recommends.iter().filter_map(|one| one.when.as_ref());
        let rivals = self.conflicts.iter().filter_map(|one| one.when.as_ref());
        let options = self.kernel_options.iter().filter_map(|one| one.when.as_ref());
        let modules = self.kernel_modules.iter().filter_map(|one| one.when.as_ref());
        needs.chain(gives).chain(advice).chain(rivals).chain(options).chain(modules)
    }
}

/// Sections that belong to one layer only, and settings that mean nothing without another.
fn check_component(component: &ComponentManifest, problems: &mut Vec<Diagnostic>) -> Option<()> {
    let before = problems.len();
    let layer = component.layer;
    let kernel = component.kernel.as_ref().map(|kernel| kernel.span);
    let board = component.board.as_ref().map(|board| board.span);
    let layout = component.layout.as_ref().map(|layout| layout.span);
    for (key, owner, section) in [
        ("kernel", Layer::Kernel, kernel),
        ("board", Layer::Board, board),
        ("layout", Layer::Boot, layout),
    ] {
        match section {
            Some(span) if layer.value != owner => {
                let message = format!("`{key}` is for components of layer `{owner}`");
                let found = Diagnostic::at(Code::UnknownKey, span, message);
                problems.push(
                    found.also(layer.span, format!("this is a {layer}", layer = layer.value)),
                );
            }
            None if layer.value == owner => {
                let message = format!("a component of layer `{owner}` needs the key `{key}`");
                problems.push(Diagnostic::at(Code::MissingKey, layer.span, message));
            }
            _ => {}
        }
    }
    for requirement in &component.requires {
        if let Some(least) = requirement.at_least.as_ref().filter(|_| !requirement.is_many()) {
            let message = "`at-least` counts providers, so it needs `many: true`";
            problems.push(Diagnostic::at(Code::BadValue, least.span, message));
        }
    }
    component.conditions().for_each(|condition| condition.judge(&component.features, problems));
    if let Some(code) = &component.c {
        code.judge(&component.features, problems);
    }
    for provision in &component.provides {
        if let Some((fact, _)) = provision.with.iter().next().filter(|_| !provision.is_hardware()) {
            let message =
                format!("`with` describes hardware, and `{}` is none", provision.capability.value);
            problems.push(
                Diagnostic::at(Code::BadValue, fact.span, message)
                    .hint("names of hardware start with `hw.`".to_owned()),
            );
        }
        let needs_value = provision.share() == Share::Copy && !provision.is_hardware();
        if needs_value && provision.value.is_none() {
            let message = "`share: copy` needs the `value` that is copied";
            let span = provision.share.as_ref().map_or(provision.span, |share| share.span);
            problems.push(Diagnostic::at(Code::MissingKey, span, message));
        }
    }
    (problems.len() == before).then_some(())
}
