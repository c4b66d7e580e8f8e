//! The command line: one definition, from which parsing, `--help`, completions and man pages come.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// The workspace [default: the nearest folder upwards with `components` and `products`].
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    pub workspace: Option<PathBuf>,
    /// How answers and errors are written.
    #[arg(long, global = true, value_enum, default_value_t)]
    pub format: Format,
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t)]
    pub color: Color,
    /// Where built results are kept [default: `tarsia` in the user's cache folder].
    #[arg(long, global = true, value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,
}

/// How answers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON value on the standard output.
    Json,
    /// The same as YAML.
    Yaml,
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
    /// Build a product's image into `out/PRODUCT`.
    Build {
        /// The product.
        product: String,
        /// Where to write instead of `out/PRODUCT`.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
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
    },
    /// List what the workspace has.
    List {
        /// What to list.
        #[arg(value_enum)]
        kind: ListKind,
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
