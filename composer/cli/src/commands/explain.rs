//! `tarsia explain`: what a diagnostic's code means, without a workspace.

use std::fmt::Write as _;

use serde::Serialize;
use tarsia_model::{Code, Diagnostic, SourceMap};

use crate::ui::{Outcome, Ui};

#[derive(Serialize)]
struct Explained {
    code: Code,
    title: &'static str,
    page: String,
}

#[derive(Serialize)]
struct Codes {
    codes: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    code: Code,
    title: &'static str,
    group: &'static str,
}

/// Explains one code, or lists all.
pub fn run(ui: Ui, code: Option<&str>) -> Outcome {
    let Some(text) = code else {
        let codes = Code::ALL.iter().copied();
        let listed = |code: Code| Listed { code, title: code.title(), group: code.group() };
        ui.answer(list, &Codes { codes: codes.map(listed).collect() });
        return Outcome::Success;
    };
    match text.parse::<Code>() {
        Ok(code) => {
            let page = code.page();
            ui.answer(|| code.page(), &Explained { code, title: code.title(), page });
            Outcome::Success
        }
        Err(near) => {
            let all = || "`tarsia explain` lists all codes".to_owned();
            let problem = Diagnostic::error(Code::Usage, format!("there is no code {text:?}"))
                .hint(near.unwrap_or_else(all));
            ui.report(&[problem], &SourceMap::default())
        }
    }
}

/// Every code with its title, in groups.
fn list() -> String {
    let mut text = String::new();
    let mut group = "";
    for code in Code::ALL {
        if code.group() != group {
            let gap = if group.is_empty() { "" } else { "\n" };
            group = code.group();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{gap}{group}");
        }
        let _ = writeln!(text, "{code}  {}", code.title());
    }
    text
}
