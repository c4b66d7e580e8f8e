//! Holds a compilation to the checked-in lock file: cargo may drop crates that a product does not
//! use, but a crate that is not in the checked-in file, or has another checksum, never gets in.

use std::collections::BTreeMap;

use tarsia_model::{Code, Diagnostic};

type Locked = BTreeMap<(String, String), Option<String>>;

/// Name and version of every crate from a registry, with its checksum.
fn registry_crates(lock: &[u8]) -> Result<Locked, Diagnostic> {
    let text = String::from_utf8_lossy(lock);
    let table = text.parse::<toml::Table>().map_err(|error| {
        let message = format!("cannot read the device workspace's Cargo.lock: {}", error.message());
        Diagnostic::error(Code::CrateNotLocked, message)
    })?;
    let text = |package: &toml::Value, key: &str| Some(package.get(key)?.as_str()?.to_owned());
    let packages = table.get("package").and_then(toml::Value::as_array);
    Ok(packages
        .into_iter()
        .flatten()
        .filter(|package| package.get("source").is_some())
        .filter_map(|p| Some(((text(p, "name")?, text(p, "version")?), text(p, "checksum"))))
        .collect())
}

/// Checks that every registry crate of `used` is in `checked_in`, with the same checksum.
pub fn check(checked_in: &[u8], used: &[u8]) -> Result<(), Diagnostic> {
    let allowed = registry_crates(checked_in)?;
    let stray: Vec<String> = registry_crates(used)?
        .into_iter()
        .filter(|(name, checksum)| allowed.get(name) != Some(checksum))
        .map(|((name, version), _)| format!("{name} {version}"))
        .collect();
    if stray.is_empty() {
        return Ok(());
    }
    let message = format!(
        "cannot build with crates that the device workspace's Cargo.lock does not hold: {}",
        stray.join(", ")
    );
    Err(Diagnostic::error(Code::CrateNotLocked, message).hint(
        "add them with `cargo update --workspace --manifest-path components/Cargo.toml`; a crate of \
         another catalogue uses what that file lists, with `workspace = true`"
            .to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str =
        "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry\"\nchecksum = \"x\"\n";

    #[test]
    fn only_locked_crates_pass() {
        let own = "[[package]]\nname = \"tarsia-service\"\nversion = \"0.1.0\"\n";
        assert_eq!(check(ONE.as_bytes(), format!("{ONE}{own}").as_bytes()), Ok(()));
        for other in [ONE.replace("1.0.0", "1.0.1"), ONE.replace("\"x\"", "\"y\"")] {
            let error = check(ONE.as_bytes(), other.as_bytes()).expect_err("not locked");
            assert!(error.message.contains("a 1.0."), "{}", error.message);
        }
        assert!(check(b"not toml [", ONE.as_bytes()).is_err());
    }
}
