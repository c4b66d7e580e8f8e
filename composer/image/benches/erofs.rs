//! What an EROFS image of about 200 MB costs beside `mkfs.erofs`, where that is installed: compressed
//! with LZ4 as `-zlz4hc`, uncompressed, and composed again after one file changed, when the compressed
//! pieces of the others were kept. Files are this machine's, in the page cache.
//! `cargo bench -p tarsia-image --bench erofs`; the medians of three runs, in turns. Words as arguments
//! choose the cases whose names have one.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a program that measures")]

#[expect(dead_code, reason = "other measurements need the rest")]
mod support;

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use support::sample::{Kept, Sample, changed, files};
use support::time::{median, timed};
use tarsia_image::content::{Packed, Unkept};
use tarsia_image::erofs::{self, Compression, Options};
use tarsia_image::tree::Tree;

const RUNS: usize = 3;

/// What is measured, by name.
type Case<'a> = (&'a str, Box<dyn Fn() + 'a>);

fn compose(tree: &Tree, compression: Option<Compression>, kept: &dyn Packed, image: &Path) {
    let uuid = *b"0123456789abcdef";
    let options = Options { uuid, name: Vec::new(), built: 0, nanoseconds: 0, compression };
    let mut out = File::create(image).expect("made");
    erofs::write(tree, &options, kept, &mut out).expect("written");
}

fn main() {
    let asked: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let sample = Sample::new();
    let (count, bytes) = files(&sample.tree);
    println!("{count} files, {:.1} MiB", bytes as f64 / 1_048_576.0);
    let place = tempfile::tempdir().expect("a folder");
    let image = place.path().join("image");
    let own = |compression: Option<Compression>| {
        let (tree, image) = (&sample.tree, &image);
        Box::new(move || compose(tree, compression, &Unkept, image))
    };
    let mkfs = |arguments: &'static [&str]| {
        let (root, image) = (sample.folder.path(), &image);
        Box::new(move || {
            let _ = std::fs::remove_file(image);
            let mut command = Command::new("mkfs.erofs");
            command.args(arguments).args(["-T0", "--all-root", "-x-1", "--quiet"]);
            command.arg(image).arg(root).stdout(Stdio::null()).stderr(Stdio::null());
            let done = command.status();
            assert!(done.is_ok_and(|done| done.success()), "mkfs.erofs {arguments:?}");
        })
    };
    let usual = Compression::DEFAULT;
    let (small, small_tree) = changed(&sample.tree, false);
    let (large, large_tree) = changed(&sample.tree, true);
    let full = Kept::default();
    compose(&sample.tree, Some(usual), &full, &image);
    println!("{} pieces kept", full.count());
    let again = |tree| {
        let (full, image) = (&full, &image);
        Box::new(move || compose(tree, Some(usual), full, image))
    };
    let small = format!("  again after {small}");
    let large = format!("  again after {large}");
    let mut cases: Vec<Case<'_>> = vec![
        ("uncompressed", own(None)),
        ("  mkfs.erofs", mkfs(&[])),
        ("lz4hc 9, 4 KiB", own(Some(usual))),
        ("  mkfs.erofs -zlz4hc", mkfs(&["-zlz4hc"])),
        ("lz4hc 9, 4 KiB, no tails", own(Some(Compression { tails: false, ..usual }))),
        ("lz4hc 9, 64 KiB", own(Some(Compression { cluster: 65_536, ..usual }))),
        ("  mkfs.erofs -zlz4hc -C65536", mkfs(&["-zlz4hc", "-C65536"])),
        ("lz4hc 9, 4 KiB, keeping pieces", {
            Box::new(|| compose(&sample.tree, Some(usual), &Kept::default(), &image))
        }),
        ("  again, nothing changed", again(&sample.tree)),
        (&small, again(&small_tree)),
        (&large, again(&large_tree)),
    ];
    cases.retain(|(name, _)| {
        asked.is_empty() || asked.iter().any(|word| name.contains(word.as_str()))
    });
    if Command::new("mkfs.erofs").arg("--help").output().is_err() {
        println!("mkfs.erofs is not installed");
        cases.retain(|(name, _)| !name.contains("mkfs.erofs"));
    }
    let mut times = vec![Vec::new(); cases.len()];
    let mut sizes = vec![0; cases.len()];
    for run in 1..=RUNS {
        for (at, (_, work)) in cases.iter().enumerate() {
            times[at].push(timed(work));
            sizes[at] = image.metadata().expect("it").len();
        }
        println!("after {run} of {RUNS} runs");
        for (((name, _), times), size) in cases.iter().zip(&times).zip(&sizes) {
            println!("{name:34} {} {:8.1} MiB", median(times), *size as f64 / 1_048_576.0);
        }
    }
}
