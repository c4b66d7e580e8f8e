//! Names of components, products and profiles (`soil-sensor`) and of capabilities
//! (`sensor.temperature`). They become file names, crate names and command-line words, so the
//! alphabet is small: nothing in a name can be an option, a path or an escape sequence.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest name, in bytes: short enough for any file system with a suffix added.
pub const MAX_NAME: usize = 64;

macro_rules! name_type {
    ($(#[$doc:meta])* $type:ident, $check:ident, $schema:literal, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $type(Arc<str>);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = String;

            /// The error says which rule the text breaks.
            fn from_str(text: &str) -> Result<Self, String> {
                $check(text).map(|()| Self(text.into()))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $schema.into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern, "maxLength": 64 })
            }
        }
    };
}

name_type!(
    /// A component's, product's or profile's name: `[a-z][a-z0-9]*(-[a-z0-9]+)*`, at most 64 bytes.
    Name, check_name, "Name", "^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
);
name_type!(
    /// A capability's name: one or more [`Name`]s joined by dots.
    CapabilityName, check_capability, "CapabilityName",
    "^[a-z][a-z0-9]*(-[a-z0-9]+)*(\\.[a-z][a-z0-9]*(-[a-z0-9]+)*)*$"
);

impl Name {
    /// The name as a Rust identifier: `-` becomes `_`.
    pub fn ident(&self) -> String {
        self.0.replace('-', "_")
    }
}

fn check_length(text: &str) -> Result<(), String> {
    match text.len() {
        0 => Err("a name cannot be empty".into()),
        n if n > MAX_NAME => Err(format!("a name has at most {MAX_NAME} characters, this has {n}")),
        _ => Ok(()),
    }
}

fn check_segment(text: &str) -> Result<(), String> {
    let rule = "use lower-case letters, digits and single `-` between them";
    // Names are read by the hundred thousand: bytes first, characters for the message only.
    let stray = |byte: &u8| !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    if text.as_bytes().iter().any(stray)
        && let Some(c) = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-'))
    {
        return Err(format!("`{}` cannot stand in a name; {rule}", c.escape_debug()));
    }
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(format!("a name starts with a letter; {rule}"));
    }
    if text.ends_with('-') || text.contains("--") {
        return Err(format!("`-` stands only between letters or digits; {rule}"));
    }
    Ok(())
}

fn check_name(text: &str) -> Result<(), String> {
    check_length(text)?;
    check_segment(text)
}

fn check_capability(text: &str) -> Result<(), String> {
    check_length(text)?;
    text.split('.').try_for_each(check_segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_words() {
        for good in ["a", "soil-sensor", "lm3s6965evb", "a1-b2"] {
            assert_eq!(good.parse::<Name>().map(|n| n.to_string()), Ok(good.to_owned()));
        }
        let long = "a".repeat(65);
        for bad in [
            "",
            "-x",
            "1x",
            "a--b",
            "a-",
            "A",
            "a_b",
            "a.b",
            "a/b",
            "..",
            "a\nb",
            "a\u{1b}[2J",
            "é",
            &long,
        ] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
        assert!("sensor.temperature".parse::<CapabilityName>().is_ok());
        assert!("sensor..t".parse::<CapabilityName>().is_err());
    }
}
