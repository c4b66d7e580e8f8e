//! Single values: text, numbers, booleans, sizes, names, and the words that end up in generated Rust
//! and Cargo files, whose alphabets are kept so small that nothing needs escaping there.

use std::fmt;
use std::str::FromStr;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_yaml::Value;
use tarsia_model::{Blake3, ByteSize, CapabilityName, Code, Diagnostic, Millis, Name, Sha256};

use crate::item::{Item, parsed, scalar};
use crate::node::{Node, Scalar};
use crate::pack::{Pack, Packer, Unpacker, as_text};
use crate::reference::Page;

/// A type read from a scalar by a function.
macro_rules! scalar_item {
    ($type:ty, $code:expr, $what:literal, $read:expr, $write:expr, $schema:expr) => {
        impl Item for $type {
            fn decode(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Self> {
                parsed(node, $what, $code, problems, $read)
            }
            fn encode(&self) -> Value {
                $write(self)
            }
            fn schema(generator: &mut SchemaGenerator) -> Schema {
                $schema(generator)
            }
            fn describe(_: &mut Page) -> String {
                without_article($what).to_owned()
            }
        }
    };
}

/// The reference page's tables leave the article out.
pub(crate) fn without_article(what: &str) -> &str {
    what.strip_prefix("a ").or_else(|| what.strip_prefix("an ")).unwrap_or(what)
}

fn integer_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [
        { "type": "integer", "minimum": 0 },
        { "type": "string", "pattern": "^(0x[0-9a-fA-F]+(_[0-9a-fA-F]+)*|[0-9]+(_[0-9]+)*)$" }
    ] })
}

fn text_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "number", "boolean"] })
}

scalar_item!(
    String,
    Code::WrongType,
    "text",
    |scalar: &Scalar| Ok(scalar.text.clone()),
    |text: &Self| Value::String(text.clone()),
    text_schema
);
scalar_item!(
    bool,
    Code::WrongType,
    "a boolean",
    Scalar::boolean,
    |value: &Self| Value::Bool(*value),
    |_: &mut SchemaGenerator| json_schema!({ "type": "boolean" })
);
scalar_item!(
    u64,
    Code::WrongType,
    "a whole number",
    Scalar::integer,
    |value: &Self| Value::Number((*value).into()),
    integer_schema
);
scalar_item!(
    u32,
    Code::WrongType,
    "a whole number of 32 bits",
    |scalar: &Scalar| {
        let value = scalar.integer()?;
        Self::try_from(value).map_err(|_| format!("the largest number here is {}", Self::MAX))
    },
    |value: &Self| Value::Number((*value).into()),
    integer_schema
);
scalar_item!(
    ByteSize,
    Code::BadSize,
    "a size",
    size,
    |value: &Self| match value.0 {
        0 => Value::Number(0.into()),
        _ => Value::String(value.to_string()),
    },
    SchemaGenerator::subschema_for::<Self>
);
scalar_item!(
    Millis,
    Code::BadValue,
    "a time",
    |scalar: &Scalar| scalar.text.parse(),
    |value: &Self| Value::String(value.to_string()),
    |_: &mut SchemaGenerator| json_schema!({ "type": "string", "pattern": "^[0-9]+ *(ms|s|min|h)$" })
);
scalar_item!(
    Name,
    Code::BadName,
    "a name",
    |scalar: &Scalar| scalar.text.parse(),
    |name: &Self| Value::String(name.to_string()),
    SchemaGenerator::subschema_for::<Self>
);
scalar_item!(
    CapabilityName,
    Code::BadName,
    "a capability's name",
    |scalar: &Scalar| scalar.text.parse(),
    |name: &Self| Value::String(name.to_string()),
    SchemaGenerator::subschema_for::<Self>
);

scalar_item!(
    Sha256,
    Code::BadValue,
    "a SHA-256 digest",
    |scalar: &Scalar| scalar.text.parse().map_err(|_| DIGEST_RULE.to_owned()),
    |digest: &Self| Value::String(digest.to_string()),
    digest_schema
);
scalar_item!(
    Blake3,
    Code::BadValue,
    "a BLAKE3 digest",
    |scalar: &Scalar| scalar.text.parse().map_err(|_| DIGEST_RULE.to_owned()),
    |digest: &Self| Value::String(digest.to_string()),
    digest_schema
);

const DIGEST_RULE: &str = "a digest has 64 hexadecimal digits, in lower case";

fn digest_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
}

/// Reads a size; addresses and sizes stand side by side in memory maps, so `0x` and `_` work too.
pub(crate) fn size(scalar: &Scalar) -> Result<ByteSize, String> {
    if scalar.text.starts_with("0x") || scalar.text.contains('_') {
        return Scalar::plain(&*scalar.text).integer().map(ByteSize);
    }
    scalar.text.parse::<ByteSize>().map_err(|error| error.hint)
}

/// A scalar of any type: judged later, against the declaration it belongs to.
impl Item for Scalar {
    fn decode(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Self> {
        scalar(node, "a value", problems).cloned()
    }
    fn encode(&self) -> Value {
        if let Ok(value) = self.boolean() {
            Value::Bool(value)
        } else if let Ok(value) = self.integer() {
            Value::Number(value.into())
        } else {
            Value::String(self.text.clone())
        }
    }
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        text_schema(generator)
    }
    fn describe(_: &mut Page) -> String {
        "boolean, number or text".to_owned()
    }
}

/// A word with its own alphabet.
macro_rules! word {
    ($(#[$doc:meta])* $type:ident, $code:ident, $what:literal, $check:expr, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// The word as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = String;
            /// The error says which rule the text breaks.
            fn from_str(text: &str) -> Result<Self, String> {
                let check: fn(&str) -> Result<(), String> = $check;
                check(text).map(|()| Self(text.to_owned()))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        as_text!($type);

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        scalar_item!(
            $type, Code::$code, $what,
            |scalar: &Scalar| scalar.text.parse(),
            |word: &Self| Value::String(word.0.clone()),
            |_: &mut SchemaGenerator| json_schema!({ "type": "string", "pattern": $pattern })
        );
    };
}

word!(
    /// A fact's name: a field of a Rust struct.
    FactName, BadName, "a fact's name", |text| {
        // https://doc.rust-lang.org/reference/keywords.html, strict and reserved.
        const KEYWORDS: &str = " abstract as async await become box break const continue crate do \
            dyn else enum extern false final fn for gen if impl in let loop macro match mod move \
            mut override priv pub ref return self static struct super trait true try type typeof \
            unsafe unsized use virtual where while yield ";
        if KEYWORDS.contains(&format!(" {text} ")) {
            return Err("it becomes a field's name, and this is a word of Rust's own".to_owned());
        }
        of_characters(text, char::is_lowercase, |c| c.is_lowercase() || c.is_ascii_digit() || c == '_')
            .ok_or("use lower-case letters, digits and `_`: `clock_hz`".to_owned())
    },
    "^[a-z][a-z0-9_]*$"
);
word!(
    /// The name of a crate as Cargo knows it.
    CrateName, BadName, "a crate's name", |text| {
        of_characters(text, char::is_alphabetic, |c| c.is_alphanumeric() || matches!(c, '-' | '_'))
            .ok_or("use letters, digits, `-` and `_`: `cortex-m-rt`".to_owned())
    },
    "^[A-Za-z][A-Za-z0-9_-]*$"
);
word!(
    /// The name of a crate's feature.
    CrateFeature, BadName, "a crate's feature", |text| {
        of_characters(text, char::is_alphanumeric, |c| {
            c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/' | '?')
        })
        .ok_or("use letters, digits, `-` and `_`: `executor-thread`".to_owned())
    },
    "^[A-Za-z0-9][A-Za-z0-9_.+/?-]*$"
);
word!(
    /// A program's name, found in the user's search path; never a path of its own.
    ProgramName, BadName, "a program's name", |text| {
        of_characters(text, |c| c.is_ascii_alphanumeric(), |c| {
            c.is_ascii_alphanumeric() || "-_.+".contains(c)
        })
        .ok_or("use letters, digits, `-`, `_`, `.` and `+`, as in `arm-none-eabi-gcc`".to_owned())
    },
    "^[A-Za-z0-9][A-Za-z0-9_.+-]*$"
);

word!(
    /// The name of a macro of C (C11, section 6.4.2.1).
    MacroName, BadName, "a macro's name", |text| {
        of_characters(text, |c| c.is_ascii_alphabetic() || c == '_', |c| {
            c.is_ascii_alphanumeric() || c == '_'
        })
        .ok_or("use letters, digits and `_`: `STACK_WORDS`".to_owned())
    },
    "^[A-Za-z_][A-Za-z0-9_]*$"
);

word!(
    /// A path inside the component's folder, with `/` between its parts.
    InnerPath, OutsideWorkspace, "a path inside the component's folder", |text| {
        let parts = text.split('/').all(|part| !matches!(part, "" | "." | ".."));
        (parts && !text.contains(|c: char| c.is_control() || c == '\\') && !text.starts_with('-'))
            .then_some(())
            .ok_or("write it relative to the component's folder, without `..`".to_owned())
    },
    "^[^/\\\\-][^\\\\]*$"
);

word!(
    /// A folder's path, with `/` between its parts; may be absolute or lead upwards.
    FolderPath, BadValue, "a folder's path", |text| {
        let forbidden = |c: char| c.is_control() || c == '\\';
        (!text.is_empty() && !text.contains(forbidden))
            .then_some(())
            .ok_or("write it with `/` between its parts: `../vendor`".to_owned())
    },
    "^[^\\\\]+$"
);

word!(
    /// An option of the Linux kernel, without `CONFIG_`.
    KernelOption, BadName, "an option of the kernel", |text| {
        of_characters(text, |c| c.is_ascii_alphanumeric(), |c| {
            c.is_ascii_alphanumeric() || c == '_'
        })
        .filter(|()| !text.starts_with("CONFIG_"))
        .ok_or("write it as Kconfig files do, without `CONFIG_`: `VIRTIO_NET`".to_owned())
    },
    "^(?!CONFIG_)[A-Za-z0-9][A-Za-z0-9_]*$"
);
word!(
    /// A module of the Linux kernel, with `_` where its file may have `-`.
    ModuleName, BadName, "a module of the kernel", |text| {
        of_characters(text, |c| c.is_ascii_alphanumeric(), |c| {
            c.is_ascii_alphanumeric() || c == '_'
        })
        .ok_or("write it as `lsmod` shows it, with `_`: `virtio_net`".to_owned())
    },
    "^[A-Za-z0-9][A-Za-z0-9_]*$"
);
word!(
    /// A word of a command line: no blanks, no quotes.
    PlainWord, BadValue, "a word", |text| {
        (!text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && !"\"'\\".contains(c)))
            .then_some(())
            .ok_or("use letters, digits and signs without blanks and quotes: `ttyS0`".to_owned())
    },
    "^[!#-&(-\\[\\]-~]+$"
);
word!(
    /// A path in the root file system, from the root, without a first `/`.
    RootPath, BadValue, "a path in the image", |text| {
        let parts = text.split('/').all(|part| !matches!(part, "" | "." | "..") && part.len() <= 255);
        (parts && !text.contains(char::is_control))
            .then_some(())
            .ok_or("write it from the root, without a first `/` and without `..`: `etc/hosts`".to_owned())
    },
    "^[^/].*$"
);
word!(
    /// The name of a Debian package (Debian Policy 4.7, section 5.6.1).
    PackageName, BadName, "a package's name", |text| {
        of_characters(text, |c| c.is_ascii_lowercase() || c.is_ascii_digit(), |c| {
            c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c)
        })
        .filter(|()| text.len() > 1)
        .ok_or("use lower-case letters, digits, `+`, `-` and `.`: `linux-source-6.1`".to_owned())
    },
    "^[a-z0-9][a-z0-9+.-]+$"
);
word!(
    /// The name of a Debian package, in which `{arch}` may stand for Debian's name of the architecture.
    PackagePattern, BadName, "a package's name", |text| {
        let name = text.replacen("-{arch}", "-arch", 1);
        name.parse::<PackageName>().map(drop)
    },
    "^[a-z0-9][a-z0-9+.-]*(-\\{arch\\}|[a-z0-9+.-])[a-z0-9+.-]*$"
);
word!(
    /// An architecture as Debian names it, or `all`.
    PackageArch, BadName, "a package's architecture", |text| {
        of_characters(text, |c| c.is_ascii_lowercase(), |c| {
            c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
        })
        .ok_or("write it as Debian does: `arm64`, `amd64`, `all`".to_owned())
    },
    "^[a-z][a-z0-9-]*$"
);
word!(
    /// Where something can be fetched: an address of the schemes `https`, `http`, `ssh` or `file`.
    Address, BadValue, "an address", |text| {
        let rest = ["https://", "http://", "ssh://", "file:///"].iter().find_map(|scheme| text.strip_prefix(scheme));
        // Names and passwords belong into neither a manifest nor a message; `ssh` has a name only.
        let host = rest.map(|rest| rest.split('/').next().unwrap_or_default());
        let secret = host.is_some_and(|host| host.contains(':') && host.contains('@'))
            || !text.starts_with("ssh:") && host.is_some_and(|host| host.contains('@'));
        let plain = text.len() <= 2_000 && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'`<>\\".contains(&byte));
        (rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('-')) && plain && !secret)
            .then_some(())
            .ok_or("write `https://…`, `http://…`, `ssh://…` or `file:///…`, without spaces and passwords".to_owned())
    },
    "^(https?|ssh|file)://[!-~]+$"
);
word!(
    /// A commit of git, in full.
    Revision, BadValue, "a revision", |text| {
        (text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
            .then_some(())
            .ok_or("write the commit's 40 hexadecimal digits; `git rev-parse` shows them".to_owned())
    },
    "^[0-9a-f]{40}$"
);

/// Whether an ASCII text is not empty, starts with `first` and goes on with `rest`.
fn of_characters(text: &str, first: fn(char) -> bool, rest: fn(char) -> bool) -> Option<()> {
    (text.is_ascii() && text.starts_with(first) && text.len() <= 64 && text.chars().all(rest))
        .then_some(())
}

/// A feature of a component: `supervisor.deadline`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeaturePath {
    /// The component.
    pub component: Name,
    /// The feature.
    pub feature: Name,
}

impl FromStr for FeaturePath {
    type Err = String;
    /// The error says what to write.
    fn from_str(text: &str) -> Result<Self, String> {
        let (component, feature) = text
            .split_once('.')
            .ok_or_else(|| "write `component.feature`, such as `supervisor.deadline`".to_owned())?;
        Ok(Self { component: component.parse()?, feature: feature.parse()? })
    }
}

impl Pack for FeaturePath {
    fn pack(&self, packer: &mut Packer) {
        self.component.pack(packer);
        self.feature.pack(packer);
    }
    fn unpack(unpacker: &mut Unpacker<'_>) -> Option<Self> {
        let component = Name::unpack(unpacker)?;
        Some(Self { component, feature: Name::unpack(unpacker)? })
    }
}

impl fmt::Display for FeaturePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", self.component, self.feature))
    }
}

scalar_item!(
    FeaturePath,
    Code::BadName,
    "a feature's name with its component",
    |scalar: &Scalar| scalar.text.parse(),
    |path: &Self| Value::String(path.to_string()),
    |_: &mut SchemaGenerator| json_schema!({
        "type": "string",
        "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*\\.[a-z][a-z0-9]*(-[a-z0-9]+)*$"
    })
);
