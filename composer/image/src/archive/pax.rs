//! Extended headers of tar: records `LENGTH KEY=VALUE\n` (POSIX.1-2017, `pax`, "pax Extended Header").
//! What is not understood is refused where it could change what the next entry is.

use std::collections::BTreeMap;

/// What an extended header says of the entry that follows it.
#[derive(Debug, Default)]
pub(super) struct Extended {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) owner: Option<u32>,
    pub(super) group: Option<u32>,
    pub(super) modified: Option<u64>,
    pub(super) attributes: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) sparse: bool,
}

/// Extended attributes, as star, GNU tar and bsdtar write them.
const ATTRIBUTE: &[u8] = b"SCHILY.xattr.";

impl Extended {
    /// Reads the records of one entry.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut found = Self::default();
        let mut seen = BTreeMap::new();
        for (key, value) in records(bytes)? {
            if seen.insert(key, ()).is_some() {
                return Err(format!("`{}` stands twice", key.escape_ascii()));
            }
            found.set(key, value)?;
        }
        Ok(found)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), String> {
        let text = || std::str::from_utf8(value).map_err(|_| "a value is not UTF-8".to_owned());
        let number = |what: &str| -> Result<u64, String> {
            let text = text()?;
            // Times may have a fraction, which is dropped.
            let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
            let digits = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
            let parsed = whole.parse().ok().filter(|_| digits);
            parsed.ok_or_else(|| format!("{what} is `{}`", text.escape_debug()))
        };
        let id = |what| u32::try_from(number(what)?).map_err(|_| format!("{what} is too large"));
        match key {
            b"path" => self.path = Some(whole(value)?),
            b"linkpath" => self.link = Some(whole(value)?),
            b"size" => self.size = Some(number("the size")?),
            b"uid" => self.owner = Some(id("the owner")?),
            b"gid" => self.group = Some(id("the group")?),
            b"mtime" => self.modified = Some(number("the time")?),
            b"hdrcharset" if value != b"ISO-IR 10646 2000 UTF-8" && value != b"BINARY" => {
                return Err(format!("the names are in `{}`", value.escape_ascii()));
            }
            // Names of owners, times that nothing here has, remarks.
            b"hdrcharset" | b"uname" | b"gname" | b"atime" | b"ctime" | b"comment" => {}
            key if key.starts_with(b"GNU.sparse.") || key.starts_with(b"SCHILY.realsize") => {
                self.sparse = true;
            }
            key if key.starts_with(ATTRIBUTE) => {
                let name = whole(&key[ATTRIBUTE.len()..])?;
                if name.is_empty() || name.len() > 255 {
                    return Err("an extended attribute has an impossible name".to_owned());
                }
                self.attributes.insert(name, value.to_vec());
            }
            // Other vendors' records have a name with a point, and are for their own programs.
            key if key.contains(&b'.') => {}
            key => return Err(format!("`{}` is not understood", key.escape_ascii())),
        }
        Ok(())
    }
}

/// Whether a header for all that follows says nothing: git writes the commit into one as a remark.
///
/// # Errors
/// What it says.
pub(super) fn is_remark(bytes: &[u8]) -> Result<(), String> {
    for (key, _) in records(bytes)? {
        if key != b"comment" {
            return Err(format!("`{}` for all entries", key.escape_ascii()));
        }
    }
    Ok(())
}

/// A value that becomes a name.
fn whole(value: &[u8]) -> Result<Vec<u8>, String> {
    match value {
        [] => Err("a name is empty".to_owned()),
        value if value.contains(&0) => Err("a name has a NUL byte".to_owned()),
        value => Ok(value.to_vec()),
    }
}

/// A key with its value.
type Record<'r> = (&'r [u8], &'r [u8]);

fn records(mut rest: &[u8]) -> Result<Vec<Record<'_>>, String> {
    let mut found = Vec::new();
    while !rest.is_empty() {
        let torn = || "its records are malformed".to_owned();
        let space = rest.iter().position(|byte| *byte == b' ').ok_or_else(torn)?;
        let digits = std::str::from_utf8(&rest[..space]).map_err(|_| torn())?;
        let plain = digits.len() <= 10 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let length: usize = digits.parse().ok().filter(|_| plain).ok_or_else(torn)?;
        if length <= space + 1 || length > rest.len() {
            return Err(torn());
        }
        let record = rest[space + 1..length].strip_suffix(b"\n").ok_or_else(torn)?;
        let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(torn)?;
        found.push((&record[..equals], &record[equals + 1..]));
        rest = &rest[length..];
    }
    Ok(found)
}
