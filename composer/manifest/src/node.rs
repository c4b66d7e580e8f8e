//! YAML as manifests see it: scalars that keep their text, lists and mappings, each with its place.
//! What a scalar means is left to the type that reads it, so `1.10`, `no` and `0755` stay themselves.

use std::borrow::Cow;

use tarsia_model::{Span, Spanned};

/// One value of a YAML file with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it stands; for what an alias brought in, where it was defined.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// The three shapes of YAML values.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A text, number, boolean or nothing at all.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A mapping in file order; no key stands twice.
    Map(Vec<(Spanned<String>, Node)>),
}

/// A scalar's text after YAML's escapes, not yet interpreted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scalar {
    /// The text.
    pub text: String,
    /// Whether it was written in quotes or as a block: then it is text whatever it looks like.
    pub quoted: bool,
}

impl Scalar {
    /// A scalar as it would be written without quotes.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), quoted: false }
    }

    /// Whether nothing was written (YAML 1.2 core schema, section 10.3.2: null).
    pub fn is_null(&self) -> bool {
        !self.quoted && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    /// Reads `true` or `false`; the other spellings of YAML 1.1 are refused.
    ///
    /// # Errors
    /// What to write instead.
    pub fn boolean(&self) -> Result<bool, String> {
        match (self.quoted, self.text.as_str()) {
            (false, "true") => Ok(true),
            (false, "false") => Ok(false),
            (true, "true" | "false") => Err(format!("write {} without quotes", self.text)),
            _ => Err("write `true` or `false`".to_owned()),
        }
    }

    /// Reads a whole number: decimal or `0x` hexadecimal, `_` between digits.
    ///
    /// # Errors
    /// What to write instead.
    pub fn integer(&self) -> Result<u64, String> {
        if self.quoted {
            return Err(format!("write {} without quotes", self.text));
        }
        let usage = || "write a whole number: `115200`, `115_200` or `0x1c200`".to_owned();
        let (digits, radix) = match self.text.strip_prefix("0x") {
            Some(digits) => (digits, 16),
            None => (self.text.as_str(), 10),
        };
        let all_digits =
            |group: &str| !group.is_empty() && group.chars().all(|c| c.is_digit(radix));
        if !digits.split('_').all(all_digits) {
            return Err(usage());
        }
        let joined = if digits.contains('_') {
            Cow::Owned(digits.replace('_', ""))
        } else {
            Cow::Borrowed(digits)
        };
        if radix == 10 && joined.len() > 1 && joined.starts_with('0') {
            // YAML 1.1 reads 0755 as octal, YAML 1.2 as decimal: nobody can know what was meant.
            let decimal = joined.trim_start_matches('0');
            let decimal = if decimal.is_empty() { "0" } else { decimal };
            return Err(format!(
                "a leading zero is ambiguous (octal or decimal); write `{decimal}`"
            ));
        }
        u64::from_str_radix(&joined, radix)
            .map_err(|_| format!("the largest number is {}", u64::MAX))
    }
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.text)
    }
}

impl Node {
    /// What it is, for messages: `a list`.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(scalar) if scalar.is_null() => "nothing",
            Kind::Scalar(_) => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// How many nodes it holds, itself included, and how deep they nest (1 for a scalar).
    pub fn extent(&self) -> (usize, usize) {
        let join = |(count, depth): (usize, usize), node: &Self| {
            let (more, deeper) = node.extent();
            (count + more, depth.max(deeper + 1))
        };
        match &self.kind {
            Kind::Scalar(_) => (1, 1),
            Kind::List(items) => items.iter().fold((1, 1), join),
            Kind::Map(entries) => entries.iter().map(|(_, node)| node).fold((1, 1), join),
        }
    }
}
