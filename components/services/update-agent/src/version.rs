//! Which of two versions is newer, as the boot loader sees it: Version Format Specification
//! (UAPI.10), "Comparison algorithm".

use std::cmp::Ordering;

use uapi_version::strverscmp;

/// Compares two versions, or names with versions in them.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    // The crate counts zeros before a number as digits (`1.02` newer than `1.3`); the loader does not.
    strverscmp(&plain(a), &plain(b))
}

/// Without the zeros before other digits.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        // A zero that starts a number, and what follows continues it.
        let digits = plain.bytes().rev().take_while(u8::is_ascii_digit).take(2).count();
        if c.is_ascii_digit() && digits == 1 && plain.ends_with('0') {
            plain.pop();
        }
        plain.push(c);
    }
    plain
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
            ("1.0.0", Ordering::Greater, "1.0.0~b"),
            // Zeros before a number do not count, and a number is newer than a letter.
            ("1.02", Ordering::Less, "1.3"),
            ("1.01", Ordering::Equal, "1.1"),
            ("1.00", Ordering::Equal, "1.0"),
            ("1.0", Ordering::Greater, "1.a"),
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
