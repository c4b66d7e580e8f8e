//! Lets the linker find `device.x`, which cortex-m-rt's linker script includes.

fn main() {
    let folder = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where the crate is");
    println!("cargo::rustc-link-search={folder}");
    println!("cargo::rerun-if-changed=device.x");
}
