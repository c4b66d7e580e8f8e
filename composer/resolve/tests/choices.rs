//! What is chosen, why, and in which order it starts.

mod support;

use support::workspace::Workspace;

/// What a case expects of components, profile lines and product lines.
fn check(title: &str, components: &str, profile: &str, product: &str, expected: &str) {
    let found = Workspace::new(components, product).profile(profile).outcome();
    assert_eq!(found, expected, "{title}");
}

#[test]
fn closure() {
    let chain = "
        { component: app, layer: service, requires: [mid] }
        { component: middle, layer: library, provides: [mid], requires: [low] }
        { component: lower, layer: driver, provides: [low], requires: [hw.uart] }
        { component: unrelated, layer: driver, provides: [other] }";
    check("nothing asked", chain, "", "", "");
    check("a chain", chain, "", "services: [app]", "app<- lower<middle middle<app");
    check("a profile's requirement", chain, "requires: [low]", "", "lower<+low");
    check(
        "every cause is kept",
        chain,
        "requires: [low]",
        "drivers: [lower]\nservices: [app]",
        "app<- lower<-,+low,middle middle<app",
    );
    let mutual = "
        { component: app, layer: service, requires: [a] }
        { component: one, layer: library, provides: [a], requires: [b] }
        { component: two, layer: library, provides: [b], requires: [a] }";
    check(
        "components that need each other",
        mutual,
        "",
        "services: [app]",
        "app<- one<app,two two<one",
    );
}

#[test]
fn only_if_named() {
    let sensors = "
        { component: app, layer: service, requires: [sensor] }
        { component: invented, layer: driver, provides: [sensor], only-if-named: true, budget: { flash: 1 } }";
    check("named", sensors, "", "drivers: [invented]\nservices: [app]", "app<- invented<-,app");
    check("not named, and nothing else", sensors, "", "services: [app]", "E0401 sensor");
    let real = format!("{sensors}\n{{ component: real, layer: driver, provides: [sensor] }}");
    check("not named, though smaller", &real, "", "services: [app]", "app<- real<app");
    check(
        "not even preferred",
        &real,
        "prefer: { sensor: [invented] }",
        "services: [app]",
        "app<- real<app",
    );
}

#[test]
fn what_is_removed_is_not_chosen_again() {
    let catalogue = "
        { component: app, layer: service, requires: [sensor] }
        { component: one, layer: driver, provides: [sensor], budget: { flash: 1 } }
        { component: two, layer: driver, provides: [sensor] }";
    let variant = |components: &str| {
        let mut workspace = Workspace::new(components, "extends: base\nwithout: [one]");
        workspace.put("products/base.yaml", "fragment: base\ndrivers: [one]\nservices: [app]\n");
        workspace.outcome()
    };
    assert_eq!(variant(catalogue), "app<- two<app");
    let sole = catalogue.replace("{ component: two, layer: driver, provides: [sensor] }", "");
    assert_eq!(variant(&sole), "E0401 sensor");
}

/// What would not be there anyway is worth a word; what exists nowhere is a mistake.
#[test]
fn what_is_excluded_would_be_there() {
    let catalogue = "
        { component: app, layer: service, requires: [sensor], recommends: [log] }
        { component: one, layer: driver, provides: [sensor] }
        { component: two, layer: driver, provides: [sensor] }
        { component: log, layer: service, provides: [log] }
        { component: idle, layer: service }";
    let with = |without: &str| {
        let product = format!("services: [app]\nwithout: [{without}]");
        Workspace::new(catalogue, &product).resolve(|found, sources| match found {
            Ok(selection) => {
                let warned = selection.warnings.iter().filter_map(|one| one.primary.as_ref());
                warned.map(|label| sources.text(label.span).to_owned()).collect::<Vec<_>>()
            }
            Err(problems) => problems.iter().map(|one| one.code.to_string()).collect(),
        })
    };
    assert_eq!(with("one, log"), Vec::<String>::new());
    assert_eq!(with("idle"), ["idle"]);
    assert_eq!(with("idel"), ["E0304"]);
}

#[test]
fn alternatives() {
    let consoles = "
        { component: app, layer: service, requires: [console] }
        { component: large, layer: driver, provides: [console], budget: { flash: 4KiB } }
        { component: small, layer: driver, provides: [console], budget: { flash: 1KiB } }
        { component: tiny-b, layer: driver, provides: [console], budget: { flash: 512 } }
        { component: tiny-a, layer: driver, provides: [console], budget: { flash: 512 } }
        { component: a-silent, layer: driver, provides: [console] }";
    let app = "services: [app]";
    let prefer = |names: &str| format!("prefer: {{ console: [{names}] }}");
    check("the smaller promise, then the name", consoles, "", app, "app<- tiny-a<app");
    check("the profile's first", consoles, &prefer("large, small"), app, "app<- large<app");
    check("preferred over a silent one", consoles, &prefer("a-silent"), app, "a-silent<app app<-");
    check("an unknown preference", consoles, &prefer("gone"), app, "app<- tiny-a<app");
    check(
        "one that is in anyway",
        consoles,
        &prefer("small"),
        "services: [app]\ndrivers: [large]",
        "app<- large<-,app",
    );
    let elsewhere = "
        { component: app, layer: service, requires: [console] }
        { component: arch, layer: driver, provides: [console], arch: [rv32imac] }
        { component: bare, layer: driver, provides: [console], requires: [hw.usb] }
        { component: class, layer: driver, provides: [console], classes: [rich] }
        { component: deep, layer: driver, provides: [console], requires: [radio] }
        { component: no-radio, layer: driver, provides: [radio], classes: [rich] }
        { component: zero, layer: driver, provides: [console], budget: { flash: 1MiB } }";
    check(
        "only what is possible here",
        elsewhere,
        &prefer("arch, bare, class, deep"),
        app,
        "app<- zero<app",
    );
    let shared = "
        { component: app, layer: service, requires: [console, log] }
        { component: a-console, layer: driver, provides: [console] }
        { component: both, layer: driver, provides: [console, log] }";
    check("a choice falls on what is needed anyway", shared, "", app, "app<- both<app,app");
}

/// `one` needs `two` and more than can be had; asking about `two` first must not make `two` possible.
#[test]
fn what_is_possible_does_not_depend_on_who_asks_first() {
    let catalogue = "
        { component: app, layer: service, requires: [y, x] }
        { component: one, layer: library, provides: [x], requires: [y, nowhere] }
        { component: a-two, layer: library, provides: [y], requires: [x] }
        { component: spare, layer: library, provides: [x, y] }
        { component: stray, layer: library, provides: [nowhere], classes: [rich] }";
    for product in ["services: [app]", "services: [app, bpp]"] {
        let mut workspace = Workspace::new(catalogue, product);
        workspace.add("{ component: bpp, layer: service, requires: [x] }");
        let found = workspace.outcome();
        assert!(found.contains("spare<app"), "{found}");
        assert!(!found.contains("a-two"), "{found}");
    }
}

#[test]
fn many() {
    let sensors = |least: &str| {
        format!(
            "{{ component: app, layer: service, requires: [{{ capability: sensor, many: true{least} }}] }}
             {{ component: light, layer: driver, provides: [sensor], budget: {{ flash: 2 }} }}
             {{ component: noise, layer: driver, provides: [sensor], budget: {{ flash: 1 }} }}
             {{ component: rain, layer: driver, provides: [sensor], classes: [rich] }}"
        )
    };
    let least = |n: u32| sensors(&format!(", at-least: {n}"));
    let app = "services: [app]";
    let both = "services: [app]\ndrivers: [light, noise]";
    check("one without a word", &sensors(""), "", app, "app<- noise<app");
    check("every one that is in", &sensors(""), "", both, "app<- light<-,app noise<-,app");
    check("none when none must be", &least(0), "", app, "app<-");
    check(
        "those that are in, when none must be",
        &least(0),
        "",
        both,
        "app<- light<-,app noise<-,app",
    );
    check("two", &least(2), "", app, "app<- light<app noise<app");
    check("three, where two are possible", &least(3), "", app, "E0401 sensor");
    check(
        "one named, one added",
        &least(2),
        "",
        "services: [app]\ndrivers: [light]",
        "app<- light<-,app noise<app",
    );
}

#[test]
fn bindings() {
    let catalogue = "
        { component: app, layer: service, requires: [hw.clock, { capability: sensor, many: true }, console] }
        { component: uart, layer: driver, provides: [{ capability: console, share: mutex }], requires: [hw.uart] }
        { component: zenith, layer: driver, provides: [{ capability: sensor, share: exclusive }] }
        { component: acid, layer: driver, provides: [{ capability: sensor, share: exclusive }] }";
    Workspace::new(catalogue, "services: [app]\ndrivers: [zenith, acid]").selection(|selection| {
        let app = &selection.components["app"];
        let bound: Vec<(&str, Vec<&str>)> = app
            .bindings
            .iter()
            .map(|binding| {
                let providers = binding.providers.iter().map(|p| p.component.as_str());
                (binding.requirement.capability.as_str(), providers.collect())
            })
            .collect();
        let sensors = vec!["acid", "zenith"];
        assert_eq!(
            bound,
            [("hw.clock", vec!["board"]), ("sensor", sensors), ("console", vec!["uart"])]
        );
    });
}

#[test]
fn start_order() {
    let mutex = |name: &str| format!("{{ capability: {name}, share: mutex }}");
    let catalogue = format!(
        "{{ component: a-first, layer: driver, provides: [{a}], requires: [z] }}
         {{ component: b-linked, layer: driver, provides: [l], requires: [a] }}
         {{ component: c-copy, layer: service, provides: [{{ capability: c, share: copy, value: '&C' }}], requires: [l, a] }}
         {{ component: z-last, layer: driver, provides: [{z}], requires: [c] }}
         {{ component: aa-alone, layer: driver }}",
        a = mutex("a"),
        z = mutex("z")
    );
    let product = "drivers: [a-first, aa-alone]\nservices: [c-copy]";
    Workspace::new(&catalogue, product).selection(|selection| {
        let order: Vec<&str> = selection.order.iter().map(|name| name.as_str()).collect();
        // The board, though its name is not the first; then what no requirement decides, by name;
        // neither what is linked nor what is copied waits.
        assert_eq!(
            order,
            ["board", "aa-alone", "kernel", "z-last", "a-first", "b-linked", "c-copy"]
        );
    });
    let needing = Workspace::new(&catalogue, product).replaced(
        "components/boards/board/component.yaml",
        "provides:",
        "requires: [z]\nprovides:",
    );
    needing.selection(|selection| {
        let order: Vec<&str> = selection.order.iter().map(|name| name.as_str()).collect();
        assert_eq!(order[..3], ["z-last", "board", "a-first"], "what the board needs, the board");
    });
}
