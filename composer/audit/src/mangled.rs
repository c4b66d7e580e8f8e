//! What a symbol's mangled name says about crates: which ones it mentions (with the hash that tells
//! two versions apart) and which one asked for the code (RFC 2603, "Rust Symbol Mangling v0").

use rustc_demangle::{Demangle, try_demangle};

/// A crate in a symbol's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mention {
    pub library: String,
    /// Hexadecimal, as in the demangled name; empty in legacy names, which have none per crate.
    pub hash: String,
}

/// A Rust symbol's name taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mangled {
    /// With hashes; for looking into.
    pub path: String,
    /// Crates in the path, first the one the path starts in, each once.
    pub mentions: Vec<Mention>,
    /// The crate that had the code compiled, for generic code.
    pub instantiated_by: Option<String>,
}

impl Mangled {
    /// `None` when the name is not Rust's.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let path = try_demangle(name).ok()?.to_string();
        let mut mentions = Vec::new();
        if name.starts_with("_R") {
            mentions = hashed(&path);
        } else if let Some((library, _)) = path.trim_start_matches(['<', '&']).split_once("::") {
            mentions.push(Mention { library: library.to_owned(), hash: String::new() });
        }
        Some(Self { instantiated_by: instantiating_crate(name), path, mentions })
    }
}

/// A symbol's name for people: demangled without hashes, or as it is.
pub(crate) fn shown(name: &str) -> String {
    try_demangle(name).map_or_else(|_| name.to_owned(), |path: Demangle<'_>| format!("{path:#}"))
}

/// Every `name[hex]` of a path.
fn hashed(path: &str) -> Vec<Mention> {
    let mut found: Vec<Mention> = Vec::new();
    for (at, _) in path.match_indices('[') {
        let before = path[..at].rfind(|c: char| c != '_' && !c.is_alphanumeric());
        let library = &path[before.map_or(0, |before| before + 1)..at];
        let hash = path[at + 1..].split(']').next().unwrap_or("");
        let hex = !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mention = Mention { library: library.to_owned(), hash: hash.to_owned() };
        if !library.is_empty() && hex && !found.contains(&mention) {
            found.push(mention);
        }
    }
    found
}

/// The crate after the path of a v0 symbol: `_R <path> [<instantiating-crate>]`.
///
/// A path ends where it ends, whatever follows, so the only proper prefix of the name that is a
/// valid symbol is the path alone; what is left is a crate root (`C…`) or a back reference to one.
fn instantiating_crate(name: &str) -> Option<String> {
    let name = name.split('.').next()?;
    let body = name.strip_prefix("_R")?;
    let starts = body.match_indices(['C', 'B']).map(|(at, _)| at);
    let start = starts.rev().find(|at| try_demangle(&name[..at + 2]).is_ok())?;
    let root = match body[start..].strip_prefix('B') {
        Some(reference) => body.get(base_62(reference.strip_suffix('_')?)?..)?,
        None => &body[start..],
    };
    let root = root.strip_prefix('C')?;
    let ident = match root.strip_prefix('s') {
        Some(disambiguated) => disambiguated.split_once('_')?.1,
        None => root,
    };
    let digits = ident.find(|c: char| !c.is_ascii_digit())?;
    let length: usize = ident[..digits].parse().ok()?;
    let text = ident[digits..].strip_prefix('_').unwrap_or(&ident[digits..]);
    text.get(..length).map(str::to_owned)
}

/// A base-62 number: nothing is 0, otherwise the digits' value plus 1.
fn base_62(digits: &str) -> Option<usize> {
    if digits.is_empty() {
        return Some(0);
    }
    let value = digits.bytes().try_fold(0usize, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'z' => digit - b'a' + 10,
            b'A'..=b'Z' => digit - b'A' + 36,
            _ => return None,
        };
        value.checked_mul(62)?.checked_add(usize::from(digit))
    })?;
    value.checked_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn libraries(name: &str) -> Vec<String> {
        let mangled = Mangled::parse(name).expect(name);
        mangled.mentions.into_iter().map(|mention| mention.library).collect()
    }

    fn asked(name: &str) -> Option<String> {
        Mangled::parse(name).expect(name).instantiated_by
    }

    #[test]
    fn crates_in_names_that_rustc_made() {
        let plain = "_RNvNtCs8EssVhsOVc7_16embassy_executor3raw5waker";
        assert_eq!(libraries(plain), ["embassy_executor"]);
        assert_eq!(asked(plain), None);
        let drop = "_RINvNtCsvqdZcZR5As_4core3ptr13drop_in_placeNtCs1_8heapless6StringECs7wkeOzpgD5U_12firmware_arm";
        assert_eq!(libraries(drop), ["core", "heapless"]);
        assert_eq!(asked(drop).as_deref(), Some("firmware_arm"));
        // The crate that asked is one that the path mentions: a back reference.
        let push = "_RNvMNtNtCsj8cfPzsxi1F_9cordyceps5stack15has_cas_atomicsINtB2_13TransferStackNtNtCs8EssVhsOVc7_16embassy_executor3raw10TaskHeaderE14push_was_emptyB1g_";
        assert_eq!(asked(push).as_deref(), Some("embassy_executor"));
        assert_eq!(libraries(push), ["cordyceps", "embassy_executor"]);
        let legacy = "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE";
        assert_eq!((libraries(legacy), asked(legacy)), (vec!["core".to_owned()], None));
        assert_eq!(libraries("_RNvCsgFECtWExK8u_12tarsia_blink4SEED.0"), ["tarsia_blink"]);
        assert_eq!(Mangled::parse("memcpy"), None);
    }

    #[test]
    fn names_for_people_have_no_hashes() {
        assert_eq!(shown("_RNvCsgFECtWExK8u_12tarsia_blink4SEED"), "tarsia_blink::SEED");
        assert_eq!(shown("__aeabi_memcpy"), "__aeabi_memcpy");
    }

    proptest! {
        #[test]
        fn never_panics(name in "_?(R|ZN)?[0-9A-Za-z_$.]{0,60}") {
            let _ = Mangled::parse(&name);
        }

        #[test]
        fn never_panics_on_damaged_names(cut in 0usize..170, with in "[A-Z0-9_]{0,2}") {
            let name = "_RNvMNtNtCsj8cfPzsxi1F_9cordyceps5stack15has_cas_atomicsINtB2_13TransferStackNtNtCs8EssVhsOVc7_16embassy_executor3raw10TaskHeaderE14push_was_emptyB1g_";
            let cut = cut.min(name.len());
            let _ = Mangled::parse(&format!("{}{with}{}", &name[..cut], name.get(cut + 1..).unwrap_or("")));
        }
    }
}
