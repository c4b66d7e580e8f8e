//! A kernel's configuration as its tools made it, held against what the components asked for.

use std::collections::BTreeMap;

use tarsia_model::{Code, Diagnostic, suggest};
use tarsia_plan::linux::{KernelOption, Value};

use super::expression::{Expression, Truth};
use super::menu::{Definition, Menu};

/// A kernel's configuration: the values of its options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration(BTreeMap<String, String>);

impl Configuration {
    /// Reads a `.config`; what is not set is absent.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter_map(|line| line.strip_prefix("CONFIG_")?.split_once('='));
        Self(lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// How true a word of an expression is. What is decided by running a program is taken for true.
    pub fn truth(&self, word: &str) -> Truth {
        match self.text(word).as_str() {
            "n" | "" => Truth::No,
            "m" => Truth::Module,
            _ => Truth::Yes,
        }
    }

    /// The value of a word: of an option, or itself when it is a constant.
    pub fn text(&self, word: &str) -> String {
        let constant = word.starts_with(['"', '\'', '$']) || matches!(word, "y" | "n" | "m");
        if constant || word.starts_with(|c: char| c.is_ascii_digit()) {
            return word.trim_matches(['"', '\'']).to_owned();
        }
        self.0.get(word).map_or_else(|| "n".to_owned(), |value| value.trim_matches('"').to_owned())
    }

    /// The value of an option as it is written, `n` when it is not set.
    pub fn written(&self, name: &str) -> &str {
        self.0.get(name).map_or("n", String::as_str)
    }
}

/// Whether an option came out as it was asked for. Kconfig writes hexadecimal numbers in its own way. What is too
/// long for a number is compared as it is written.
pub(super) fn agrees(value: &Value, written: &str) -> bool {
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(digits) => i128::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    match value {
        Value::Number(text) if text != written => {
            number(text).is_some() && number(text) == number(written)
        }
        other => other.to_string() == written,
    }
}

/// One diagnostic for each option that came out otherwise (E0612), naming who asked and what is in the
/// way.
pub fn check(
    wanted: &[KernelOption],
    made: &Configuration,
    menu: impl FnOnce() -> Menu,
) -> Vec<Diagnostic> {
    let missed: Vec<&KernelOption> =
        wanted.iter().filter(|option| !agrees(&option.value, made.written(&option.name))).collect();
    if missed.is_empty() {
        return Vec::new();
    }
    let menu = menu();
    missed.into_iter().map(|option| missing(option, made, &menu)).collect()
}

/// That an option is not as its askers need it; `failed` and `outcome` are the ends of the message.
pub(super) fn unmet(option: &KernelOption, failed: &str, outcome: &str) -> Diagnostic {
    let KernelOption { name, value, askers } = option;
    let first = &askers[0];
    let message = format!("{failed}: {} needs {name}={value}, and it {outcome}", first.who);
    let diagnostic = Diagnostic::at(Code::KernelOptionUnmet, first.span, message);
    askers[1..].iter().fold(diagnostic, |diagnostic, other| {
        diagnostic.also(other.span, format!("{} needs it too", other.who))
    })
}

fn missing(option: &KernelOption, made: &Configuration, menu: &Menu) -> Diagnostic {
    let KernelOption { name, value, .. } = option;
    let outcome = format!("came out as {}", made.written(name));
    let diagnostic = unmet(option, "cannot configure the kernel", &outcome);
    let Some(definitions) = menu.options.get(name) else {
        return diagnostic
            .note(format!("this kernel has no option {name}"))
            .hint(suggest::did_you_mean(name, menu.options.keys().map(String::as_str)));
    };
    reasons(name, value, definitions, made, menu).into_iter().fold(diagnostic, Diagnostic::note)
}

fn reasons(
    name: &str,
    value: &Value,
    definitions: &[Definition],
    made: &Configuration,
    menu: &Menu,
) -> Vec<String> {
    let holds = |by: &str, when: &[Expression]| {
        made.truth(by) > Truth::No && when.iter().all(|one| one.truth(made) > Truth::No)
    };
    if *value == Value::No {
        let selectors = menu.selectors(name, &holds);
        return match selectors.as_slice() {
            [] => vec![format!("{name} is set by its own default; it cannot be turned off here")],
            by => vec![format!("{name} is selected by {}", by.join(", "))],
        };
    }
    let wanted = if *value == Value::Module { Truth::Module } else { Truth::Yes };
    let prompted: Vec<&Definition> = definitions.iter().filter(|one| one.prompted).collect();
    if prompted.is_empty() {
        return vec![format!("{name} cannot be set directly: other options select it")];
    }
    // One definition whose conditions hold is enough, so the nearest to that explains it.
    let failing = prompted.iter().map(|definition| {
        let failing = |one: &Expression| one.failing(made, wanted);
        definition.depends.iter().flat_map(failing).collect::<Vec<String>>()
    });
    let fewest = failing.min_by_key(Vec::len).unwrap_or_default();
    if fewest.is_empty() {
        return vec![format!(
            "nothing that {name} depends on is in the way: a choice or a range decides it"
        )];
    }
    fewest.into_iter().map(|what| format!("{name} depends on {what}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tarsia_model::{SourceId, Span};
    use tarsia_plan::linux::Asker;

    fn wanted(name: &str, value: Value) -> KernelOption {
        let span = Span::new(SourceId(0), 0, 1);
        let asker = |who: &str| Asker { who: who.to_owned(), component: None, span };
        let askers = vec![asker("component `disk`"), asker("profile `small`")];
        KernelOption { name: name.to_owned(), value, askers }
    }

    fn definition(prompted: bool, depends: &[&str], selects: &[&str]) -> Vec<Definition> {
        let parsed = |text: &&str| Expression::parse(text).expect("an expression");
        let selects = selects.iter().map(|name| ((*name).to_owned(), Vec::new())).collect();
        vec![Definition { depends: depends.iter().map(parsed).collect(), prompted, selects }]
    }

    fn menu() -> Menu {
        let options = [
            ("VIRTIO_BLK", definition(true, &["BLK_DEV && (PCI || MMIO)", "!UML"], &[])),
            ("CRC32", definition(false, &[], &[])),
            ("NLS", definition(true, &[], &[])),
            ("FAT", definition(true, &[], &["NLS"])),
            ("HZ", definition(true, &[], &[])),
        ];
        Menu { options: options.map(|(name, all)| (name.to_owned(), all)).into() }
    }

    #[test]
    fn what_came_out_as_asked_is_no_problem_whatever_its_form() {
        let huge = "9".repeat(50);
        let made = Configuration::parse(&format!(
            "CONFIG_A=y\nCONFIG_B=0x1000\nCONFIG_C=\"a \\\"b\\\"\"\n# CONFIG_D is not set\n\
             CONFIG_E=-1\nCONFIG_F=18446744073709551615\nCONFIG_G={huge}\n",
        ));
        let all = [
            wanted("A", Value::Yes),
            wanted("B", Value::Number("4096".to_owned())),
            wanted("C", Value::Text("a \"b\"".to_owned())),
            wanted("D", Value::No),
            wanted("E", Value::Number("-01".to_owned())),
            wanted("F", Value::Number("0xffffffffffffffff".to_owned())),
            wanted("G", Value::Number(huge.clone())),
        ];
        assert_eq!(check(&all, &made, || panic!("nothing is to be explained")), []);
    }

    #[test]
    fn what_did_not_come_true_names_who_asked_and_what_is_in_the_way() {
        let made = Configuration::parse(
            "CONFIG_UML=y\nCONFIG_PCI=y\nCONFIG_NLS=y\nCONFIG_FAT=y\nCONFIG_HZ=250\n",
        );
        let cases: [(KernelOption, &str, &str); 7] = [
            (
                wanted("VIRTIO_BLK", Value::Yes),
                "n",
                "VIRTIO_BLK depends on BLK_DEV, which is n; VIRTIO_BLK depends on !UML",
            ),
            (
                wanted("CRC32", Value::Yes),
                "n",
                "CRC32 cannot be set directly: other options select it",
            ),
            (wanted("NLS", Value::No), "y", "NLS is selected by FAT"),
            (
                wanted("FAT", Value::No),
                "y",
                "FAT is set by its own default; it cannot be turned off here",
            ),
            (
                wanted("HZ", Value::Number("100".to_owned())),
                "250",
                "nothing that HZ depends on is in the way: a choice or a range decides it",
            ),
            (
                wanted("HZ", Value::Number("-250".to_owned())),
                "250",
                "nothing that HZ depends on is in the way: a choice or a range decides it",
            ),
            (wanted("VIRTIO_BLX", Value::Yes), "n", "this kernel has no option VIRTIO_BLX"),
        ];
        for (option, written, notes) in cases {
            let found = check(std::slice::from_ref(&option), &made, menu);
            let [found] = found.as_slice() else { panic!("{found:?}") };
            let KernelOption { name, value, .. } = &option;
            let message = format!(
                "cannot configure the kernel: component `disk` needs {name}={value}, and it came out as {written}"
            );
            assert_eq!((found.code, &found.message), (Code::KernelOptionUnmet, &message));
            assert_eq!(found.notes.join("; "), notes);
            assert_eq!(found.related[0].text, "profile `small` needs it too");
            let hints = if name == "VIRTIO_BLX" { 1 } else { 0 };
            assert_eq!(found.hints.len(), hints, "{found:?}");
        }
    }
}
