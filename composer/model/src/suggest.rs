//! "Did you mean": the nearest known names to one that was mistyped.

/// The names closest to `wanted`, nearest first, at most three; empty when nothing is near.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let limit = (wanted.chars().count() / 3).max(1);
    let mut found: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|name| {
            let distance = strsim::damerau_levenshtein(wanted, name);
            let part = wanted.len() >= 3 && name.split(['-', '.']).any(|word| word == wanted);
            (distance <= limit || part).then_some((distance, name))
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found.truncate(3);
    found.into_iter().map(|(_, name)| name).collect()
}

/// `did you mean `a` or `b`?`, or nothing when no name is near.
pub fn did_you_mean<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let names = nearest(wanted, known);
    (!names.is_empty()).then(|| format!("did you mean {}?", alternatives(&names)))
}

/// Quoted names joined with commas and `or`.
pub fn alternatives<S: AsRef<str>>(names: &[S]) -> String {
    joined(names, "or")
}

/// Quoted names joined with commas and `and`.
pub fn listed<S: AsRef<str>>(names: &[S]) -> String {
    joined(names, "and")
}

fn joined<S: AsRef<str>>(names: &[S], word: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_first_and_only_near() {
        let known = ["telemetry", "supervisor", "log", "soil-moisture-adc"];
        assert_eq!(nearest("telemetri", known), ["telemetry"]);
        assert_eq!(nearest("adc", known), ["soil-moisture-adc"]);
        assert!(nearest("bluetooth", known).is_empty());
        assert_eq!(alternatives(&["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
