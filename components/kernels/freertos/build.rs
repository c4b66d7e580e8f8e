//! Compiles FreeRTOS from the C sources in the `freertos-next` crate, which are those of the
//! FreeRTOS-Kernel release V11.2.0. Flags that keep this machine's paths out come from the build, in
//! `CFLAGS_<target>`.

use std::path::PathBuf;

#[path = "src/layout.rs"]
mod layout;

fn main() {
    let kernel = std::env::var("DEP_FREERTOS_KERNEL").expect("freertos-next says where its C is");
    let kernel = PathBuf::from(kernel);
    let port = kernel.join("portable/GCC/ARM_CM3");
    cc::Build::new()
        // Hosted, gcc would take its own knowledge of a C library for granted.
        .flags(["-std=c11", "-ffreestanding"])
        .force_frame_pointer(false)
        .define("TARSIA_TASK_WORDS", &*layout::TASK_WORDS.to_string())
        .define("TARSIA_IDLE_STACK_WORDS", &*layout::IDLE_STACK_WORDS.to_string())
        .include("include")
        .include(kernel.join("include"))
        .include(&port)
        .file("src/layout.c")
        .file(kernel.join("list.c"))
        .file(kernel.join("tasks.c"))
        .file(port.join("port.c"))
        .compile("tarsia-freertos");
    for path in ["build.rs", "include", "src/layout.c", "src/layout.rs"] {
        println!("cargo::rerun-if-changed={path}");
    }
}
