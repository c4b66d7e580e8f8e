//! The few things of the user's environment that a build may look at, read once. Everything else is
//! withheld from the tools a build starts, so that it cannot reach an image.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where tools and caches are on this machine.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Folders searched for tools.
    pub path: OsString,
    /// The user's home folder.
    pub home: PathBuf,
    /// The folder the user is in.
    pub here: PathBuf,
    /// Cargo's home: the registry of fetched crates.
    pub cargo_home: PathBuf,
    /// Where rustup keeps toolchains, when it says so.
    pub rustup_home: Option<OsString>,
    /// Which toolchain rustup was asked for.
    pub rustup_toolchain: Option<OsString>,
    /// The user's cache folder.
    pub cache_home: PathBuf,
    /// Proxies and certificates, for the one step that may use the network.
    pub network: Vec<(String, OsString)>,
}

impl Surroundings {
    /// Reads the environment of this process.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn read() -> Self {
        let get = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let home = get("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
        // The real path, as compilers see it: it is replaced in the firmware.
        let cargo_home = get("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
        let network = [
            "http_proxy",
            "https_proxy",
            "no_proxy",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "NO_PROXY",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
        ];
        Self {
            here: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            path: get("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into()),
            cargo_home: std::fs::canonicalize(&cargo_home).unwrap_or(cargo_home),
            rustup_home: get("RUSTUP_HOME"),
            rustup_toolchain: get("RUSTUP_TOOLCHAIN"),
            cache_home: get("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from),
            network: network.iter().filter_map(|n| Some(((*n).to_owned(), get(n)?))).collect(),
            home,
        }
    }

    /// The file a command's name stands for: the first match in the search path.
    pub fn find(&self, program: &str) -> Option<PathBuf> {
        std::env::split_paths(&self.path)
            .map(|folder| folder.join(program))
            .find(|file| is_executable(file))
    }

    /// A command with a cleared environment, in which locale, time zone and terminal are fixed.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", &self.home)
            .env("CARGO_HOME", &self.cargo_home)
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("TERM", "dumb")
            .env("SOURCE_DATE_EPOCH", "0")
            .stdin(std::process::Stdio::null());
        if let Some(home) = &self.rustup_home {
            command.env("RUSTUP_HOME", home);
        }
        if let Some(toolchain) = &self.rustup_toolchain {
            command.env("RUSTUP_TOOLCHAIN", toolchain);
        }
        command
    }
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}
