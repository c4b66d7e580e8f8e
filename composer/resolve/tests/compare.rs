//! What is told to differ between two selections.

mod support;

use support::workspace::Workspace;
use tarsia_model::ByteSize;
use tarsia_resolve::{Comparison, Total};

const CATALOGUE: &str = "
    { component: telemetry, layer: service, requires: [console, { capability: sensor, many: true }], features: { period: { type: int, max: 9, default: 3, summary: Seconds. } } }
    { component: light, layer: driver, provides: [sensor], budget: { flash: 2KiB, ram: 100 } }
    { component: moisture, layer: driver, provides: [sensor], budget: { flash: 1KiB } }
    { component: semihosting, layer: driver, provides: [console] }
    { component: uart, layer: driver, provides: [console], requires: [hw.uart] }
    { component: plain, layer: kernel, kernel: { template: main.rs.j2 } }";

/// Both ways: what one gains, the other loses.
fn compared(before: &str, after: &str) -> String {
    let (before, after) = (Workspace::new(CATALOGUE, before), Workspace::new(CATALOGUE, after));
    before.selection(|before| {
        after.selection(|after| {
            let there = Comparison::of(&before, &after);
            let back = Comparison::of(&after, &before);
            let names = |members: &[tarsia_resolve::Member<'_>]| -> Vec<String> {
                members.iter().map(|member| member.name.to_string()).collect()
            };
            assert_eq!(names(&there.gained), names(&back.lost));
            assert_eq!(names(&there.lost), names(&back.gained));
            assert_eq!((there.gained_size, there.lost_size), (back.lost_size, back.gained_size));
            assert_eq!(there.is_empty(), back.is_empty());
            assert!(Comparison::of(&before, &before).is_empty());
            let mut text = format!("+{:?} -{:?}", names(&there.gained), names(&there.lost));
            for one in &there.frame {
                text += &format!("; {} {} {}", one.key, one.before, one.after);
            }
            for one in &there.rebound {
                text += &format!(
                    "; {} of {:?}: {:?} {:?}",
                    one.capability, one.user, one.before, one.after
                );
            }
            for one in &there.features {
                let value = |setting: Option<&tarsia_resolve::FeatureSetting>| {
                    setting.map_or("-".to_owned(), |one| {
                        format!("{}{}", one.value, if one.set.is_some() { "!" } else { "" })
                    })
                };
                let (before, after) = (value(one.before), value(one.after));
                text += &format!("; {}.{} {before} {after}", one.component, one.feature);
            }
            for one in &there.limits {
                let size = |size: Option<ByteSize>| size.map_or("-".to_owned(), |s| s.to_string());
                let of = one.component.map_or(String::new(), |name| format!(" of {name}"));
                let (region, before, after) = (one.region, size(one.before), size(one.after));
                text += &format!("; {region}{of} by {:?} {before} {after}", one.by);
            }
            text
        })
    })
}

#[test]
fn differences() {
    let base = "services: [telemetry]\ndrivers: [light]\n";
    for (before, after, told) in [
        (base, base, "+[] -[]"),
        (
            base,
            "services: [telemetry]\ndrivers: [light, moisture]\n",
            r#"+["moisture"] -[]; sensor of Component("telemetry"): ["light"] ["light", "moisture"]"#,
        ),
        (
            base,
            "services: [telemetry]\ndrivers: [light]\nprefer: { console: [uart] }\n",
            r#"+["uart"] -["semihosting"]; console of Component("telemetry"): ["semihosting"] ["uart"]"#,
        ),
        (
            base,
            "services: [telemetry]\ndrivers: [light]\nfeatures: { telemetry.period: 3 }\n",
            "+[] -[]; telemetry.period 3 3!",
        ),
        (
            "services: [telemetry]\ndrivers: [light]\nbudget: { flash: 9KiB, components: { light: { ram: 8 } } }\n",
            "services: [telemetry]\ndrivers: [light]\nbudget: { flash: 8KiB, ram: 1KiB }\n",
            "+[] -[]; flash by Product 9KiB 8KiB; ram by Product - 1KiB; ram of light by Product 8 B -",
        ),
        (base, "", r#"+[] -["light", "semihosting", "telemetry"]"#),
        (
            "requires: [sensor]\nprefer: { sensor: [light] }",
            "requires: [sensor]\n",
            r#"+["moisture"] -["light"]; sensor of Product: ["light"] ["moisture"]"#,
        ),
    ] {
        assert_eq!(compared(before, after), told);
    }
}

#[test]
fn sizes_and_frame() {
    let before = Workspace::new(CATALOGUE, "");
    let after = Workspace::new(CATALOGUE, "drivers: [light, moisture, uart]").replaced(
        "products/p.yaml",
        "kernel: kernel",
        "kernel: plain",
    );
    before.selection(|before| {
        after.selection(|after| {
            let found = Comparison::of(&before, &after);
            // Neither the uart nor the kernel promises anything.
            assert_eq!(found.gained_size.flash, Total { known: ByteSize(3072), unknown: 2 });
            assert_eq!(found.gained_size.ram, Total { known: ByteSize(100), unknown: 3 });
            assert_eq!(found.lost_size.flash, Total { known: ByteSize(0), unknown: 1 });
            let [kernel] = &found.frame[..] else { panic!("{:?}", found.frame) };
            assert_eq!((kernel.key, kernel.after.as_str()), ("kernel", "plain"));
        });
    });
}
