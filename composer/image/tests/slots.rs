//! Names of boot entries against the walkthrough of systemd's "Automatic Boot Assessment".

use proptest::prelude::*;
use tarsia_image::slots::{Counter, Entry, EntryError, LARGEST_COUNT, Loader, State, Suffix};

fn entry(text: &str) -> Entry {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn the_walkthrough() {
    // Names of the document, section "Walkthrough".
    let names = [
        "4.14.11-300.fc27.x86_64+3.conf",
        "4.14.11-300.fc27.x86_64+2-1.conf",
        "4.14.11-300.fc27.x86_64+1-2.conf",
        "4.14.11-300.fc27.x86_64+0-3.conf",
    ];
    let new = Entry::new("4.14.11-300.fc27.x86_64", Suffix::Conf).expect("a name");
    assert_eq!((new.state(), new.attempted()), (State::Good, new.clone()));
    let mut now = new.clone().counted(3).expect("a counter");
    for (at, name) in names.into_iter().enumerate() {
        assert_eq!(now.to_string(), name);
        assert_eq!(entry(name), now);
        assert_eq!(now.state(), if at == 3 { State::Bad } else { State::Indeterminate });
        assert_eq!(now.blessed(), new);
        assert_eq!(now.condemned().state(), State::Bad);
        now = now.attempted();
    }
    assert_eq!(now.to_string(), names[3], "a bad entry counts no further");
    assert_eq!(new.condemned().to_string(), "4.14.11-300.fc27.x86_64+0.conf");
    assert_eq!(entry(names[1]).condemned().to_string(), "4.14.11-300.fc27.x86_64+0-1.conf");
}

#[test]
fn what_is_no_entry_says_why() {
    assert_eq!(entry("a+4-0.efi").to_string(), "a+4.efi");
    assert_eq!(entry("a+007.efi").counter(), Some(Counter { left: 7, done: 0 }));
    // Not a counter: `+` may be part of a version.
    assert_eq!(entry("a-1.2+b3.efi").counter(), None);
    assert_eq!(entry("a+3-.efi").name(), "a+3-");
    for (text, message) in [
        ("a+3", "`a+3` is no boot entry: its name ends neither in `.efi` nor in `.conf`"),
        (
            ".efi",
            "`` cannot name a boot entry: one or more ASCII letters, digits, `.`, `_`, `-`, `+` can",
        ),
        (
            "+3.efi",
            "`` cannot name a boot entry: one or more ASCII letters, digits, `.`, `_`, `-`, `+` can",
        ),
        (
            "a b+3.efi",
            "`a b` cannot name a boot entry: one or more ASCII letters, digits, `.`, `_`, `-`, `+` can",
        ),
        (
            "a+1+3.efi",
            "`a+1` cannot name a boot entry: its end `+1` would be read as a counter of attempts",
        ),
        (
            "a+2147483648.efi",
            "`a+2147483648.efi` counts to 2147483648; boot loaders read at most 2147483647",
        ),
        (
            "a+1-99999999999.efi",
            "`a+1-99999999999.efi` counts to 99999999999; boot loaders read at most 2147483647",
        ),
    ] {
        let error = text.parse::<Entry>().expect_err(text);
        assert_eq!(error.to_string(), message);
    }
    let name = "x".repeat(247);
    let fits = Entry::new(&name, Suffix::Efi).expect("251 characters");
    // It will be `+8-1.efi` after the first attempt.
    assert_eq!(fits.counted(9).map(|entry| entry.to_string().len()), Ok(253));
    let name = "x".repeat(248);
    let fits = Entry::new(&name, Suffix::Efi).expect("252 characters");
    assert_eq!(fits.counted(9), Err(EntryError::Long { name, length: 256 }));
}

proptest! {
    #[test]
    fn is_read_back_and_never_grows_too_long(
        name in "[a-zA-Z0-9+._-]{1,254}", left in 0..=LARGEST_COUNT, steps in 0u32..12,
    ) {
        let Ok(mut now) = Entry::new(&name, Suffix::Efi).and_then(|entry| entry.counted(left)) else {
            return Ok(());
        };
        for step in 0..steps {
            prop_assert_eq!(now.to_string().parse(), Ok(now.clone()));
            prop_assert!(now.to_string().len() <= 255);
            let counter = now.counter().expect("counted");
            prop_assert_eq!(counter.done, step.min(left));
            prop_assert_eq!(counter.left + counter.done, left);
            now = now.attempted();
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,12}(\\+[0-9-]{0,12})?(\\.efi|\\.conf)?") {
        if let Ok(entry) = text.parse::<Entry>() {
            prop_assert_eq!(entry.to_string().parse(), Ok(entry));
        }
    }
}

#[test]
fn loader_conf_says_only_what_was_said() {
    assert_eq!(Loader::default().text().as_deref(), Ok(""));
    let loader = Loader {
        default: Some("phone-*".to_owned()),
        timeout: Some(0),
        editor: Some(false),
        auto_entries: Some(false),
        auto_firmware: Some(true),
    };
    let text = "default phone-*\ntimeout 0\neditor no\nauto-entries no\nauto-firmware yes\n";
    assert_eq!(loader.text().as_deref(), Ok(text));
    for pattern in ["", "a b", "a\neditor yes"] {
        let error = Loader { default: Some(pattern.to_owned()), ..loader.clone() }.text();
        assert!(error.expect_err(pattern).to_string().ends_with("one word of printable ASCII can"));
    }
}
