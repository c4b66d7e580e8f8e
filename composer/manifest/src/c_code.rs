//! C that a component has beside its crate, or instead of one: which files are compiled, and how.

use tarsia_model::{Code, Diagnostic, Name, Spanned, suggest};

use crate::collection::{Set, Table};
use crate::feature::{Feature, FeatureType};
use crate::node::Scalar;
use crate::record::record;
use crate::scalar::{CrateName, InnerPath, MacroName, PlainWord, ProgramName};

record! {
    /// C that is compiled for a component and linked into the firmware.
    pub struct CCode = "C code" check check_code {
        /// The compiler; the usual one for the board's target when absent.
        "compiler" compiler: Option<Spanned<ProgramName>>,
        /// The files to compile, in the component's folder.
        "files" files: Set<InnerPath>,
        /// The folders of the component that headers are looked for in, in this order. No others of it are visible.
        "include" include: Set<InnerPath>,
        /// Macros that are defined for every file.
        "define" define: Table<MacroName, Define>,
        /// What else the compiler is told, beside what target and size ask for.
        "flags" flags: Vec<Spanned<PlainWord>>,
        /// C that crates from the registry bring along, by crate. The crate's own manifest lists them among its
        /// dependencies, so that `Cargo.lock` fixes version and content.
        "crates" crates: Table<CrateName, CrateCode>,
    }
}

record! {
    /// C of a crate from the registry.
    pub struct CrateCode = "C code of a crate" {
        /// The files to compile, in the crate's folder.
        "files" files: Set<InnerPath>,
        /// The folders of the crate that headers are looked for in, in this order, after the component's own.
        "include" include: Set<InnerPath>,
    }
}

record! {
    /// The value of a macro: a constant, or that of a feature.
    pub struct Define = "a value of a macro" short "value" check check_define {
        /// The value as C reads it.
        "value" value: Option<Spanned<Scalar>>,
        /// The feature of the component: `bool` gives 0 or 1, `int` its number, `size` bytes, `duration`
        /// milliseconds, `string` a string literal.
        "feature" feature: Option<Spanned<Name>>,
    }
}

fn check_code(code: &CCode, problems: &mut Vec<Diagnostic>) -> Option<()> {
    if !code.files.is_empty() || code.crates.iter().any(|(_, code)| !code.files.is_empty()) {
        return Some(());
    }
    let message = "C code without any file to compile";
    problems.push(
        Diagnostic::at(Code::MissingKey, code.span, message)
            .hint("list them with `files`, or under `crates`".to_owned()),
    );
    None
}

fn check_define(define: &Define, problems: &mut Vec<Diagnostic>) -> Option<()> {
    let message = match (&define.value, &define.feature) {
        (Some(value), None) if value.value.text.contains(char::is_control) => {
            "a macro's value is one line of text"
        }
        (Some(_), None) | (None, Some(_)) => return Some(()),
        _ => "a macro has a `value`, or a `feature` that says it",
    };
    problems.push(Diagnostic::at(Code::BadValue, define.span, message));
    None
}

impl CCode {
    /// Complains about macros that no feature can give their value.
    pub(crate) fn judge(&self, features: &Table<Name, Feature>, problems: &mut Vec<Diagnostic>) {
        for feature in self.define.iter().filter_map(|(_, define)| define.feature.as_ref()) {
            let known = features.keys().map(|key| key.value.as_str());
            let near = || suggest::did_you_mean(feature.value.as_str(), known);
            let (message, hint) = match features.get(&feature.value).map(|one| &one.kind) {
                None => (format!("the component has no feature `{}`", feature.value), near()),
                Some(FeatureType::Enum(_)) => {
                    let message =
                        format!("`{}` has words for values, C none for them", feature.value);
                    (message, Some("use a feature of another type".to_owned()))
                }
                Some(_) => continue,
            };
            problems.push(Diagnostic::at(Code::BadValue, feature.span, message).hint(hint));
        }
    }
}
