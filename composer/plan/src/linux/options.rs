//! The options of the Linux kernel that a selection asks for, gathered from board, kernel, drivers,
//! services and profile, each with everyone who asked.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use tarsia_manifest::{Scalar, scalar};
use tarsia_model::{Code, Diagnostic, Name, Span, Spanned};
use tarsia_resolve::Selection;

/// The value of a kernel option, as Kconfig has them (Documentation/kbuild/kconfig-language.rst).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// Not set.
    No,
    /// Built in.
    Yes,
    /// Built as a module.
    Module,
    /// A number as it is written: decimal, with `-` before it when it is negative, or `0x` and hexadecimal digits.
    Number(String),
    /// Text.
    Text(String),
}

impl Value {
    fn of(scalar: &Scalar) -> Self {
        match (scalar.quoted, scalar.text.as_str()) {
            (false, "n") => Self::No,
            (false, "y") => Self::Yes,
            (false, "m") => Self::Module,
            (false, text) if scalar.integer().is_ok() => Self::Number(text.replace('_', "")),
            (false, text) if is_decimal(text) => Self::Number(text.to_owned()),
            (_, text) => Self::Text(text.to_owned()),
        }
    }
}

/// Whether it is an `int` of Kconfig's: its numbers may be negative, and as long as they like.
fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// As a line of a kernel's configuration has it after `=`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No => f.write_str("n"),
            Self::Yes => f.write_str("y"),
            Self::Module => f.write_str("m"),
            Self::Number(text) => f.write_str(text),
            Self::Text(text) => {
                let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
                write!(f, "\"{escaped}\"")
            }
        }
    }
}

/// Who asks for an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// A component's or profile's name, with what it is: "component `virtio-net`".
    pub who: String,
    /// The component; none for a profile.
    pub component: Option<Name>,
    /// Where.
    pub span: Span,
}

/// An option with its value and everyone who asks for it; there is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelOption {
    /// Its name, without `CONFIG_`.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// Who asks for it.
    pub askers: Vec<Asker>,
}

/// Gathers the options of a selection, sorted by name.
///
/// # Errors
/// Each option for which two ask different values (E0423), with both places.
pub(crate) fn gather(selection: &Selection<'_>) -> Result<Vec<KernelOption>, Vec<Diagnostic>> {
    let mut found: BTreeMap<String, KernelOption> = BTreeMap::new();
    let mut problems = Vec::new();
    let mut add = |component: Option<&Name>, name: &Spanned<scalar::KernelOption>, scalar| {
        let scalar: &Spanned<Scalar> = scalar;
        let who = match component {
            Some(component) => format!("component `{component}`"),
            None => format!("profile `{}`", selection.profile.profile.value),
        };
        let asker = Asker { who, component: component.cloned(), span: name.span };
        let value = Value::of(&scalar.value);
        match found.get_mut(name.value.as_str()) {
            None => {
                let option =
                    KernelOption { name: name.value.to_string(), value, askers: vec![asker] };
                found.insert(name.value.to_string(), option);
            }
            Some(known) if known.value == value => known.askers.push(asker),
            Some(known) => {
                let first = &known.askers[0];
                let message = format!(
                    "cannot configure the kernel: {} needs {}={value}, and {} needs {}={}",
                    asker.who, name.value, first.who, name.value, known.value
                );
                problems.push(
                    Diagnostic::at(Code::KernelOptionsDisagree, scalar.span, message)
                        .also(first.span, format!("{} here", known.value)),
                );
            }
        }
    };
    for (component, selected) in &selection.components {
        for (name, value) in selected.kernel_options.iter().flat_map(|options| options.set.iter()) {
            add(Some(component), name, value);
        }
    }
    for (name, value) in selection.profile.kernel_options.iter() {
        add(None, name, value);
    }
    if problems.is_empty() { Ok(found.into_values().collect()) } else { Err(problems) }
}
