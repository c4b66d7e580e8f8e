//! Workspaces in memory, written as manifests: one component per line, around a board, a kernel and
//! a profile that every test shares.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;

use tarsia_manifest::{Loaded, Memory, effective, load};
use tarsia_model::{Diagnostic, SourceMap, render};
use tarsia_resolve::{Cause, Selection, resolve};

const BOARD: &str = "\
component: board
layer: board
summary: A board.
licence: MIT
provides:
  - { capability: hw.uart, with: { base: 0x4000 } }
  - { capability: hw.clock, share: copy, with: { hz: 50 } }
board:
  arch: armv7m
  target: thumbv7m-none-eabi
  chip: A
  memory: { flash: { base: 0, size: 256KiB }, ram: { base: 0x20000000, size: 64KiB } }
";
const KERNEL: &str = "\
component: kernel
layer: kernel
summary: A kernel.
licence: MIT
kernel: { template: main.rs.j2 }
";
const PROFILE: &str = "\
profile: mini
summary: A class.
";
const PRODUCT: &str = "\
product: p
profile: mini
board: board
kernel: kernel
";

/// Manifests by path.
#[derive(Clone)]
pub struct Workspace(pub BTreeMap<String, String>);

impl Workspace {
    /// The board, the kernel and the profile, with these components and a product of these lines.
    pub fn new(components: &str, product: &str) -> Self {
        let mut workspace = Self(BTreeMap::new());
        workspace.put("components/boards/board/component.yaml", BOARD);
        workspace.put("components/kernels/kernel/component.yaml", KERNEL);
        workspace.put("profiles/mini.yaml", PROFILE);
        workspace.put("products/p.yaml", &format!("{PRODUCT}{product}\n"));
        for line in components.lines().map(str::trim).filter(|line| !line.is_empty()) {
            workspace.add(line);
        }
        workspace
    }

    /// Adds a component: its manifest on one line, without summary and licence.
    pub fn add(&mut self, line: &str) {
        self.add_in("all", line);
    }

    /// Adds a component in a folder, which decides the order of files.
    pub fn add_in(&mut self, folder: &str, line: &str) {
        let inner = line.strip_prefix("{ ").expect("a flow mapping");
        let name = inner.strip_prefix("component: ").expect("a name first");
        let name = name.split([',', ' ']).next().expect("a name");
        let path = format!("components/{folder}/{name}/component.yaml");
        self.put(&path, &format!("{{ summary: S., licence: MIT, {inner}\n"));
    }

    /// Adds or replaces a file.
    pub fn put(&mut self, path: &str, text: &str) {
        self.0.insert(path.to_owned(), text.to_owned());
    }

    /// Adds lines to the profile.
    pub fn profile(mut self, lines: &str) -> Self {
        self.put("profiles/mini.yaml", &format!("{PROFILE}{lines}\n"));
        self
    }

    /// A file's text after a replacement that must fit.
    pub fn replaced(mut self, path: &str, old: &str, new: &str) -> Self {
        let text = &self.0[path];
        assert!(text.contains(old), "{path} has {old:?}");
        let text = text.replace(old, new);
        self.put(path, &text);
        self
    }

    /// Loads the manifests, which must be sound.
    pub fn load(&self) -> Loaded {
        let loaded =
            load(&self.0.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect::<Memory>());
        let found = render::all(&loaded.diagnostics, &loaded.sources, false);
        assert!(loaded.diagnostics.is_empty(), "{found}");
        loaded
    }

    /// Resolves the product and shows the answer to `read`.
    pub fn resolve<T>(
        &self,
        read: impl FnOnce(Result<Selection<'_>, Vec<Diagnostic>>, &SourceMap) -> T,
    ) -> T {
        let loaded = self.load();
        let name = "p".parse().expect("a name");
        let product = effective(&loaded.catalogue, &name).expect("a product");
        read(resolve(&loaded.catalogue, product), &loaded.sources)
    }

    /// Resolves a product that must resolve.
    pub fn selection<T>(&self, read: impl FnOnce(Selection<'_>) -> T) -> T {
        self.resolve(|found, sources| match found {
            Ok(selection) => read(selection),
            Err(problems) => panic!("{}", render::all(&problems, sources, false)),
        })
    }

    /// What is selected beside board and kernel, `name<cause,cause`: `-` is the product, `!x` the product for
    /// `x`, `+x` the profile for `x`, another name a component, `~` before it a recommendation; or per problem its code and what its caret marks.
    pub fn outcome(&self) -> String {
        self.resolve(|found, sources| match found {
            Ok(selection) => {
                let ours = selection.components.iter();
                let ours = ours.filter(|(name, _)| !matches!(name.as_str(), "board" | "kernel"));
                let texts: Vec<String> = ours
                    .map(|(name, selected)| {
                        let causes: Vec<String> = selected.causes.iter().map(cause).collect();
                        format!("{name}<{}", causes.join(","))
                    })
                    .collect();
                texts.join(" ")
            }
            Err(problems) => {
                let texts: Vec<String> = problems
                    .iter()
                    .map(|problem| {
                        let place = problem.primary.as_ref().map(|label| label.span);
                        let at = place.map_or("nowhere", |span| sources.text(span));
                        format!("{} {at}", problem.code)
                    })
                    .collect();
                texts.join("; ")
            }
        })
    }
}

fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Product { .. } => "-".to_owned(),
        Cause::Wanted { capability, .. } => format!("!{capability}"),
        Cause::Profile { capability, .. } => format!("+{capability}"),
        Cause::Component { by, .. } => by.to_string(),
        Cause::Recommended { by, .. } => format!("~{by}"),
    }
}
