//! Hash trees, held against those of `veritysetup`.

mod trees;

use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use tarsia_image::content::Data;
use tarsia_image::verity::{self, BLOCK, Error, Options, Place, Root, Table};
use trees::{Random, cases, installed};

const UUID: [u8; 16] = *b"\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef";

fn bytes(seed: u64, blocks: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let size = blocks * BLOCK;
    (0..size / 8).flat_map(|_| random.next().to_le_bytes()).collect()
}

fn written(data: &[u8], options: &Options) -> (Root, Vec<u8>) {
    let mut tree = Vec::new();
    let root = verity::write(&Data::of(data), options, &mut tree).expect("blocks");
    assert_eq!(root.extents.size(), tree.len() as u64, "every byte has an owner");
    (root, tree)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_small_tree_is_pinned() {
    let options = Options { salt: vec![0xaa, 0xbb], superblock: Some(UUID) };
    let (root, tree) = written(&vec![7; 3 * BLOCK as usize], &options);
    assert_eq!(tree.len(), 2 * BLOCK as usize);
    assert_eq!(
        root.hash.to_string(),
        "fef0a68fd3d8e8e8060722f68b249ec068d61ef11e9c514597cec348b61a50a3"
    );
    let shown: Vec<_> = root.extents.iter().map(|e| (e.offset, e.size)).collect();
    assert_eq!(shown, [(0, BLOCK), (BLOCK, BLOCK)]);
    let parameters = ["panic_on_corruption", "check_at_most_once"];
    let table =
        Table { data: "/dev/vda2", hashes: "PARTUUID=x", offset: 8_192, parameters: &parameters };
    let line = format!(
        "0 24 verity 1 /dev/vda2 PARTUUID=x 4096 4096 3 3 sha256 {} aabb 2 panic_on_corruption \
         check_at_most_once",
        root.hash
    );
    assert_eq!(root.table(&table).expect("a line"), line);
    let argument = root.boot_argument("root", &table).expect("an argument");
    assert_eq!(argument, format!("dm-mod.create=\"root,,,ro,{line}\""));
    let (plain, _) = written(&vec![7; 3 * BLOCK as usize], &Options::default());
    let table = Table { offset: 0, parameters: &[], ..table };
    let line = plain.table(&table).expect("a line");
    assert!(line.contains(" 3 0 sha256 ") && line.ends_with(" -"), "{line}");
    for bad in ["", "a b", "a,b", "a;b", "a\"b", "ä"] {
        let named = root.boot_argument(bad, &table).expect_err("refused").to_string();
        assert!(named.starts_with(&format!("`{bad}` cannot be the name")), "{named}");
        assert!(root.table(&Table { hashes: bad, ..table.clone() }).is_err());
    }
    assert!(root.table(&Table { offset: 512, ..table }).is_err());
}

fn veritysetup(folder: &Path, data: &[u8], arguments: &[&str]) -> (bool, String) {
    std::fs::write(folder.join("data"), data).expect("written");
    // Where it is on Debian; not everybody has that folder in PATH.
    let known = Path::new("/usr/sbin/veritysetup");
    let program = if known.is_file() { known } else { Path::new("veritysetup") };
    let output =
        Command::new(program).args(arguments).current_dir(folder).output().expect("veritysetup");
    (output.status.success(), format!("{output:?}"))
}

#[test]
fn trees_are_those_of_veritysetup_to_the_byte() {
    if !installed("veritysetup") {
        return;
    }
    let edges = [1, 2, 3, 127, 128, 129, 300, 128 * 128 + 1];
    let mut random = Random::new(7);
    for case in 0..cases(10) {
        let blocks = match edges.get(case as usize) {
            Some(blocks) => *blocks,
            None => 1 + random.below(600),
        };
        let data = bytes(case, blocks);
        let salt = match case % 4 {
            0 => Vec::new(),
            1 => vec![random.next() as u8; 256],
            _ => random.next().to_le_bytes().repeat(4),
        };
        let superblock = (case % 3 != 2).then_some(UUID);
        let options = Options { salt, superblock };
        let (root, tree) = written(&data, &options);
        let folder = tempfile::tempdir().expect("a folder");
        let salt = if options.salt.is_empty() { "-".to_owned() } else { hex(&options.salt) };
        let uuid = "01234567-89ab-cdef-0123-456789abcdef";
        let mut format = vec!["format", "data", "theirs", "--salt", &salt];
        let count = blocks.to_string();
        match superblock {
            Some(_) => format.extend(["--uuid", uuid]),
            None => format.extend(["--no-superblock", "--data-blocks", &count]),
        }
        // Without levels and superblock there is nothing to write.
        if !tree.is_empty() {
            std::fs::write(folder.path().join("theirs"), b"").expect("written");
            let (clean, said) = veritysetup(folder.path(), &data, &format);
            assert!(clean && said.contains(&root.hash.to_string()), "{blocks} blocks: {said}");
            let theirs = std::fs::read(folder.path().join("theirs")).expect("there");
            assert!(theirs == tree, "{blocks} blocks: {} and {}", theirs.len(), tree.len());
            std::fs::write(folder.path().join("ours"), &tree).expect("written");
            let hash = root.hash.to_string();
            let mut verify = vec!["verify", "data", "ours", &hash];
            if superblock.is_none() {
                verify.extend(["--no-superblock", "--salt", &salt, "--data-blocks", &count]);
            }
            let (clean, said) = veritysetup(folder.path(), &data, &verify);
            assert!(clean, "{said}");
            let mut damaged = data.clone();
            damaged[random.below(data.len() as u64) as usize] ^= 1;
            assert!(!veritysetup(folder.path(), &damaged, &verify).0, "so it does look");
        }
        let (data, tree) = (Data::of(data), Data::of(tree));
        verity::verify(&data, &tree, &options, &root.hash).expect("unchanged");
        if superblock.is_some() {
            let found = verity::read(&tree).expect("a superblock");
            assert_eq!((found.options, found.data_blocks), (options, blocks));
        }
    }
}

#[test]
fn the_number_of_threads_decides_nothing() {
    let data = bytes(1, 1_000);
    let options = Options { salt: vec![1], superblock: Some(UUID) };
    let expected = written(&data, &options);
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        assert!(pool.install(|| written(&data, &options)) == expected, "{threads}");
    }
}

#[test]
fn the_first_changed_block_is_named() {
    let data = bytes(2, 128 * 128 + 130);
    let options = Options { salt: vec![1, 2, 3], superblock: Some(UUID) };
    let (root, tree) = written(&data, &options);
    let check = |data: &[u8], tree: &[u8]| {
        verity::verify(&Data::of(data), &Data::of(tree), &options, &root.hash)
    };
    check(&data, &tree).expect("unchanged");
    let block = BLOCK as usize;
    let changed_data = |blocks: &[usize]| {
        let mut data = data.clone();
        blocks.iter().for_each(|number| data[number * block + 4_095] ^= 0x80);
        check(&data, &tree).expect_err("changed").to_string()
    };
    let text = "is not what the root hash stands for";
    for number in [0, 127, 128, 5_000, 128 * 128 + 129] {
        assert_eq!(changed_data(&[number]), format!("block {number} of the data {text}"));
    }
    assert_eq!(changed_data(&[16_000, 400, 9_000]), format!("block 400 of the data {text}"));
    // The area: superblock, level 2 (1 block), level 1 (2 blocks), level 0 (130 blocks).
    let changed_tree = |number: usize| {
        let mut tree = tree.clone();
        tree[number * block] ^= 1;
        match check(&data, &tree).expect_err("changed") {
            Error::Changed(place) => place,
            other => panic!("{other}"),
        }
    };
    assert_eq!(changed_tree(1), Place::Hashes { level: 2, block: 0 });
    assert_eq!(changed_tree(3), Place::Hashes { level: 1, block: 1 });
    assert_eq!(changed_tree(4), Place::Hashes { level: 0, block: 0 });
    assert_eq!(changed_tree(133), Place::Hashes { level: 0, block: 129 });
    let mut other = tree.clone();
    other[20] ^= 1;
    assert!(matches!(check(&data, &other), Err(Error::Superblock { field: "content", .. })));
    assert!(matches!(check(&data, &tree[block..]), Err(Error::TreeSize { .. })));
    assert!(matches!(check(&data[..9], &tree), Err(Error::Size { size: 9 })));
    let long = Options { salt: vec![0; 257], superblock: None };
    let error = verity::write(&Data::of(data), &long, &mut Vec::new()).expect_err("too long");
    assert_eq!(error.to_string(), "a salt of 257 bytes; at most 256 are possible");
}

proptest! {
    #[test]
    fn any_flip_is_noticed_and_none_is_a_panic(at in any::<prop::sample::Index>(), with in 1u8.., cut in 0usize..4_096) {
        let options = Options { salt: vec![5; 9], superblock: Some(UUID) };
        let data = bytes(3, 130);
        let (root, tree) = written(&data, &options);
        let mut whole = [tree, data].concat();
        let size = whole.len() - 130 * BLOCK as usize;
        *at.get_mut(&mut whole) ^= with;
        let (tree, data) = whole.split_at(size);
        let (tree, data) = (Data::of(tree), Data::of(data));
        prop_assert!(verity::verify(&data, &tree, &options, &root.hash).is_err());
        let _ = verity::read(&Data::of(&whole[..cut]));
        let _ = verity::read(&tree);
    }
}
