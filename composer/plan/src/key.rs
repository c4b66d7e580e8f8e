//! The key of an action: a digest over everything that may influence its outputs. An action
//! describes itself once, to a visitor; the key and the explanation of the key are two visitors, so
//! an answer to "why did this run again" cannot drift from what decided it.

use std::collections::BTreeMap;

use tarsia_model::Blake3;

/// The version of the encoding below; part of every key.
const ENCODING: &str = "tarsia-key-1";

/// Sees every input of an action, in a fixed order.
pub trait Visitor {
    /// One input: what it is, which one, and its value.
    fn input(&mut self, kind: &str, name: &str, value: &str);
}

/// Something that can describe all that influences its outputs.
pub trait Describe {
    /// Shows every input to the visitor.
    fn describe(&self, visitor: &mut dyn Visitor);
}

/// Digests inputs: each text as its length in bytes (u64, little endian) and the bytes.
struct Hasher(blake3::Hasher);

impl Visitor for Hasher {
    fn input(&mut self, kind: &str, name: &str, value: &str) {
        for text in [kind, name, value] {
            self.0.update(&(text.len() as u64).to_le_bytes());
            self.0.update(text.as_bytes());
        }
    }
}

/// The key of an action.
pub fn key(action: &dyn Describe) -> Blake3 {
    let mut hasher = Hasher(blake3::Hasher::new());
    hasher.input("encoding", "", ENCODING);
    action.describe(&mut hasher);
    Blake3(*hasher.0.finalize().as_bytes())
}

/// Collects inputs as lines for people, and to find the first that differs.
#[derive(Default)]
struct Lines(BTreeMap<(String, String), String>);

impl Visitor for Lines {
    fn input(&mut self, kind: &str, name: &str, value: &str) {
        self.0.insert((kind.to_owned(), name.to_owned()), value.to_owned());
    }
}

/// Every input of an action as `kind name: value` lines, sorted.
pub fn explain(action: &dyn Describe) -> Vec<String> {
    let mut lines = Lines::default();
    action.describe(&mut lines);
    lines.0.into_iter().map(|((kind, name), value)| format!("{kind} {name}: {value}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Inputs(&'static [(&'static str, &'static str)]);
    impl Describe for Inputs {
        fn describe(&self, visitor: &mut dyn Visitor) {
            for (name, value) in self.0 {
                visitor.input("file", name, value);
            }
        }
    }

    #[test]
    fn boundaries_between_texts_count() {
        let keys = [
            key(&Inputs(&[("a", "bc")])),
            key(&Inputs(&[("ab", "c")])),
            key(&Inputs(&[("a", "b"), ("c", "")])),
            key(&Inputs(&[])),
        ];
        for (index, one) in keys.iter().enumerate() {
            assert!(!keys[index + 1..].contains(one));
        }
        assert_eq!(explain(&Inputs(&[("b", "2"), ("a", "1")])), ["file a: 1", "file b: 2"]);
    }
}
