//! What a code means at length: its page of the manual, which is part of the program, so that an
//! explanation needs neither the network nor a workspace and fits the version that is installed.

use std::str::FromStr;

use crate::{Code, suggest};

impl Code {
    /// Its page of the manual, in Markdown: what it means, an example, the fix. Remarks to those
    /// who keep the manual (HTML comments) are left out.
    pub fn page(self) -> String {
        let remark = |line: &&str| line.starts_with("<!--");
        let mut page = String::new();
        for line in self.source().lines().filter(|line| !remark(line)) {
            // What a remark leaves behind is one empty line, not two.
            if !(line.is_empty() && page.ends_with("\n\n")) {
                page.push_str(line);
                page.push('\n');
            }
        }
        page
    }
}

impl FromStr for Code {
    type Err = Option<String>;

    /// Reads a code as people write it: `E0401`, `e401`, `401`. The error is a hint on what may have
    /// been meant, if anything is near.
    fn from_str(text: &str) -> Result<Self, Option<String>> {
        let digits = text.strip_prefix(['E', 'e']).unwrap_or(text);
        let wanted = format!("E{digits:0>4}");
        let found = Self::ALL.iter().find(|code| code.as_str() == wanted);
        found.copied().ok_or_else(|| {
            suggest::did_you_mean(&wanted, Self::ALL.iter().map(|code| code.as_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_write_them() {
        for (text, expected) in [
            ("E0401", Ok(Code::NoProvider)),
            ("e0401", Ok(Code::NoProvider)),
            ("E401", Ok(Code::NoProvider)),
            ("401", Ok(Code::NoProvider)),
            ("0401", Ok(Code::NoProvider)),
            ("E0799", Err(None)),
            ("E0499", Err(Some("did you mean `E0409` or `E0419`?".to_owned()))),
            ("", Err(None)),
            ("help", Err(None)),
        ] {
            assert_eq!(text.parse::<Code>(), expected, "{text:?}");
        }
    }

    /// Every page has its code and title on top, then the same three parts.
    #[test]
    fn pages_have_one_form() {
        for code in Code::ALL {
            let page = code.page();
            let title = format!("# {code}: {}\n", code.title());
            assert!(page.starts_with(&title), "{code}: the page starts with {title:?}");
            let parts: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
            assert_eq!(parts, ["## Example", "## The fix"], "{code}");
            assert!(!page.contains("<!--") && !page.contains("\n\n\n"), "{code}");
            assert!(page.lines().all(|line| line.trim_end() == line), "{code}");
        }
    }
}
