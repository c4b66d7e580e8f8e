//! What a product that runs Linux consists of beside its one program: the kernel with its options, the
//! layout of its image, and the files of its root.

use serde::Serialize;
use tarsia_manifest::linux::{LinuxBoard, Role, RootFormat};
use tarsia_manifest::{Board, FeatureValue, InnerPath};
use tarsia_model::{ByteSize, Code, Diagnostic, Name, Span};
use tarsia_resolve::Selection;

use super::modules::{KernelModule, modules};
use super::options::{KernelOption, gather};
use super::values::Values;

/// A planned Linux system.
#[derive(Clone, Debug)]
pub struct Linux {
    /// The kernel's component and which of its sources has the tree, or the kernel itself.
    pub kernel: (Name, Name),
    /// Whether the source has the kernel itself, with modules.
    pub prebuilt: bool,
    /// Where the kernel is named, for messages.
    pub span: Span,
    /// The options of the kernel, by name.
    pub options: Vec<KernelOption>,
    /// The modules that a prebuilt kernel is to load.
    pub modules: Vec<KernelModule>,
    /// How the board runs Linux.
    pub board: LinuxBoard,
    /// The kernel's command line, without what a layout adds.
    pub command_line: String,
    /// How the image is laid out.
    pub layout: Layout,
    /// Files of components that go into the root file system, by place.
    pub files: Vec<File>,
}

/// How an image is laid out.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The component that says so.
    pub component: Name,
    /// What holds the root file system.
    pub root: RootFormat,
    /// Partitions in their order; none when the image is no disk.
    pub partitions: Vec<PartitionSize>,
    /// The boot loader, when there is one.
    pub loader: Option<Loader>,
    /// How much of a slot the next version may need more, in hundredths.
    pub headroom: u8,
}

/// A boot loader's files.
#[derive(Clone, Debug)]
pub struct Loader {
    /// The component's source that has them.
    pub source: Name,
    /// The boot loader and what stands in front of a kernel, by path in the source.
    pub files: [String; 2],
    /// The architecture as files of UEFI have it.
    pub efi: String,
}

/// A file system that is mounted when the product starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mount {
    /// The partition, by name: `PARTLABEL=data`.
    pub source: String,
    /// Where.
    pub target: String,
    /// The kernel's name of the file system.
    pub kind: String,
    /// As mount(8) has them.
    pub options: String,
    /// Whether the product starts without it.
    pub optional: bool,
}

impl Layout {
    /// What is mounted beside the root. A FAT has no owners: the system partition is for the process that looks
    /// after the slots.
    pub(crate) fn mounts(&self, selection: &Selection<'_>) -> Vec<Mount> {
        let mut all = selection.components.values();
        let keeper = all.find(|one| {
            let mut bound = one.bindings.iter().flat_map(|binding| &binding.providers);
            bound.any(|provided| provided.component == self.component)
        });
        let process = keeper.and_then(|keeper| keeper.manifest.process.as_ref()?.user.as_ref());
        let user = process.map_or(0, |user| user.value);
        let esp = format!("nosuid,nodev,noexec,sync,umask=0077,uid={user},gid={user}");
        let mount = |role: Role, target: &str, kind: &str, options: &str| Mount {
            source: format!("PARTLABEL={role}"),
            target: target.to_owned(),
            kind: kind.to_owned(),
            options: options.to_owned(),
            optional: role != Role::Data,
        };
        let mounts = self.partitions.iter().filter_map(|partition| match partition.role {
            Role::Data => Some(mount(Role::Data, "/data", "ext4", "nosuid,nodev,noexec,noatime")),
            Role::Esp => Some(mount(Role::Esp, "/efi", "vfat", &esp)),
            _ => None,
        });
        mounts.collect()
    }
}

/// A partition with its size.
#[derive(Clone, Copy, Debug)]
pub struct PartitionSize {
    /// What it is for.
    pub role: Role,
    /// Its size in bytes.
    pub size: ByteSize,
    /// Where the product sets it, or else the partition is listed.
    pub span: Span,
}

/// A file or folder of a component for the root file system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct File {
    /// Where it goes, from the root.
    pub to: String,
    /// The component.
    pub component: Name,
    /// Its path in the component's folder.
    pub from: String,
    /// Whether it can be started.
    pub executable: bool,
    /// What it is rendered with, when it is a template.
    pub template: Option<Values>,
    /// Where the manifest names it.
    pub span: Span,
}

/// Plans the Linux of a selection; none when its kernel is no Linux.
///
/// # Errors
/// A board that cannot run Linux, options that disagree, a missing layout, two files for one place:
/// all that is found.
pub fn plan(selection: &Selection<'_>) -> Result<Option<Linux>, Vec<Diagnostic>> {
    let kernel = selection.get(&selection.kernel);
    let manifest = kernel.and_then(|selected| selected.manifest.kernel.as_ref());
    let Some((kernel, source)) =
        manifest.and_then(|manifest| Some((manifest, manifest.linux.as_ref()?)))
    else {
        return Ok(None);
    };
    let mut problems = Vec::new();
    let options = gather(selection).unwrap_or_else(|found| {
        problems.extend(found);
        Vec::new()
    });
    let name = &selection.product.name;
    let at_kernel = selection.product.kernel.as_ref().map_or(name.span, |kernel| kernel.span);
    let board = selection.get(&selection.board).and_then(|board| board.manifest.board.as_ref());
    let linux = board.and_then(|board: &Board| board.linux.as_ref());
    if linux.is_none() {
        let message = format!(
            "cannot compose `{}`: the board `{}` does not say how it runs Linux",
            name.value, selection.board
        );
        problems.push(Diagnostic::at(Code::CrateContract, at_kernel, message));
    }
    let layout = layout(selection, linux, &mut problems);
    let files = files(selection, &mut problems);
    match (linux, layout) {
        (Some(board), Some(layout)) if problems.is_empty() => {
            let mut command_line = vec![format!("console={}", board.console.value)];
            command_line.extend(board.command_line.iter().map(|word| word.value.clone()));
            Ok(Some(Linux {
                kernel: (selection.kernel.clone(), source.source.value.clone()),
                prebuilt: source.is_prebuilt(),
                span: kernel.span,
                options,
                modules: modules(selection),
                board: board.clone(),
                command_line: command_line.join(" "),
                layout,
                files,
            }))
        }
        _ => Err(problems),
    }
}

fn layout(
    selection: &Selection<'_>,
    board: Option<&LinuxBoard>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Layout> {
    // A selection has at most one component of layer `boot`, which only may have one.
    let found = selection
        .components
        .iter()
        .find_map(|(name, one)| Some((name, one, one.manifest.layout.as_ref()?)));
    let Some((name, selected, layout)) = found else {
        let product = &selection.product.name;
        let message = format!(
            "cannot compose `{}`: no component says how its image is laid out",
            product.value
        );
        problems.push(
            Diagnostic::at(Code::CrateContract, product.span, message)
                .hint("name one with `boot:`".to_owned()),
        );
        return None;
    };
    let partitions = layout.partitions.iter().filter_map(|partition| {
        let feature = selected.features.get(&partition.size.value);
        let Some(FeatureValue::Size(size)) = feature.map(|feature| &feature.value) else {
            let message = format!(
                "`{name}` has no feature `{}` that is a size, for its partition `{}`",
                partition.size.value, partition.role.value
            );
            problems.push(Diagnostic::at(Code::BadValue, partition.size.span, message));
            return None;
        };
        let set = feature.and_then(|feature| feature.set);
        let span = set.unwrap_or(partition.size.span);
        Some(PartitionSize { role: partition.role.value, size: *size, span })
    });
    let partitions = partitions.collect();
    let efi = board.and_then(|board| board.efi.as_ref()).map(|efi| efi.value.to_string());
    let loader = match (&layout.loader, efi) {
        (None, _) => None,
        (Some(loader), Some(efi)) => {
            let file = |path: &InnerPath| path.as_str().replace("{efi}", &efi);
            let files = [file(&loader.program.value), file(&loader.stub.value)];
            Some(Loader { source: loader.source.value.clone(), files, efi })
        }
        // Without any Linux there, that alone is said.
        (Some(_), None) if board.is_none() => None,
        (Some(loader), None) => {
            let message = format!(
                "`{name}` starts by UEFI, which the board `{}` does not have",
                selection.board
            );
            problems.push(Diagnostic::at(Code::CrateContract, loader.span, message));
            None
        }
    };
    let headroom = layout.headroom.as_ref().map_or(Some(0), |feature| {
        let value = selected.features.get(&feature.value).map(|feature| &feature.value);
        let percent = match value {
            Some(FeatureValue::Int(percent)) => u8::try_from(*percent).ok().filter(|p| *p < 100),
            _ => None,
        };
        if percent.is_none() {
            let message =
                format!("`{name}` has no feature `{}` that is a number below 100", feature.value);
            problems.push(Diagnostic::at(Code::BadValue, feature.span, message));
        }
        percent
    })?;
    Some(Layout { component: name.clone(), root: layout.root.value, partitions, loader, headroom })
}

fn files(selection: &Selection<'_>, problems: &mut Vec<Diagnostic>) -> Vec<File> {
    let mut placed: Vec<(File, Span)> = Vec::new();
    for (component, selected) in &selection.components {
        for one in &selected.manifest.install {
            let file = File {
                to: one.to.value.to_string(),
                component: component.clone(),
                from: one.file.value.to_string(),
                executable: one.executable.as_ref().is_some_and(|set| set.value),
                template: one
                    .template
                    .as_ref()
                    .filter(|set| set.value)
                    .map(|_| Values::of(selection, selected)),
                span: one.file.span,
            };
            if let Some((other, span)) = placed.iter().find(|(other, _)| other.to == file.to) {
                let message =
                    format!("`{component}` and `{}` both install `{}`", other.component, file.to);
                problems.push(
                    Diagnostic::at(Code::BadValue, one.to.span, message).also(*span, "here too"),
                );
            }
            placed.push((file, one.to.span));
        }
    }
    let mut files: Vec<File> = placed.into_iter().map(|(file, _)| file).collect();
    files.sort();
    files
}
