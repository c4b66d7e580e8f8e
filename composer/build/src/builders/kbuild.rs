//! The builder of Linux: configures a kernel's tree from what the components ask for, sees that every
//! wish came true, and runs the kernel's own build.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use fs_err as fs;
use tarsia_model::{Code, Diagnostic};
use tarsia_plan::Firmware;
use tarsia_plan::linux::Linux;

use super::runs;
use crate::c_compiler::{self, Compiler};
use crate::engine::{Action, Job, Jobs, Made, Origin, Setting, Work, Workshop};
use crate::kconfig::{Configuration, Menu, check, refuse};
use crate::process;
use crate::sandbox::{self, Confinement, Mount};
use crate::sources::Ready;

/// What boots.
pub const KERNEL: &str = "kernel";
/// Its configuration.
pub const CONFIGURATION: &str = "kernel.config";
/// Where each of its symbols is.
pub const SYMBOLS: &str = "System.map";
/// The options that were asked for.
const WANTED: &str = "wanted.config";

/// What is the same for every kernel: nothing of who, where and when gets into it (Linux,
/// Documentation/kbuild/reproducible-builds.rst).
const ENVIRONMENT: [(&str, &str); 8] = [
    ("KBUILD_BUILD_TIMESTAMP", "Thu Jan  1 00:00:00 UTC 1970"),
    ("KBUILD_BUILD_USER", "tarsia"),
    ("KBUILD_BUILD_HOST", "tarsia"),
    ("KBUILD_BUILD_VERSION", "1"),
    ("LC_ALL", "C.UTF-8"),
    ("TZ", "UTC"),
    ("SOURCE_DATE_EPOCH", "0"),
    // Debian's tree says otherwise, and the folder's name would get in.
    ("LOCALVERSION", ""),
];

struct Kernel<'a> {
    plan: &'a Firmware,
    linux: &'a Linux,
    source: &'a Ready<'a>,
    compiler: Compiler,
    /// Its path without `gcc`: what stands before the names of the compiler, the linker and the rest.
    prefix: String,
}

/// The action that makes a kernel.
///
/// # Errors
/// That a tool is missing.
pub fn action<'w>(
    workshop: &Workshop<'_>,
    plan: &'w Firmware,
    linux: &'w Linux,
    source: &'w Ready<'w>,
) -> Result<Action<'w>, Diagnostic> {
    let Workshop { surroundings, digests, confinement, folder, .. } = *workshop;
    let named = &linux.board.c_compiler;
    let compiler = Compiler::find(surroundings, confinement, named.value.as_str())?;
    let path = compiler.inside.to_str().and_then(|path| path.strip_suffix("gcc"));
    let prefix = path.map(str::to_owned).ok_or_else(|| {
        let message = format!(
            "cannot build the kernel with `{}`, which is {}: its build needs a GCC whose name ends in `gcc`",
            named.value,
            compiler.inside.display()
        );
        Diagnostic::at(Code::ToolMissing, named.span, message)
    })?;
    let mut settings = vec![
        Setting::new("platform", "kernel", linux.board.arch.value.to_string()),
        Setting::new("tool", "c", c_compiler::identity(surroundings, digests, &compiler, folder)?),
        Setting::new("source", "kernel", source.identity()),
        confinement.setting(),
        Setting::new("command", "make", linux.board.image.value.to_string()),
    ];
    settings
        .extend(ENVIRONMENT.iter().map(|(name, value)| Setting::new("environment", *name, *value)));
    let wanted: String = linux
        .options
        .iter()
        .map(|option| format!("CONFIG_{}={}\n", option.name, option.value))
        .collect();
    Ok(Action {
        product: plan.product.clone(),
        step: "kernel".to_owned(),
        builder: "kbuild 1",
        inputs: BTreeMap::from([(WANTED.to_owned(), Origin::Text(wanted.into_bytes()))]),
        settings,
        outputs: vec![SYMBOLS, KERNEL, CONFIGURATION],
        alone: false,
        work: Box::new(Kernel { plan, linux, source, compiler, prefix }),
    })
}

impl Work for Kernel<'_> {
    fn make(&self, job: &Job<'_>) -> Result<Made, Diagnostic> {
        let work = job.workshop.folder.join(if job.other { "other/kernels" } else { "kernels" });
        let folder = work.join(self.plan.product.as_str());
        fs::create_dir_all(&work).map_err(|error| unusable(&error))?;
        let guard = fs::File::create(folder.with_extension("lock"));
        let guard = guard.map_err(|error| unusable(&error))?;
        if guard.file().try_lock().is_err() {
            job.progress("waiting for another build of it");
            guard.file().lock().map_err(|error| unusable(&error))?;
            if let Some(made) = job.made_meanwhile() {
                return Ok(made);
            }
        }
        // Nothing of an earlier kernel is left: what its build would take for done may not be.
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| unusable(&error))?;
        }
        fs::create_dir_all(&folder).map_err(|error| unusable(&error))?;
        let folder = fs::canonicalize(&folder).map_err(|error| unusable(&error))?;
        job.progress("unpacking the source, once");
        let tree = self.source.folder(job.workshop, |source| job.again(source))?;
        let wanted = folder.join(WANTED);
        fs::write(&wanted, job.bytes(WANTED)?).map_err(|error| unusable(&error))?;
        let run = Make { job, kernel: self, tree: &tree, folder: &folder };
        job.progress("configuring");
        run.make(&["allnoconfig"], "configure the kernel")?;
        let read = |path: &str| -> Result<Vec<u8>, Diagnostic> {
            let file = sandbox::open_output(&folder, Path::new(path));
            let mut file = file.map_err(|refusal| unusable(&refusal))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(|error| unusable(&error))?;
            Ok(bytes)
        };
        let config = read(".config")?;
        let made = Configuration::parse(&String::from_utf8_lossy(&config));
        let menu = || Menu::read(&tree, self.linux.board.arch.value.as_str());
        refuse(check(&self.linux.options, &made, menu))?;
        let image = self.linux.board.image.value.as_str();
        let target = image.rsplit('/').next().unwrap_or(image);
        run.make(&[target], "build the kernel")?;
        let built = read(image)?;
        let symbols = read("System.map")?;
        // A gigabyte of objects serves nothing any more.
        fs::remove_dir_all(&folder).map_err(|error| unusable(&error))?;
        let made = [(KERNEL, built), (CONFIGURATION, config), (SYMBOLS, symbols)];
        Ok(made.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect())
    }

    fn program(&self) -> Option<&'static str> {
        Some("make")
    }
}

/// One run of make.
struct Make<'a> {
    job: &'a Job<'a>,
    kernel: &'a Kernel<'a>,
    tree: &'a Path,
    folder: &'a Path,
}

impl Make<'_> {
    fn make(&self, targets: &[&str], what: &str) -> Result<(), Diagnostic> {
        let Workshop { surroundings, confinement, .. } = *self.job.workshop;
        let confined = matches!(confinement, Confinement::Bubblewrap { .. });
        let board = &self.kernel.linux.board;
        let places: [PathBuf; 2] = match confined {
            true => ["/source".into(), "/build".into()],
            false => [self.tree.to_owned(), self.folder.to_owned()],
        };
        let [tree, folder] = &places;
        let make = surroundings.find("make").ok_or_else(|| {
            Diagnostic::error(Code::ToolMissing, "cannot find `make`").hint(
                "on Debian and Ubuntu: `apt-get install make flex bison bc libelf-dev`".to_owned(),
            )
        })?;
        let mut job = sandbox::Job::new(make);
        job.folder = folder.clone();
        let mut mounts = Confinement::system();
        mounts.push(Mount::ReadOnly { host: self.tree.into(), inside: tree.clone() });
        mounts.push(Mount::ReadWrite { host: self.folder.into(), inside: folder.clone() });
        mounts.extend(self.kernel.compiler.mount.clone());
        job.mounts = mounts;
        let mut args: Vec<OsString> = vec!["-s".into(), "-C".into(), tree.into()];
        args.push(format!("O={}", folder.display()).into());
        args.push(format!("ARCH={}", board.arch.value).into());
        args.push(format!("CROSS_COMPILE={}", self.kernel.prefix).into());
        args.push(format!("KCONFIG_ALLCONFIG={}", folder.join(WANTED).display()).into());
        let maps: Vec<String> = [(tree, "/source"), (folder, "/build")]
            .iter()
            .map(|(from, to)| format!("-ffile-prefix-map={}={to}", from.display()))
            .collect();
        args.push(format!("KCFLAGS={}", maps.join(" ")).into());
        args.push(format!("KAFLAGS={}", maps.join(" ")).into());
        args.extend(targets.iter().map(OsString::from));
        job.args = args;
        let mut environment: BTreeMap<OsString, OsString> =
            ENVIRONMENT.iter().map(|(name, value)| (name.into(), value.into())).collect();
        environment.insert(
            "PATH".into(),
            match confined {
                true => "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into(),
                false => surroundings.path.clone(),
            },
        );
        let shared = if self.job.other {
            Jobs::new(NonZeroUsize::MIN).and_then(|jobs| jobs.share())
        } else {
            self.job.workshop.jobs.share()
        };
        let shared = shared.map_err(|error| unusable(&error))?;
        environment.insert("MAKEFLAGS".into(), shared.flags.into());
        job.inherited = shared.descriptors;
        job.environment = environment;
        if self.job.other {
            job.host_name = "another";
        }
        let mut said = String::new();
        let ended = process::run(&job, self.job.workshop, &mut |mut stdout| {
            // What is no text says nothing to people.
            let _ = stdout.read_to_string(&mut said);
        });
        let ended = ended.map_err(|error| unusable(&error))?;
        let log = self.job.keep_log(&runs::command(&job), &format!("{said}{}", ended.stderr));
        if ended.success {
            return Ok(());
        }
        let failed = Diagnostic::error(Code::ActionFailed, format!("cannot {what}"));
        Err(runs::logged(failed.note(reason(&ended.stderr)), log))
    }
}

/// Why a build failed: the first error with what follows, as several compilers run at once and the others go on after
/// the one that fails; without any, the end.
fn reason(said: &str) -> String {
    const SHOWN: usize = 40;
    let lines: Vec<&str> = said.lines().collect();
    let first = lines.iter().position(|line| line.contains("error: ") || line.contains("*** "));
    let first = first.map_or(lines.len().saturating_sub(SHOWN), |first| first.saturating_sub(3));
    lines.into_iter().skip(first).take(SHOWN).collect::<Vec<_>>().join("\n")
}

fn unusable(error: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error(Code::ActionFailed, format!("cannot build the kernel: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_is_shown_and_else_the_end() {
        let lines = |count: usize| (0..count).map(|n| format!("line {n}")).collect::<Vec<_>>();
        let mut said = lines(100);
        assert_eq!(reason(&said.join("\n")), said[60..].join("\n"));
        assert_eq!(reason(&said[..5].join("\n")), said[..5].join("\n"));
        said[10] = "x.c:3:1: error: expected ';'".to_owned();
        said[90] = "make: *** [Makefile:1: x] Error 2".to_owned();
        assert_eq!(reason(&said.join("\n")), said[7..47].join("\n"));
        assert_eq!(reason(""), "");
    }
}
