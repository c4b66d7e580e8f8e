//! An ext4 image of about 200 MB of programs and libraries, beside `mke2fs -d` where it is installed. The page
//! cache is warm. `cargo bench -p tarsia-image --bench ext4`; figures are in docs/decisions/0009-ext4.md.

#![expect(clippy::disallowed_methods, reason = "a program that measures")]

#[expect(dead_code, reason = "other measurements need the rest")]
mod support;

use std::fs::File;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use divan::Bencher;
use support::sample::{OnDisk, Sample};
use tarsia_image::content::Data;
use tarsia_image::ext4::{self, Journal, Options, Size};

/// Size of the image, in bytes.
const IMAGE: u64 = 320 << 20;

static SAMPLE: LazyLock<Sample> = LazyLock::new(Sample::new);

fn main() {
    divan::main();
}

fn options(size: Size) -> Options {
    Options {
        uuid: [7; 16],
        hash_seed: [9; 16],
        label: b"bench".to_vec(),
        made: 1_700_000_000,
        size,
        inodes: None,
        journal: Journal::Fitting,
    }
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn tarsia(bencher: Bencher<'_, '_>) {
    let tree = &SAMPLE.tree;
    let folder = tempfile::tempdir().expect("a folder");
    bencher.bench_local(|| {
        let mut out = File::create(folder.path().join("image")).expect("a file");
        ext4::write(tree, &options(Size::Exactly(IMAGE)), &mut out).expect("an image")
    });
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn mke2fs(bencher: Bencher<'_, '_>) {
    let from = SAMPLE.folder.path();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("image");
    bencher.bench_local(|| {
        let _ = std::fs::remove_file(&path);
        let status = Command::new("/usr/sbin/mke2fs")
            .args(["-q", "-t", "ext4", "-E", "lazy_itable_init=0", "-d"])
            .args([from, &path])
            .arg("320M")
            .stdout(Stdio::null())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "mke2fs is needed");
    });
}

/// Reading an image back, with the digests of all files.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn read(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("image");
    let mut out = File::create(&path).expect("a file");
    let size = Size::Smallest { free: 0 };
    ext4::write(&SAMPLE.tree, &options(size), &mut out).expect("an image");
    let image = Data::new(OnDisk::new(&path));
    bencher.bench_local(|| ext4::read(&image).expect("own image"));
}
