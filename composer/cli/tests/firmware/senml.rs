//! A strict reader of SenML packs in JSON (RFC 8428): what a device sends is held against the
//! document, not against what the device meant.

use serde_json::{Map, Value};

/// A resolved record (section 4.6).
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Base name and name.
    pub name: String,
    /// Unit.
    pub unit: String,
    /// Value.
    pub value: f64,
}

/// Labels of numbers that a record may have (section 5, table 4), other than its value.
const NUMBERS: [&str; 6] = ["bt", "bv", "bs", "bver", "t", "ut"];
/// Times below this are relative to now (section 4.5.3).
const RELATIVE: f64 = (1u32 << 28) as f64;

/// The pack on a line; none when the line is something else than an array.
pub fn pack(line: &str) -> Option<Vec<Record>> {
    line.starts_with('[').then(|| {
        let records: Vec<Map<String, Value>> =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(!records.is_empty(), "a pack has at least one record");
        let (mut base_name, mut base_unit) = (String::new(), String::new());
        records.iter().map(|fields| record(fields, &mut base_name, &mut base_unit)).collect()
    })
}

fn record(fields: &Map<String, Value>, base_name: &mut String, base_unit: &mut String) -> Record {
    let text = |key: &str| {
        let value = fields.get(key)?;
        Some(value.as_str().unwrap_or_else(|| panic!("{key} is a text: {fields:?}")).to_owned())
    };
    let number = |key: &str| {
        let value = fields.get(key)?;
        Some(value.as_f64().unwrap_or_else(|| panic!("{key} is a number: {fields:?}")))
    };
    for key in fields.keys() {
        let known = ["bn", "bu", "n", "u", "v"].contains(&key.as_str());
        assert!(known || NUMBERS.contains(&key.as_str()), "label {key}: {fields:?}");
    }
    for time in ["t", "bt"].into_iter().filter_map(number) {
        assert!(time.abs() < RELATIVE, "a device without a clock says how long ago: {fields:?}");
        assert!(time <= 0.0, "nothing is measured in the future: {fields:?}");
    }
    if let Some(name) = text("bn") {
        *base_name = name;
    }
    if let Some(unit) = text("bu") {
        *base_unit = unit;
    }
    let name = base_name.clone() + &text("n").unwrap_or_default();
    // Section 4.5.1: letters, digits and five marks, a letter or digit first.
    let marks = |c: char| c.is_ascii_alphanumeric() || "-:./_".contains(c);
    assert!(name.starts_with(|c: char| c.is_ascii_alphanumeric()), "{fields:?}");
    assert!(name.chars().all(marks), "{fields:?}");
    let value = number("v").unwrap_or_else(|| panic!("a value: {fields:?}"));
    Record { name, unit: text("u").unwrap_or_else(|| base_unit.clone()), value }
}
