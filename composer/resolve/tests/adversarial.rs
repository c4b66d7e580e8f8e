//! Catalogues that are built to be hard: long chains, wide choices, and counting arguments, which SAT
//! solvers are known to be slow at. The sizes here are answered at once; `TARSIA_SIZE` takes them times
//! a number, and shows how long each answer took.
#![expect(clippy::disallowed_methods, reason = "measures how long answers take")]

mod support;

use std::io::Write as _;
use std::time::{Duration, Instant};

use support::workspace::Workspace;

/// What nothing here may take longer than.
const LIMIT: Duration = Duration::from_secs(5);

/// How many times as large as usual everything is.
fn size() -> usize {
    std::env::var("TARSIA_SIZE").ok().and_then(|size| size.parse().ok()).unwrap_or(1)
}

/// Lines of a catalogue.
fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(|n| line(n) + "\n").collect()
}

/// What a product comes to, within the limit.
fn outcome(title: &str, components: &str, product: &str) -> String {
    let workspace = Workspace::new(components, product);
    workspace.load();
    let start = Instant::now();
    let found = workspace.outcome();
    let took = start.elapsed();
    if size() > 1 {
        // Past the test harness, which keeps what passing tests print.
        let _ = writeln!(std::io::stderr(), "{title}: {took:?}");
        return found;
    }
    assert!(took < LIMIT, "{title}: {took:?}");
    found
}

/// Each link needs the next.
fn chain(count: usize, last: &str) -> String {
    let app = "{ component: app, layer: service, requires: [k0] }\n";
    let link = |n: usize| {
        let need = if n + 1 < count { format!("k{}", n + 1) } else { last.to_owned() };
        format!("{{ component: c{n}, layer: library, provides: [k{n}], requires: [{need}] }}")
    };
    app.to_owned() + &lines(count, link)
}

#[test]
fn a_long_chain() {
    let count = 10_000 * size();
    let found = outcome(&format!("chain of {count}"), &chain(count, ""), "services: [app]");
    assert_eq!(found.split(' ').count(), count + 1);
    // The last link lacks something: the whole chain is the reason, and each link is asked about.
    let count = 500 * size();
    let title = format!("broken chain of {count}");
    let found = outcome(&title, &chain(count, "gone"), "services: [app]");
    assert_eq!(found, "E0416 gone");
}

#[test]
fn a_wide_choice() {
    let count = 500 * size();
    let apps = lines(10, |n| format!("{{ component: app{n}, layer: service, requires: [k] }}"));
    let wide = lines(count, |n| {
        format!("{{ component: c{n:04}, layer: driver, provides: [k], requires: [hw.uart] }}")
    });
    let listed: Vec<String> = (0..10).map(|n| format!("app{n}")).collect();
    let product = format!("services: [{}]", listed.join(", "));
    let found = outcome(&format!("{count} providers"), &(apps.clone() + &wide), &product);
    assert!(found.contains("c0000<app0,app1"), "{found}");
    // Somebody else has the UART: none of them can be.
    let taken = "{ component: modem, layer: driver, requires: [hw.uart] }\n";
    let product = product + "\ndrivers: [modem]";
    let title = format!("{count} providers, none possible");
    let found = outcome(&title, &(apps + &wide + taken), &product);
    assert!(found.starts_with("E04"), "{found}");
}

/// Each user needs one of the owners for itself. With one user more than owners nothing fits, which
/// a solver finds out by trying, in exponential time.
fn pigeons(users: usize, owners: usize) -> (String, String) {
    let user = |user: usize| {
        let seat = |owner: usize| {
            format!(
                "\n{{ component: seat{user}-{owner}, layer: driver, \
                 provides: [seat{user}, {{ capability: owner{owner}, sole: true }}] }}"
            )
        };
        let seats: String = (0..owners).map(seat).collect();
        format!("{{ component: user{user}, layer: service, requires: [seat{user}] }}{seats}")
    };
    let listed: Vec<String> = (0..users).map(|user| format!("user{user}")).collect();
    (lines(users, user), format!("services: [{}]", listed.join(", ")))
}

#[test]
fn more_users_than_owners() {
    for owners in 2..6 + size() {
        let (catalogue, product) = pigeons(owners, owners);
        let found = outcome(&format!("{owners} users of {owners}"), &catalogue, &product);
        assert!(!found.contains("E0"), "{found}");
        let (catalogue, product) = pigeons(owners + 1, owners);
        let found = outcome(&format!("{} users of {owners}", owners + 1), &catalogue, &product);
        assert!(found.starts_with("E04"), "{found}");
    }
}
