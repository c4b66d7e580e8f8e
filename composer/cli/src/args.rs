//! The command line: one definition, from which parsing, `--help`, completions and man pages come.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tarsia_model::ByteSize;
use tarsia_model::size::SizeError;

use crate::commands::run::Forward;
use crate::making::How;

/// Composes firmware images from components.
///
/// Reads the product, profile and component manifests of a workspace, resolves what a product
/// consists of, builds it, and accounts for every byte.
#[derive(Debug, Parser)]
#[command(name = "tarsia", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    /// Settings for every command.
    #[command(flatten, next_help_heading = "Options of every command")]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Settings for every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// The workspace [default: the nearest one upwards].
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    pub workspace: Option<PathBuf>,
    /// How answers and errors are written.
    #[arg(long, global = true, value_parser = one_of(&Format::ANSWERS), default_value = "text")]
    pub format: Format,
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t)]
    pub color: Color,
    /// Where built results are kept [default: `tarsia` in the user's cache folder].
    #[arg(long, global = true, value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,
}

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// A picture.
    Svg,
    /// For Graphviz.
    Dot,
    /// For programs: one JSON value on the standard output.
    Json,
    /// The same as YAML.
    Yaml,
}

impl Format {
    /// The formats of most answers.
    const ANSWERS: [Self; 3] = [Self::Text, Self::Json, Self::Yaml];
    /// The formats of a graph.
    const GRAPHS: [Self; 4] = [Self::Svg, Self::Dot, Self::Json, Self::Yaml];
}

/// Takes some of the formats.
fn one_of(formats: &[Format]) -> impl clap::builder::TypedValueParser<Value = Format> + use<> {
    let values = formats.iter().filter_map(ValueEnum::to_possible_value);
    PossibleValuesParser::new(values.collect::<Vec<_>>())
        .map(|word| Format::from_str(&word, false).expect("the word is one of the formats"))
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check manifests: everything wrong, at once, without building.
    Check {
        /// Products to check; with none, all.
        #[arg(value_name = "PRODUCT", conflicts_with = "all")]
        products: Vec<String>,
        /// Check every product.
        #[arg(long)]
        all: bool,
    },
    /// Build images into `out/PRODUCT`.
    Build {
        /// The products.
        #[arg(value_name = "PRODUCT", required_unless_present = "all", conflicts_with = "all")]
        products: Vec<String>,
        /// Build every product.
        #[arg(long)]
        all: bool,
        /// Where to write instead of `out`: a product's files themselves, or, of several products, a
        /// folder for each.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// How to build.
        #[command(flatten)]
        how: Building,
    },
    /// Write lock files: which bytes the external sources of products are.
    ///
    /// Looks up and fetches what a lock file does not have, drops what no component has any more, and keeps every
    /// version that is there.
    Lock {
        /// The products.
        #[arg(value_name = "PRODUCT", required_unless_present = "all", conflicts_with = "all")]
        products: Vec<String>,
        /// Lock every product.
        #[arg(long)]
        all: bool,
        /// Write nothing; fail when a lock file does not match the manifests.
        #[arg(long)]
        locked: bool,
    },
    /// Move the external sources of a product to their newest versions.
    Update {
        /// The product.
        product: String,
        /// Only those of these components.
        #[arg(value_name = "COMPONENT")]
        components: Vec<String>,
    },
    /// Fetch the external sources of products, so that building them needs no network.
    Fetch {
        /// The products.
        #[arg(value_name = "PRODUCT", required_unless_present = "all", conflicts_with = "all")]
        products: Vec<String>,
        /// Fetch those of every product.
        #[arg(long)]
        all: bool,
        /// Take them from a folder that `tarsia vendor` wrote, and from nowhere else.
        #[arg(long, value_name = "DIR")]
        from: Option<PathBuf>,
    },
    /// Write everything that products are made from into a folder, to build them again in many years.
    Vendor {
        /// The folder, which must not be there.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// The products.
        #[arg(value_name = "PRODUCT", required_unless_present = "all", conflicts_with = "all")]
        products: Vec<String>,
        /// Every product.
        #[arg(long)]
        all: bool,
    },
    /// Build a product and boot it in its board's emulator, with its console shown.
    ///
    /// Ends with 0 when the pattern given with --until appears, with 1 when it does not. Without a
    /// pattern it runs until it is interrupted or the time is up.
    Run {
        /// The product.
        product: String,
        /// Stop as soon as a line of the console matches this regular expression.
        #[arg(long, value_name = "REGEX")]
        until: Option<String>,
        /// Stop after so many seconds [default: 60 with --until, none without].
        #[arg(long, value_name = "SECONDS")]
        timeout: Option<u64>,
        /// Reach a TCP port of the device at a port of this machine's loopback; may be given again.
        #[arg(long, value_name = "HOST:DEVICE")]
        forward: Vec<Forward>,
    },
    /// Run a program, or a shell, in the sandbox of a product's compiler.
    ///
    /// Starts in the folder of a component's crate. Ends with 0 when the program does, else with 1.
    Shell {
        /// The product.
        product: String,
        /// The component [default: the folder above all].
        component: Option<String>,
        /// The file of the component's C as its manifest names it, below the crate's name when a crate brings it:
        /// starts where that is compiled.
        #[arg(long, value_name = "FILE", requires = "component")]
        file: Option<String>,
        /// The program and its arguments [default: an interactive shell].
        #[arg(last = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Show what takes how much flash and RAM.
    Size {
        /// The product.
        product: String,
        /// Show the largest symbols and files of each row too.
        #[arg(long)]
        detail: bool,
    },
    /// Show what a product consists of, and what brought it in.
    Tree {
        /// The product.
        product: String,
        /// Show the way up instead: from a component or capability, or from all that bring in
        /// nothing, to the product.
        #[arg(long, value_name = "COMPONENT")]
        invert: Option<Option<String>>,
    },
    /// Tell why something is in a product: every chain that leads to it.
    Why {
        /// The product.
        product: String,
        /// The component or capability.
        #[arg(value_name = "NAME")]
        asked: String,
    },
    /// Tell why something is not in a product, and what would bring it in.
    WhyNot {
        /// The product.
        product: String,
        /// The component or capability.
        #[arg(value_name = "NAME")]
        asked: String,
    },
    /// Tell what changes of a product would come to, touching no file.
    ///
    /// A change is `+COMPONENT`, `-COMPONENT`, `COMPONENT.FEATURE=VALUE`, `kernel=NAME`,
    /// `board=NAME`, `profile=NAME`, or `CAPABILITY:COMPONENT` for a preference. Options stand
    /// before the product.
    WhatIf {
        /// The product.
        product: String,
        /// The changes, made together.
        #[arg(value_name = "CHANGE", required = true, allow_hyphen_values = true)]
        changes: Vec<String>,
    },
    /// Draw a product's components by layer, with what each requires of others.
    ///
    /// Arrows lead from a component to those that it requires something of. What the product or its
    /// profile names has a thick border.
    Graph {
        /// The product.
        product: String,
        /// What the drawing is written as.
        // The same argument as the global one, with other values: clap keeps a command's own.
        #[arg(long, value_parser = one_of(&Format::GRAPHS), default_value = "svg")]
        format: Format,
        /// Write to this file instead of the standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show every value of a product, with all that it extends, as one manifest.
    Show {
        /// The product or fragment.
        product: String,
        /// Say beside each value which line set it, and what it overrode.
        #[arg(long)]
        origin: bool,
    },
    /// Show how a product differs from another, or from an earlier state.
    ///
    /// A product is a name, a file (`./new.yaml`), or a revision and a name (`v1.0:soil-sensor`).
    /// With one of them, the workspace as it is now is compared with `HEAD`, or with that revision.
    Diff {
        /// The product, or what it was before.
        #[arg(value_name = "PRODUCT")]
        before: String,
        /// What it is compared with.
        #[arg(value_name = "OTHER")]
        after: Option<String>,
        /// End with 1 when something differs.
        #[arg(long)]
        exit_code: bool,
    },
    /// Show products beside each other: who provides what, and the values of all features.
    Matrix {
        /// The products; with none, all.
        #[arg(value_name = "PRODUCT")]
        products: Vec<String>,
        /// Only capabilities and who provides them.
        #[arg(long)]
        capabilities: bool,
        /// Only features and their values.
        #[arg(long)]
        features: bool,
        /// Only rows in which products differ.
        #[arg(long)]
        differing: bool,
        /// As comma-separated values.
        #[arg(long, conflicts_with = "format")]
        csv: bool,
    },
    /// List what the workspace has.
    List {
        /// What to list.
        #[arg(value_enum)]
        kind: ListKind,
    },
    /// Explain a diagnostic's code: what it means, an example, the fix.
    Explain {
        /// The code, such as E0401; with none, all codes are listed.
        code: Option<String>,
    },
    /// Look after the store in which built results are kept.
    Cache {
        /// What to do with it.
        #[command(subcommand)]
        what: Cache,
    },
    /// Make a new product or component.
    New {
        /// What to make.
        #[command(subcommand)]
        what: New,
    },
    /// Write a completion script for a shell to the standard output.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write the man pages into a folder.
    Man {
        /// The folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// How to build.
#[derive(Clone, Debug, Args)]
pub struct Building {
    /// How much runs at once, here and in what the build starts [default: a job per processor].
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Go on with what does not need what failed.
    #[arg(short, long)]
    pub keep_going: bool,
    /// Say for each build step that is carried out why, and how long it took.
    #[arg(long)]
    pub why: bool,
    /// Write what happens to this file, a JSON value per line.
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Write a trace that browsers and Perfetto show to this file.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Fail when a lock file does not match the manifests, instead of writing it.
    #[arg(long)]
    pub locked: bool,
    /// Carry out every build step twice in different surroundings, and fail where outputs differ.
    #[arg(long)]
    pub check_determinism: bool,
    /// Fail rather than run programs without a sandbox, or use what such a run made: for releases.
    #[arg(long)]
    pub confined: bool,
}

impl From<Building> for How {
    fn from(asked: Building) -> Self {
        let Building { jobs, keep_going, why, events, trace, locked, check_determinism, confined } =
            asked;
        let compare = check_determinism;
        Self { jobs, keep_going, why, events, trace, locked, compare, confined }
    }
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListKind {
    /// Products and fragments.
    Products,
    /// Components of every layer.
    Components,
    /// Boards.
    Boards,
    /// Kernel flavours.
    Kernels,
    /// Profiles.
    Profiles,
}

/// What can be done with the store.
#[derive(Debug, Subcommand)]
pub enum Cache {
    /// Show how much it holds.
    Stats,
    /// Read everything in it, and take out what is damaged.
    ///
    /// What is taken out is built again when it is needed. Ends with 1 when there was something.
    Verify,
    /// Remove what was not used for the longest time, when it holds too much.
    ///
    /// It then holds at most nine tenths of the size. What a running build uses stays.
    Gc {
        /// How much it may hold.
        #[arg(long, value_name = "SIZE", value_parser = size, default_value = "20GiB")]
        max_size: ByteSize,
    },
    /// Show where it is.
    Path,
}

/// Reads a size such as `5GiB`.
fn size(text: &str) -> Result<ByteSize, String> {
    text.parse().map_err(|error: SizeError| error.hint)
}

/// What can be made.
#[derive(Debug, Subcommand)]
pub enum New {
    /// A product: `products/NAME.yaml`.
    Product {
        /// Its name.
        name: String,
        /// Its board [default: the first with an emulator].
        #[arg(long)]
        board: Option<String>,
        /// Its kernel flavour [default: the first that runs on the board].
        #[arg(long)]
        kernel: Option<String>,
    },
    /// A component: a folder below `components` with a manifest and a crate that builds.
    Component {
        /// Its name.
        name: String,
        /// What part of a product it is.
        #[arg(long, value_enum, default_value_t)]
        layer: NewLayer,
    },
}

/// Layers for which a component can be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum NewLayer {
    /// A task that runs as long as the product.
    #[default]
    Service,
    /// Operates a piece of hardware.
    Driver,
    /// Code that others use.
    Library,
}
