//! The C of a component: what is compiled, and what the compiler is told beside where things are.

use tarsia_manifest::{CCode, Define, FeatureValue, InnerPath, Set};
use tarsia_model::{Code, Diagnostic, Name, Span};
use tarsia_resolve::{Selected, Selection};

/// The C of one component.
#[derive(Clone, Debug)]
pub struct CPart {
    /// The component.
    pub component: Name,
    /// Where its manifest says so, for messages.
    pub span: Span,
    /// The compiler, as it is found in the user's search path.
    pub compiler: String,
    /// What is compiled, in order.
    pub files: Vec<Place>,
    /// Where headers are looked for, in order.
    pub include: Vec<Place>,
    /// Macros with their values, by name.
    pub define: Vec<(String, String)>,
    /// What else the compiler is told, in order.
    pub flags: Vec<String>,
}

/// A file or folder that a component's C is made from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The crate from the registry that has it; none when it stands in the component's folder.
    pub krate: Option<String>,
    /// Its path in that folder.
    pub path: String,
    /// Where the manifest names it.
    pub span: Span,
}

impl Place {
    /// What people call it: its path, below the crate's name when a crate brings it.
    pub fn shown(&self) -> String {
        match &self.krate {
            Some(krate) => format!("{krate}/{}", self.path),
            None => self.path.clone(),
        }
    }
}

impl CPart {
    /// The name of the library that all of it becomes, as linkers know it.
    pub fn library(&self) -> String {
        format!("tarsia-c-{}", self.component)
    }

    /// The crates that have something of it.
    pub fn crates(&self) -> impl Iterator<Item = &str> {
        let all = self.files.iter().chain(&self.include).filter_map(|place| place.krate.as_deref());
        let names: std::collections::BTreeSet<&str> = all.collect();
        names.into_iter()
    }
}

/// What every file is compiled with: as small as the Rust beside it, each function apart so that the linker
/// can leave it out, and with the debug information from which the account of sizes is made, in rustc's own
/// version of DWARF.
const USUAL: [&str; 5] = ["-Os", "-g", "-gdwarf-4", "-ffunction-sections", "-fdata-sections"];

/// The compiler for a target of Rust, and the flags by which its code fits Rust's (rustc's target
/// specifications: processor, floating point, code model). Nobody unwinds a stack there.
fn usual(target: &str) -> Option<(&'static str, Vec<&'static str>)> {
    let arm = |words: &[&'static str]| {
        let common = ["-mthumb", "-fno-asynchronous-unwind-tables"];
        Some(("arm-none-eabi-gcc", [&common[..], words].concat()))
    };
    let riscv = |march| {
        let words = ["-mabi=ilp32", "-mcmodel=medany", "-fno-asynchronous-unwind-tables"];
        Some(("riscv64-unknown-elf-gcc", [&[march][..], &words].concat()))
    };
    match target {
        "thumbv6m-none-eabi" => arm(&["-march=armv6s-m", "-mfloat-abi=soft"]),
        "thumbv7m-none-eabi" => arm(&["-march=armv7-m", "-mfloat-abi=soft"]),
        "thumbv7em-none-eabi" => arm(&["-march=armv7e-m", "-mfloat-abi=soft"]),
        "thumbv7em-none-eabihf" => {
            arm(&["-march=armv7e-m", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"])
        }
        "thumbv8m.base-none-eabi" => arm(&["-march=armv8-m.base", "-mfloat-abi=soft"]),
        "thumbv8m.main-none-eabi" => arm(&["-march=armv8-m.main", "-mfloat-abi=soft"]),
        "thumbv8m.main-none-eabihf" => {
            arm(&["-march=armv8-m.main", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"])
        }
        "riscv32i-unknown-none-elf" => riscv("-march=rv32i"),
        "riscv32imc-unknown-none-elf" => riscv("-march=rv32imc"),
        "riscv32imac-unknown-none-elf" => riscv("-march=rv32imac"),
        _ => None,
    }
}

/// The C of a selection, by component. `linux` is the compiler of a board that runs Linux.
///
/// # Errors
/// A target for which no compiler is known, and none is named.
pub(crate) fn parts(
    selection: &Selection<'_>,
    target: &str,
    linux: Option<&str>,
) -> Result<Vec<CPart>, Diagnostic> {
    let all = selection.components.iter();
    all.filter_map(|(name, selected)| Some((name, selected, selected.manifest.c.as_ref()?)))
        .map(|(name, selected, code)| part(name, selected, code, target, linux))
        .collect()
}

fn part(
    name: &Name,
    selected: &Selected<'_>,
    code: &CCode,
    target: &str,
    linux: Option<&str>,
) -> Result<CPart, Diagnostic> {
    // The program is linked to be where it is told, and its C, too.
    let usual = linux.map(|compiler| (compiler, vec!["-fno-pie"])).or_else(|| usual(target));
    let named = code.compiler.as_ref().map(|compiler| compiler.as_str());
    let (compiler, for_target) = match (named, usual) {
        (Some(named), usual) => (named, usual.map(|(_, flags)| flags).unwrap_or_default()),
        (None, Some(usual)) => usual,
        (None, None) => {
            let message =
                format!("cannot compile the C of `{name}`: no compiler for {target} is known");
            return Err(Diagnostic::at(Code::ToolMissing, code.span, message).hint(
                "name one with `compiler`, and what it is to be told about the target with `flags`"
                    .to_owned(),
            ));
        }
    };
    let places = |krate: Option<&str>, paths: &Set<InnerPath>| -> Vec<Place> {
        let place = |path: &tarsia_model::Spanned<InnerPath>| Place {
            krate: krate.map(str::to_owned),
            path: path.as_str().to_owned(),
            span: path.span,
        };
        paths.iter().map(place).collect()
    };
    let (mut files, mut include) = (places(None, &code.files), places(None, &code.include));
    for (krate, code) in code.crates.iter() {
        files.extend(places(Some(krate.as_str()), &code.files));
        include.extend(places(Some(krate.as_str()), &code.include));
    }
    let mut define: Vec<(String, String)> = code
        .define
        .iter()
        .map(|(macro_name, define)| (macro_name.as_str().to_owned(), value(define, selected)))
        .collect();
    define.sort();
    let own = code.flags.iter().map(|flag| flag.as_str());
    Ok(CPart {
        component: name.clone(),
        span: code.span,
        compiler: compiler.to_owned(),
        files,
        include,
        define,
        flags: USUAL.into_iter().chain(for_target).chain(own).map(str::to_owned).collect(),
    })
}

fn value(define: &Define, selected: &Selected<'_>) -> String {
    if let Some(value) = &define.value {
        return value.value.text.clone();
    }
    let feature = define.feature.as_ref().and_then(|name| selected.features.get(name.as_str()));
    match feature.map(|feature| &feature.value) {
        Some(FeatureValue::Bool(value)) => u8::from(*value).to_string(),
        Some(FeatureValue::Size(size)) => size.0.to_string(),
        Some(FeatureValue::Duration(time)) => time.0.to_string(),
        Some(FeatureValue::String(text)) => literal(text),
        Some(other) => other.to_string(),
        // The manifest was checked: it has the feature.
        None => String::new(),
    }
}

/// A string literal of C (C11, section 6.4.5): what is no plain letter is written in octal, which ends after
/// three digits.
fn literal(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'"' | b'\\' | b'?' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        other => format!("\\{other:03o}"),
    };
    format!("\"{}\"", text.bytes().map(byte).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_literals() {
        for (text, written) in [
            ("plain", r#""plain""#),
            ("a \"b\" \\ ??=", r#""a \"b\" \\ \?\?=""#),
            ("\n1é", r#""\0121\303\251""#),
        ] {
            assert_eq!(literal(text), written);
        }
    }

    #[test]
    fn a_target_decides_who_compiles() {
        let words = |target| {
            usual(target).map(|(compiler, flags)| format!("{compiler} {}", flags.join(" ")))
        };
        let hard = words("thumbv7em-none-eabihf").expect("known");
        assert!(
            hard.starts_with("arm-none-eabi-gcc ") && hard.contains("-mfloat-abi=hard"),
            "{hard}"
        );
        let risc = words("riscv32imac-unknown-none-elf").expect("known");
        assert!(risc.contains("-march=rv32imac ") && risc.contains("-mabi=ilp32"), "{risc}");
        assert_eq!(words("avr-none"), None);
    }
}
