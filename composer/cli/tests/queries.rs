//! What the commands answer that ask about a product without building it: why, why not, what if,
//! and the tree both ways. The catalogue has what makes such questions hard: alternatives,
//! conditions, recommendations, conflicts and components that need each other.

mod support;

use serde_json::Value;
use support::workspace::{Run, Workspace};

/// One component per line, without summary and licence.
const COMPONENTS: &str = "
    { component: station, layer: service, requires: [console, alloc, { capability: store, when: { features: { history: true } } }, { capability: sensor, many: true, at-least: 0 }], recommends: [clock, colour, panic], features: { history: { type: bool, default: false, summary: Keep readings. } } }
    { component: heap, layer: library, provides: [alloc], requires: [trace], budget: { flash: 2KiB, ram: 512 } }
    { component: tracer, layer: library, provides: [trace], requires: [alloc, console], budget: { flash: 300 } }
    { component: semihosting, layer: driver, provides: [{ capability: console, share: mutex }], budget: { flash: 2KiB } }
    { component: net-console, layer: driver, provides: [{ capability: console, share: mutex }], requires: [network] }
    { component: ring-store, layer: library, provides: [store], budget: { flash: 512, ram: 4KiB } }
    { component: flash-store, layer: library, provides: [store], budget: { flash: 1KiB, ram: 64 } }
    { component: paper-store, layer: library, provides: [store], only-if-named: true }
    { component: cloud-store, layer: library, provides: [store], requires: [network] }
    { component: quartz, layer: driver, provides: [clock], conflicts: [tick] }
    { component: paint, layer: library, provides: [colour] }
    { component: halt, layer: library, provides: [panic] }
    { component: blink, layer: library, provides: [panic] }
    { component: rain-gauge, layer: driver, provides: [{ capability: sensor, share: exclusive }], conflicts: [{ component: paint, when: { features: { wet: true } } }], features: { wet: { type: bool, default: true, summary: Out of doors. } } }
    { component: modem, layer: driver, provides: [{ capability: network, when: { features: { sim: true } } }], features: { sim: { type: bool, default: false, summary: Has a card. } } }";

const WEATHER: &str = "\
product: weather
profile: mini
board: cedar
kernel: single
services: [station, keeper]
features: { station.history: true, uart.baud: 9600 }
prefer: { panic: [halt] }
without: [flash-store]
budget: { flash: 64KiB }
";

fn workspace() -> Workspace {
    let workspace = Workspace::new().file("products/weather.yaml", WEATHER).file(
        "products/weather-tasks.yaml",
        "product: weather-tasks\nextends: weather\nkernel: tasks\n",
    );
    let lines = COMPONENTS.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.fold(workspace, |workspace, line| {
        let inner = line.strip_prefix("{ component: ").expect("a component");
        let name = inner.split([',', ' ']).next().expect("a name");
        let text = format!("{{ summary: S., licence: MIT, component: {inner}\n");
        workspace.file(format!("components/all/{name}/component.yaml"), text)
    })
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"))
}

/// The answer for people, then the one for programs.
fn both(command: &str, args: &[&str]) -> String {
    let workspace = workspace();
    let text = workspace.run(&[&[command], args].concat());
    let program = workspace.run(&[&["--format", "json", command], args].concat());
    assert_eq!(text.code, program.code, "{text}\n{program}");
    json(&program);
    format!("{text}\n===== --format json\n{program}")
}

fn text(args: &[&str]) -> String {
    let run = workspace().run(args);
    format!("$ tarsia {}\n{run}\n", args.join(" "))
}

#[test]
fn tree() {
    insta::assert_snapshot!(both("tree", &["weather"]));
    insta::assert_snapshot!("tree_inverted", both("tree", &["weather", "--invert"]));
    let some = ["uart", "console", "heap", "flash-store", "flash-stor"]
        .map(|name| text(&["tree", "weather", "--invert", name]));
    insta::assert_snapshot!("tree_inverted_from_one", some.concat());
}

#[test]
fn why() {
    insta::assert_snapshot!(both("why", &["weather", "uart"]));
    insta::assert_snapshot!("why_capability", both("why", &["weather", "store"]));
    let some = ["halt", "cedar", "hw.uart", "tracer", "timer", "flash-store", "stor", "Store"]
        .map(|name| text(&["why", "weather", name]));
    insta::assert_snapshot!("why_some", some.concat());
    insta::assert_snapshot!("why_of_nothing", text(&["why", "wether", "uart"]));
}

#[test]
fn why_not() {
    insta::assert_snapshot!(both("why-not", &["weather", "semihosting"]));
    insta::assert_snapshot!("why_not_present", both("why-not", &["weather", "uart"]));
    insta::assert_snapshot!("why_not_conflict", both("why-not", &["weather", "uplink"]));
    let some = [
        // Another was taken: by preference, by the product's word, by name.
        "blink",
        "cloud-store",
        // Kept out by a line.
        "flash-store",
        "paper-store",
        "oak",
        "tasks",
        // Nobody asks.
        "log",
        "modem",
        "light-sleep",
        // A recommendation that was not taken.
        "quartz",
        "clock",
        // Impossible.
        "sockets",
        "network",
        "rain-gauge",
        "hw.lcd",
        "stor",
    ]
    .map(|name| text(&["why-not", "weather", name]));
    insta::assert_snapshot!("why_not_some", some.concat());
}

#[test]
fn what_if() {
    insta::assert_snapshot!(both("what-if", &["weather", "+rain-gauge", "rain-gauge.wet=false"]));
    insta::assert_snapshot!("what_if_kernel", both("what-if", &["weather", "kernel=tasks"]));
    insta::assert_snapshot!("what_if_nothing", both("what-if", &["weather", "panic:halt"]));
    insta::assert_snapshot!("what_if_conflict", both("what-if", &["weather", "+quartz"]));
    let some: [&[&str]; 9] = [
        &["weather", "station.history=false"],
        &["weather", "-keeper"],
        &["weather", "-ring-store"],
        &["weather", "store:cloud-store"],
        &["weather", "panic:blink", "-station"],
        &["weather", "board=oak", "profile=small"],
        &["weather", "+nothing", "nonsense", "a=b", "--format"],
        &["weather", "+heap"],
        &["weather"],
    ];
    let some = some.map(|words| text(&[&["what-if"], words].concat()));
    insta::assert_snapshot!("what_if_some", some.concat());
}

/// Questions change no file.
#[test]
fn questions_touch_nothing() {
    let workspace = workspace();
    for args in [&["what-if", "weather", "-keeper"][..], &["why-not", "weather", "rain-gauge"]] {
        assert_eq!(workspace.run(args).code, 0);
    }
    assert_eq!(workspace.read("products/weather.yaml"), WEATHER);
    assert!(!workspace.at("out").exists());
}
