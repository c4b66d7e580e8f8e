//! Budgets hold: an image over a limit is not there, and the error says all that is needed to make
//! it fit. And the size table explains every byte of every product.

#[path = "firmware/workspace.rs"]
mod workspace;

use serde_json::Value;
use workspace::{Run, Workspace, products};

const SHARED: &str = "shared";
/// What nobody may find when a product is over its budget.
const IMAGE: [&str; 6] =
    ["firmware.elf", "firmware.bin", "firmware.hex", "firmware.uf2", "image.json", "size.json"];

fn product(workspace: &Workspace, name: &str, text: &str) {
    let text = format!("product: {name}\n{text}");
    workspace.write(&format!("products/{name}.yaml"), &text);
}

/// The size table of a product, and the exit code that came with it.
fn sizes(workspace: &Workspace, name: &str) -> (Value, Run) {
    let run = workspace.run(&["size", name, "--format", "json"]);
    let table = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"));
    (table, run)
}

fn used(table: &Value, memory: &str) -> u64 {
    table[memory]["used"].as_u64().expect("bytes")
}

/// Builds a product that is over its limit and holds the error against the size table: the region,
/// both numbers, the excess, the largest rows, and `place`, the line that set the limit.
fn assert_over(workspace: &Workspace, name: &str, memory: &str, limit: u64, place: &str) {
    let run = workspace.run(&["build", name]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run}");
    for file in IMAGE {
        assert!(!workspace.output(name, file).exists(), "{file} of {name} is there: {run}");
    }
    let (table, sized) = sizes(workspace, name);
    assert_eq!(sized.code, Some(1), "{sized}");
    let used = used(&table, memory);
    let region = if memory == "ram" { "RAM" } else { memory };
    let excess = match used - limit {
        1 => "1 byte".to_owned(),
        excess => format!("{excess} bytes"),
    };
    let needs = format!("the image needs {used} bytes of {region}, {excess} more");
    let mut expected = vec!["E0501".to_owned(), needs, format!("{limit} bytes"), place.to_owned()];
    let mut rows: Vec<_> = table["rows"].as_array().expect("rows").iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row[memory].as_u64()));
    let size = |row: &Value| format!("{} {}", row["name"].as_str().expect("a name"), row[memory]);
    // Rows with a kind have their names in backquotes.
    expected.extend(rows.iter().take(3).map(|row| size(row)));
    let plain = run.stderr.replace('`', "");
    for text in expected {
        assert!(plain.contains(&text), "`{text}` is not said: {run}");
    }
    assert_eq!(run.stderr.matches("error[E0501]").count(), 1, "{run}");
    assert!(!run.stderr.contains("rust-lld") && !run.stderr.contains("E0602"), "{run}");
}

#[test]
fn an_image_over_its_flash_or_ram_budget_is_not_there_even_where_a_good_one_was() {
    let workspace = Workspace::open(SHARED);
    let name = "budget-drill";
    let with = |budget: &str| {
        product(&workspace, name, &format!("extends: soil-sensor\nbudget: {budget}\n"));
    };
    with("{ flash: 128KiB, ram: 16KiB }");
    workspace.build(name);
    let (table, run) = sizes(&workspace, name);
    assert_eq!(run.code, Some(0), "{run}");
    let fits = [used(&table, "flash"), used(&table, "ram")];

    for (index, memory) in ["flash", "ram"].into_iter().enumerate() {
        with("{ flash: 128KiB, ram: 16KiB }");
        workspace.build(name);
        assert!(IMAGE.iter().all(|file| workspace.output(name, file).exists()));
        // One byte less than it needs is too little; what it needs is enough.
        let limit = fits[index] - 1;
        with(&format!("{{ {memory}: {limit} }}"));
        assert_over(&workspace, name, memory, limit, "products/budget-drill.yaml:3:");
        with(&format!("{{ {memory}: {} }}", fits[index]));
        workspace.build(name);
    }
}

#[test]
fn the_size_table_of_a_product_over_its_budget_is_shown() {
    let workspace = Workspace::open(SHARED);
    product(&workspace, "size-drill", "extends: soil-sensor\nbudget: { flash: 4KiB }\n");
    let run = workspace.run(&["size", "size-drill"]);
    assert_eq!(run.code, Some(1), "{run}");
    assert!(run.stdout.lines().any(|line| line.starts_with("telemetry ")), "{run}");
    let limit = run.stdout.lines().find(|line| line.starts_with("limit ")).expect("a limit");
    assert_eq!(limit.split_whitespace().nth(1), Some("4096"), "{run}");
    assert!(run.stderr.contains("E0501"), "{run}");
}

#[test]
fn the_limit_of_a_profile_holds() {
    let shared = Workspace::open(SHARED);
    shared.build("soil-sensor");
    // Limits are no input of the compilation: what the other workspace has built is not built again.
    let thrifty = Workspace { store: shared.store, ..Workspace::open("thrifty") };
    let mini = std::fs::read_to_string(shared.root.join("profiles/mini.yaml")).expect("mini");
    thrifty.write("profiles/mini.yaml", &(mini.clone() + "budget: { flash: 10KiB }\n"));
    let place = format!("profiles/mini.yaml:{}:", mini.lines().count() + 1);
    assert_over(&thrifty, "soil-sensor", "flash", 10 * 1024, &place);
}

#[test]
fn more_ram_than_the_board_has_is_explained_and_not_left_to_the_linker() {
    let workspace = Workspace::open(SHARED);
    let text = "profile: mini\nboard: stm32vldiscovery\nkernel: lilos\n\
                drivers: [simulated-temperature]\nservices: [telemetry]\n\
                features: { lilos.stack: 12KiB }\n";
    product(&workspace, "board-drill", text);
    let board = "components/boards/stm32vldiscovery/component.yaml";
    let manifest = std::fs::read_to_string(workspace.root.join(board)).expect("the board");
    let line = manifest.lines().position(|line| line.contains(" ram: {")).expect("its RAM") + 1;
    assert_over(&workspace, "board-drill", "ram", 8 * 1024, &format!("{board}:{line}:"));
}

#[test]
fn more_flash_than_the_board_has_is_explained_and_not_left_to_the_linker() {
    let workspace = Workspace::open(SHARED);
    let folder = "components/services/ballast";
    let manifest = "component: ballast\nlayer: service\n\
                    summary: Takes up flash.\nlicence: MIT OR Apache-2.0\nrequires: [log]\n";
    workspace.write(&format!("{folder}/component.yaml"), manifest);
    let krate = "[package]\nname = \"tarsia-ballast\"\nversion.workspace = true\n\
                 edition.workspace = true\nlicense.workspace = true\npublish.workspace = true\n\n\
                 [dependencies]\nlog.workspace = true\ntarsia-service.workspace = true\n";
    workspace.write(&format!("{folder}/Cargo.toml"), krate);
    let code = "#![no_std]\n\
                use tarsia_service::{Exit, Slot};\n\
                static BALLAST: [u8; 200_000] = [0xa5; 200_000];\n\
                pub async fn run(slot: &Slot) -> Exit {\n    \
                slot.alive();\n    \
                let at = core::hint::black_box(slot.beats() as usize);\n    \
                log::info!(\"{}\", core::hint::black_box(&BALLAST)[at]);\n    \
                Exit::Done\n}\n";
    workspace.write(&format!("{folder}/src/lib.rs"), code);
    let text = "extends: greenhouse-node\nservices: [ballast]\n";
    product(&workspace, "ballast-drill", text);
    // The budget that the product takes over is as large as the board; the product's line is named.
    assert_over(&workspace, "ballast-drill", "flash", 128 * 1024, "products/greenhouse-node.yaml:");
    let (table, _) = sizes(&workspace, "ballast-drill");
    let rows = table["rows"].as_array().expect("rows");
    let ballast = rows.iter().find(|row| row["name"] == "ballast").expect("a row of its own");
    assert!(ballast["flash"].as_u64() >= Some(200_000), "{ballast}");
}

#[test]
fn the_rows_of_every_product_sum_to_what_it_uses() {
    let workspace = Workspace::open(SHARED);
    for name in products() {
        let (table, run) = sizes(&workspace, &name);
        assert_eq!(run.code, Some(0), "{run}");
        let rows = table["rows"].as_array().expect("rows");
        for memory in ["flash", "ram"] {
            let sum: u64 = rows.iter().map(|row| row[memory].as_u64().expect("bytes")).sum();
            assert_eq!(sum, used(&table, memory), "{memory} of {name}");
            assert!(sum > 0);
        }
        // The flash of the table is the image, byte for byte.
        workspace.build(&name);
        let image = std::fs::metadata(workspace.output(&name, "firmware.bin")).expect("an image");
        assert_eq!(image.len(), used(&table, "flash"), "{name}");
    }
}
