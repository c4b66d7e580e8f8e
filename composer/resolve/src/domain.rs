//! The values of a feature that conditions can tell apart: all of a small type; of a range, the values
//! that conditions name, and their neighbours.

use std::collections::BTreeSet;

use tarsia_manifest::{ComponentManifest, Feature, FeatureTest, FeatureType, FeatureValue};
use tarsia_model::{ByteSize, Millis};

/// The values of a feature of a component that its conditions can tell apart, in order; among them
/// the default and `now`.
pub fn values(
    manifest: &ComponentManifest,
    name: &str,
    feature: &Feature,
    now: &FeatureValue,
) -> BTreeSet<FeatureValue> {
    let mut values = BTreeSet::from([feature.default.clone(), now.clone()]);
    match &feature.kind {
        FeatureType::Bool => values.extend([FeatureValue::Bool(false), FeatureValue::Bool(true)]),
        FeatureType::Enum(words) => values.extend(words.iter().cloned().map(FeatureValue::Enum)),
        _ => {}
    }
    let tests = manifest.conditions().filter_map(|condition| condition.features.get(name));
    let named = tests.flat_map(FeatureTest::values);
    for value in named.filter_map(|value| feature.parse(&"", value).ok()) {
        values.extend(neighbours(&feature.kind, &value));
        values.insert(value);
    }
    values
}

/// The values next to one, within the limits of its type.
fn neighbours(kind: &FeatureType, value: &FeatureValue) -> Vec<FeatureValue> {
    let around = |value: u64, min: u64, max: u64| {
        let next = [value.checked_sub(1), value.checked_add(1)];
        next.into_iter().flatten().filter(move |next| (min..=max).contains(next))
    };
    match (kind, value) {
        (FeatureType::Int { min, max }, FeatureValue::Int(value)) => {
            around(*value, *min, *max).map(FeatureValue::Int).collect()
        }
        (FeatureType::Size { min, max }, FeatureValue::Size(value)) => {
            around(value.0, min.0, max.0).map(|n| FeatureValue::Size(ByteSize(n))).collect()
        }
        (FeatureType::Duration { min, max }, FeatureValue::Duration(value)) => {
            around(value.0, min.0, max.0).map(|n| FeatureValue::Duration(Millis(n))).collect()
        }
        _ => Vec::new(),
    }
}
