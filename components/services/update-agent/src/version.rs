//! Which of two versions is newer, as the boot loader sees it: Version Format Specification
//! (UAPI.10), "Comparison algorithm".

use std::cmp::Ordering;

/// Compares two versions, or names with versions in them.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        a = a.trim_start_matches(|c: char| !is_part(c));
        b = b.trim_start_matches(|c: char| !is_part(c));
        // Marks between parts, the strongest first: an older version has more of the former and less
        // of the latter.
        if a.starts_with('~') || b.starts_with('~') {
            let order = b.starts_with('~').cmp(&a.starts_with('~'));
            if order.is_ne() {
                return order;
            }
            (a, b) = (&a[1..], &b[1..]);
            continue;
        }
        if a.is_empty() || b.is_empty() {
            return b.is_empty().cmp(&a.is_empty());
        }
        for mark in ['-', '^', '.'] {
            let (in_a, in_b) = (a.starts_with(mark), b.starts_with(mark));
            if in_a != in_b {
                // `mark` is older than whatever else may stand there.
                return in_b.cmp(&in_a);
            }
            if in_a {
                (a, b) = (&a[1..], &b[1..]);
            }
        }
        let digits = |c: char| c.is_ascii_digit();
        let order = if a.starts_with(digits) || b.starts_with(digits) {
            let (in_a, in_b) = (take(&mut a, digits), take(&mut b, digits));
            let (in_a, in_b) = (in_a.trim_start_matches('0'), in_b.trim_start_matches('0'));
            // Without a length limit: numbers by length, then digit by digit.
            in_a.len().cmp(&in_b.len()).then_with(|| in_a.cmp(in_b))
        } else {
            // Capitals before small letters, as in ASCII.
            let letters = |c: char| c.is_ascii_alphabetic();
            take(&mut a, letters).cmp(take(&mut b, letters))
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '~' | '-' | '^' | '.')
}

/// Takes the characters off the start.
fn take<'a>(text: &mut &'a str, is: impl Fn(char) -> bool) -> &'a str {
    let end = text.find(|c| !is(c)).unwrap_or(text.len());
    let (start, rest) = text.split_at(end);
    *text = rest;
    start
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_examples_of_the_specification() {
        // UAPI.10, "Examples".
        for (a, order, b) in [
            ("11", Ordering::Equal, "11"),
            ("systemd-123", Ordering::Equal, "systemd-123"),
            ("bar-123", Ordering::Less, "foo-123"),
            ("123a", Ordering::Greater, "123"),
            ("123.a", Ordering::Greater, "123"),
            ("123.a", Ordering::Less, "123.b"),
            ("123a", Ordering::Greater, "123.a"),
            ("11α", Ordering::Equal, "11β"),
            ("B", Ordering::Less, "a"),
            ("", Ordering::Less, "0"),
            ("0.", Ordering::Greater, "0"),
            ("0.0", Ordering::Greater, "0"),
            ("0", Ordering::Greater, "~"),
            ("", Ordering::Greater, "~"),
            ("1_", Ordering::Equal, "1"),
            ("_1", Ordering::Equal, "1"),
            ("1_", Ordering::Less, "1.2"),
            ("1_2_3", Ordering::Greater, "1.3.3"),
            ("1+", Ordering::Equal, "1"),
            ("+1", Ordering::Equal, "1"),
            ("1+", Ordering::Less, "1.2"),
            ("1+2+3", Ordering::Greater, "1.3.3"),
            ("gateway_1.10", Ordering::Greater, "gateway_1.9"),
            ("gateway_1.10~rc1", Ordering::Less, "gateway_1.10"),
            ("gateway-b", Ordering::Greater, "gateway-a"),
        ] {
            assert_eq!(compare(a, b), order, "{a} against {b}");
            assert_eq!(compare(b, a), order.reverse(), "{b} against {a}");
        }
    }

    proptest! {
        #[test]
        fn it_is_an_order(a in "[0-2ab~^._-]{0,6}", b in "[0-2ab~^._-]{0,6}", c in "[0-2ab~^._-]{0,6}") {
            prop_assert_eq!(compare(&a, &a), Ordering::Equal);
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            if compare(&a, &b).is_le() && compare(&b, &c).is_le() {
                prop_assert!(compare(&a, &c).is_le());
            }
        }
    }
}
