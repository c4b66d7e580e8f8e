//! The configuration of a kernel that somebody else built, held against what the components ask for. What it has as
//! a module does for who asked for it to be built in, once the module is loaded; which option a module belongs to
//! is not in any package, so that is the word of the component that asks for both.

use std::collections::BTreeSet;

use tarsia_model::{Diagnostic, Name};
use tarsia_plan::linux::{KernelOption, Value};

use super::check::{Configuration, agrees, unmet};

/// One diagnostic for each option that the kernel has otherwise (E0612), naming who asked. `listing` are the
/// components that list modules, and `loaded` the modules that are loaded.
pub fn check(
    wanted: &[KernelOption],
    made: &Configuration,
    listing: &BTreeSet<Name>,
    loaded: &BTreeSet<&str>,
) -> Vec<Diagnostic> {
    let lists = |option: &KernelOption| {
        let mut components = option.askers.iter().filter_map(|asker| asker.component.as_ref());
        components.any(|component| listing.contains(component))
    };
    let does = |option: &&KernelOption| {
        let written = made.written(&option.name);
        let as_module = option.value == Value::Yes && written == "m";
        let named = || loaded.contains(option.name.to_ascii_lowercase().as_str());
        agrees(&option.value, written) || as_module && (lists(option) || named())
    };
    let missed = wanted.iter().filter(|option| !does(option));
    missed.map(|option| missing(option, made.written(&option.name))).collect()
}

fn missing(option: &KernelOption, written: &str) -> Diagnostic {
    let outcome = format!("has {}={written}", option.name);
    let diagnostic = unmet(option, "cannot use the prebuilt kernel", &outcome);
    let hint = match (&option.value, written) {
        (Value::Yes, "m") => {
            "what it has as a module (m) does for a component that names the module under `kernel-modules`"
        }
        _ => "a kernel that is built from source, such as `linux`, is configured as it is needed",
    };
    diagnostic.hint(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use tarsia_model::{SourceId, Span};
    use tarsia_plan::linux::Asker;

    use super::*;

    fn name(text: &str) -> Name {
        text.parse().expect("a name")
    }

    /// `NAME=VALUE ASKER…`; an asker in upper case is a profile.
    fn wanted(text: &str) -> KernelOption {
        let mut words = text.split(' ');
        let (option, value) = words.next().expect("an option").split_once('=').expect("a value");
        let span = Span::new(SourceId(0), 0, 1);
        let asker = |who: &str| Asker { who: who.to_owned(), component: who.parse().ok(), span };
        let value = match value {
            "y" => Value::Yes,
            "n" => Value::No,
            "m" => Value::Module,
            number => Value::Number(number.to_owned()),
        };
        KernelOption { name: option.to_owned(), value, askers: words.map(asker).collect() }
    }

    #[test]
    fn what_the_kernel_has_is_held_against_what_is_asked_for() {
        let made = Configuration::parse(
            "CONFIG_NET=y\nCONFIG_VIRTIO_NET=m\nCONFIG_EXT4_FS=m\n# CONFIG_DM_INIT is not set\n\
             CONFIG_HZ=250\nCONFIG_DEVMEM=y\n",
        );
        let listing = BTreeSet::from([name("net")]);
        let loaded = BTreeSet::from(["virtio_net", "ext4_fs"]);
        let cases = [
            ("NET=y other", ""),
            // Who lists modules brings them; or another does, if the name tells.
            ("VIRTIO_NET=y net", ""),
            ("VIRTIO_NET=y other net", ""),
            ("EXT4_FS=y other", ""),
            ("VIRTIO_NET=m other", ""),
            ("DM_INIT=n other", ""),
            ("DM_INIT=y other", "other needs DM_INIT=y, and it has DM_INIT=n"),
            ("LOST=y net STANDARD", "net needs LOST=y, and it has LOST=n"),
            ("DEVMEM=n STANDARD", "STANDARD needs DEVMEM=n, and it has DEVMEM=y"),
            // What is not to be there is not to be there as a module.
            ("VIRTIO_NET=n net", "net needs VIRTIO_NET=n, and it has VIRTIO_NET=m"),
            ("HZ=100 other", "other needs HZ=100, and it has HZ=250"),
        ];
        for (option, expected) in cases {
            let found = check(&[wanted(option)], &made, &listing, &loaded);
            let texts: Vec<&str> =
                found.iter().filter_map(|one| Some(one.message.split_once(": ")?.1)).collect();
            assert_eq!(texts.join("; "), expected, "{option}");
            assert!(found.iter().all(|one| one.hints.len() == 1), "{found:?}");
        }
        let option = wanted("EXT4_FS=y other STANDARD");
        let found = check(&[option], &made, &listing, &BTreeSet::new());
        let [found] = found.as_slice() else { panic!("{found:?}") };
        assert!(found.hints[0].starts_with("what it has as a module"), "{found:?}");
        assert_eq!(found.related[0].text, "STANDARD needs it too");
    }
}
