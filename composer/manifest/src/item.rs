//! [`Item`]: a type that can stand in a manifest. One implementation says how it is read, written,
//! described to editors (JSON Schema) and to people (the reference page), so that none of these can
//! drift from the others.

use schemars::{Schema, SchemaGenerator};
use serde_yaml::Value;
use tarsia_model::{Code, Diagnostic, Spanned, suggest};

use crate::node::{Kind, Node, Scalar};
use crate::pack::Pack;
use crate::reference::Page;

/// A type that can stand in a manifest.
pub trait Item: Pack {
    /// Reads it. Every problem is added to `problems`; `None` when there is no value to go on with.
    fn decode(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Self>;

    /// Writes it, so that reading gives the same again.
    fn encode(&self) -> Value;

    /// Its schema, by reference where it has a name.
    fn schema(generator: &mut SchemaGenerator) -> Schema;

    /// How the reference page calls it, in Markdown; adds the sections it needs to the page.
    fn describe(page: &mut Page) -> String;

    /// The value when its key is absent; `None` for a required key.
    fn absent() -> Option<Self> {
        None
    }

    /// Whether its key can be left out when it is written.
    fn is_absent(&self) -> bool {
        false
    }
}

/// The scalar in a node, or a complaint that `what` was expected.
pub fn scalar<'n>(
    node: &'n Node,
    what: &str,
    problems: &mut Vec<Diagnostic>,
) -> Option<&'n Scalar> {
    match &node.kind {
        Kind::Scalar(scalar) if !scalar.is_null() => Some(scalar),
        Kind::List(items) if items.len() == 1 => {
            problems.push(wrong_type(node, what).hint("write it without the brackets".to_owned()));
            None
        }
        _ => {
            problems.push(wrong_type(node, what));
            None
        }
    }
}

/// The complaint that `what` was expected.
pub fn wrong_type(node: &Node, what: &str) -> Diagnostic {
    let message = format!("expected {what}, found {}", node.describe());
    let hint = (node.describe() == "nothing").then(|| "write a value or remove the key".to_owned());
    Diagnostic::at(Code::WrongType, node.span, message).hint(hint)
}

/// Reads a scalar with a function whose error is the repair.
pub fn parsed<T>(
    node: &Node,
    what: &str,
    code: Code,
    problems: &mut Vec<Diagnostic>,
    read: impl FnOnce(&Scalar) -> Result<T, String>,
) -> Option<T> {
    let text = scalar(node, what, problems)?;
    match read(text) {
        Ok(value) => Some(value),
        Err(hint) => {
            let message = format!("`{}` is not {what}", shortened(&text.text));
            problems.push(Diagnostic::at(code, node.span, message).hint(hint));
            None
        }
    }
}

/// The complaint about a word that is not one of those allowed.
pub fn not_one_of(node: &Node, what: &str, text: &str, allowed: &[&str]) -> Diagnostic {
    let message = format!("`{}` is not {what}", shortened(text));
    let hint = suggest::did_you_mean(text, allowed.iter().copied());
    let hint = hint.unwrap_or_else(|| format!("write {}", suggest::alternatives(allowed)));
    Diagnostic::at(Code::BadValue, node.span, message).hint(hint)
}

/// A message repeats at most this many characters of a value.
fn shortened(text: &str) -> String {
    const LIMIT: usize = 60;
    let mut shown: String = text.chars().take(LIMIT).flat_map(char::escape_debug).collect();
    if text.chars().nth(LIMIT).is_some() {
        shown.push('…');
    }
    shown
}

impl<T: Item> Item for Spanned<T> {
    fn decode(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Self> {
        T::decode(node, problems).map(|value| Self::new(value, node.span))
    }
    fn encode(&self) -> Value {
        self.value.encode()
    }
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator)
    }
    fn describe(page: &mut Page) -> String {
        T::describe(page)
    }
}

impl<T: Item> Item for Option<T> {
    fn decode(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Self> {
        T::decode(node, problems).map(Some)
    }
    fn encode(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::encode)
    }
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator)
    }
    fn describe(page: &mut Page) -> String {
        T::describe(page)
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

/// A list in the order written, in which an entry may stand twice.
impl<T: Item> Item for Vec<T> {
    fn decode(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Self> {
        let Kind::List(items) = &node.kind else {
            let hint = match &node.kind {
                Kind::Scalar(one) if !one.is_null() => {
                    Some(format!("write `[{}]`", shortened(&one.text)))
                }
                _ => None,
            };
            problems.push(wrong_type(node, "a list").hint(hint));
            return None;
        };
        // Collecting first keeps the second bad entry from hiding behind the first.
        let items: Vec<Option<T>> = items.iter().map(|item| T::decode(item, problems)).collect();
        items.into_iter().collect()
    }
    fn encode(&self) -> Value {
        Value::Sequence(self.iter().map(T::encode).collect())
    }
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let items = T::schema(generator);
        schemars::json_schema!({ "type": "array", "items": items })
    }
    fn describe(page: &mut Page) -> String {
        format!("list of {}", T::describe(page))
    }
    fn absent() -> Option<Self> {
        Some(Self::new())
    }
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}
