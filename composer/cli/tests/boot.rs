//! Products boot: the real binary builds the repository's products and boots them in their boards'
//! emulators, and what counts is what stands on the console (or the display).

#[path = "firmware/console.rs"]
mod console;
#[path = "firmware/screen.rs"]
mod screen;
#[path = "firmware/senml.rs"]
mod senml;
#[path = "firmware/workspace.rs"]
mod workspace;

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Command;

use console::Console;
use serde_json::Value;
use tarsia_image::{Region, Segments, bin, hex, uf2};
use workspace::{Workspace, products};

/// The copy of the repository that these tests share with the others that only build.
const SHARED: &str = "shared";
const KERNELS: [&str; 4] = ["embassy", "freertos", "lilos", "rtic"];

/// Reads three packs: they have the same records and at least one value that changes.
fn assert_readings_change(console: &mut Console) {
    let packs = [1, 2, 3].map(|n| console.until(&format!("SenML pack {n}"), senml::pack));
    let names = |pack: &[senml::Record]| -> Vec<_> {
        pack.iter().map(|record| (record.name.clone(), record.unit.clone())).collect()
    };
    for pack in &packs {
        assert_eq!(names(pack), names(&packs[0]));
        assert!(pack.iter().all(|record| record.name.starts_with("urn:dev:")), "{pack:?}");
    }
    let changed = packs.windows(2).any(|two| two[0] != two[1]);
    assert!(changed, "the readings stand still: {packs:?}");
}

/// Builds the products one after the other and watches them boot side by side.
fn boot_all(
    workspace: &Workspace,
    products: impl IntoIterator<Item = String>,
    watch: impl Fn(&mut Console) + Sync,
) {
    std::thread::scope(|threads| {
        for product in products {
            workspace.build(&product);
            let watch = &watch;
            threads.spawn(move || watch(&mut Console::boot(workspace, &product)));
        }
    });
}

fn image_json(workspace: &Workspace, product: &str) -> Value {
    workspace.build(product);
    let text = std::fs::read(workspace.output(product, "image.json")).expect("image.json");
    serde_json::from_slice(&text).expect("JSON")
}

#[test]
fn every_product_boots_and_sends_changing_readings_as_senml() {
    boot_all(&Workspace::open(SHARED), products(), assert_readings_change);
}

#[test]
fn the_kernel_line_alone_switches_the_kernel_and_the_services_stay_the_same() {
    let workspace = Workspace::open(SHARED);
    let built = ["soil-sensor", "soil-sensor-freertos", "soil-sensor-lilos", "soil-sensor-rtic"]
        .map(|product| image_json(&workspace, product));
    let of_layer = |image: &Value, layer: &str| -> Vec<(Value, Value)> {
        let components = image["components"].as_array().expect("components").iter();
        components
            .filter(|component| component["layer"] == layer)
            .map(|component| (component["name"].clone(), component["features"].clone()))
            .collect()
    };
    let kernels: Vec<Value> = built
        .iter()
        .map(|image| match of_layer(image, "kernel").as_slice() {
            [(name, _)] => name.clone(),
            several => panic!("one kernel, not {several:?}"),
        })
        .collect();
    assert_eq!(kernels, KERNELS);
    let services = of_layer(&built[0], "service");
    assert!(services.iter().any(|(name, _)| name == "telemetry"), "{services:?}");
    for image in &built {
        assert_eq!(of_layer(image, "service"), services, "{}", image["product"]);
    }
}

#[test]
fn three_kernels_run_in_the_8_kib_of_the_smallest_board() {
    let workspace = Workspace::open(SHARED);
    let product = |kernel| {
        let name = format!("greenhouse-{kernel}");
        let text = format!(
            "product: {name}\nextends: greenhouse-node\nkernel: {kernel}\n\
             features: {{ telemetry.period: 1s, simulated-temperature.period: 1min }}\n"
        );
        workspace.write(&format!("products/{name}.yaml"), &text);
        name
    };
    let products = ["embassy", "lilos", "rtic"].map(product);
    boot_all(&workspace, products.clone(), assert_readings_change);
    for product in products {
        let image = image_json(&workspace, &product);
        let regions = image["regions"].as_array().expect("regions");
        let ram = regions.iter().find(|region| region["name"] == "ram").expect("RAM");
        assert!(ram["used"].as_u64() <= Some(8192), "{product}: {ram}");
    }
}

fn drill(workspace: &Workspace, kernel: &str, fault: &str) -> String {
    let name = format!("drill-{kernel}-{fault}");
    let text = format!(
        "product: {name}\nextends: restart-drill\nkernel: {kernel}\nfeatures:\n  \
         fault-injector.fault: {fault}\n  fault-injector.after: 2s\n  \
         supervisor.deadline: 2s\n  supervisor.backoff: 500ms\n"
    );
    workspace.write(&format!("products/{name}.yaml"), &text);
    name
}

/// Telemetry sends, fails, is restarted by the supervisor, and sends again.
fn assert_restarted(console: &mut Console, fault: &str, reported: &str) {
    console.until("SenML pack before the fault", senml::pack);
    console.until_text(&format!("{fault} into telemetry"));
    let failed = console.seen.len();
    console.until_text(&format!("supervisor: telemetry {reported}"));
    // It may have sent once more before the fault reached it, but not after.
    let between = &console.seen[failed..];
    let packs = between.iter().filter(|line| senml::pack(line).is_some()).count();
    assert!(packs <= 1, "telemetry went on: {between:?}");
    console.until_text("supervisor: telemetry restarted (restart 1)");
    assert_readings_change(console);
}

#[test]
fn a_service_that_ended_is_restarted_on_every_kernel() {
    let workspace = Workspace::open(SHARED);
    let products = KERNELS.map(|kernel| drill(&workspace, kernel, "end"));
    boot_all(&workspace, products, |console| assert_restarted(console, "End", "ended (killed)"));
}

#[test]
fn a_service_that_stopped_answering_is_restarted_on_every_kernel() {
    let workspace = Workspace::open(SHARED);
    let products = KERNELS.map(|kernel| drill(&workspace, kernel, "hang"));
    boot_all(&workspace, products, |console| assert_restarted(console, "Hang", "is silent for"));
}

#[test]
fn a_service_that_never_yields_makes_the_watchdog_reset_the_board() {
    let workspace = Workspace::open(SHARED);
    let text = "product: drill-watchdog\nextends: restart-drill\ndrivers: [lm3s-watchdog]\n\
                features:\n  fault-injector.fault: spin\n  fault-injector.after: 5s\n  \
                lm3s-watchdog.timeout: 2s\n";
    workspace.write("products/drill-watchdog.yaml", text);
    workspace.build("drill-watchdog");
    let mut console = Console::boot(&workspace, "drill-watchdog");
    // Log lines start with the seconds since the start; a reset starts them anew.
    let mut spin = || {
        console.until("SenML pack", senml::pack);
        let line = console.until_text("Spin into telemetry");
        let seconds = line.split(' ').next().and_then(|time| time.parse::<f64>().ok());
        seconds.unwrap_or_else(|| panic!("a time: {line}"))
    };
    let (first, second) = (spin(), spin());
    assert!((5.0..7.0).contains(&first), "{first}");
    assert!((5.0..7.0).contains(&second), "after {second} s: no reset: {:?}", console.seen);
}

#[test]
fn the_three_formats_carry_the_same_image() {
    let workspace = Workspace::open(SHARED);
    for product in products() {
        let image = image_json(&workspace, &product);
        let read = |file| std::fs::read(workspace.output(&product, file)).expect(file);
        let base = image["regions"].as_array().expect("regions").iter();
        let base = base.filter(|region| region["name"] == "flash");
        let base = base.map(|region| region["base"].as_u64()).next().flatten().expect("a base");

        let flashed = read("firmware.bin");
        let whole = Region { base, size: flashed.len() as u64 };
        let expected: Segments = bin::read(&flashed, whole).expect("within its region");
        let hex = hex::read(&read("firmware.hex")).expect("HEX");
        assert_eq!(bin::write(&hex.segments, base), flashed, "{product}: firmware.hex");
        // UF2 has whole pages: what is beyond the image is erased flash.
        let pages = bin::write(&uf2::read(&read("firmware.uf2")).expect("UF2").segments, base);
        let (start, rest) = pages.split_at(flashed.len());
        assert_eq!(start, flashed, "{product}: firmware.uf2");
        assert!(rest.len() < 256 && rest.iter().all(|&byte| byte == bin::ERASED), "{product}");
        assert_eq!(expected.span(), Some(whole), "{product}");
    }
}

#[test]
fn intel_hex_boots_too() {
    let workspace = Workspace::open(SHARED);
    for (product, machine) in
        [("soil-sensor", "lm3s6965evb"), ("greenhouse-node", "stm32vldiscovery")]
    {
        workspace.build(product);
        let hex = workspace.output(product, "firmware.hex");
        let mut emulator = Command::new("qemu-system-arm");
        emulator
            .args(["-machine", machine, "-display", "none", "-monitor", "none", "-serial", "stdio"])
            .arg("-device")
            .arg(format!("loader,file={}", hex.display()));
        Console::of(emulator).until("SenML pack", senml::pack);
    }
}

#[test]
fn the_display_shows_the_title_and_the_reading() {
    let workspace = Workspace::open(SHARED);
    workspace.build("weather-display");
    // A socket's path is limited to 107 bytes: it cannot be in the workspace.
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("monitor");
    let mut emulator = Command::new("qemu-system-arm");
    emulator
        .args(["-machine", "lm3s6965evb", "-display", "none", "-serial", "stdio", "-monitor"])
        .arg(format!("unix:{},server=on,wait=off", socket.display()))
        .arg("-kernel")
        .arg(workspace.output("weather-display", "firmware.bin"));
    let mut console = Console::of(emulator);
    // The display is drawn once per second, and a pack is sent every two.
    console.until("first SenML pack", senml::pack);
    console.until("second SenML pack", senml::pack);
    let shot = folder.path().join("screen.ppm");
    let mut monitor = UnixStream::connect(&socket).expect("the monitor");
    write!(monitor, "screendump {}\nquit\n", shot.display()).expect("asked");
    let mut answer = String::new();
    // Ends when the emulator does, which is after the screenshot.
    let _ = monitor.read_to_string(&mut answer);
    let ppm = std::fs::read(&shot).unwrap_or_else(|error| panic!("{error}: {answer}"));

    let rows = screen::rows(&ppm);
    let (title, uptime) = rows[0].split_once(' ').expect("two words");
    assert_eq!(title, "Weather", "{rows:?}");
    assert!(uptime.trim().starts_with("0d 00:00:0"), "{rows:?}");
    let (name, value) = rows[1].split_once(' ').expect("two words");
    assert_eq!(name, "temperature", "{rows:?}");
    let celsius = value.trim().strip_suffix(" Cel").and_then(|number| number.parse::<f64>().ok());
    assert!(celsius.is_some_and(|celsius| (18.0..=24.0).contains(&celsius)), "{rows:?}");
    assert!(rows[2..].iter().all(|row| row.trim().is_empty()), "{rows:?}");
}

#[test]
fn run_until_ends_with_0_when_the_pattern_is_seen_and_with_1_when_not() {
    let workspace = Workspace::open(SHARED);
    let run = |pattern, seconds| {
        workspace.run(&["run", "soil-sensor", "--until", pattern, "--timeout", seconds])
    };
    let seen = run(r#""n":"moisture","u":"/","v":0\.\d+"#, "120");
    assert_eq!(seen.code, Some(0), "{seen}");
    assert!(seen.stdout.lines().last().is_some_and(|line| senml::pack(line).is_some()), "{seen}");
    let missed = run("no line says this", "2");
    assert_eq!(missed.code, Some(1), "{missed}");
    assert!(missed.stderr.contains("E0608"), "{missed}");
}
