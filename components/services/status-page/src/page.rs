//! The page for people: one HTML file without scripts, that renews itself.

use std::fmt::{self, Write};

use serde_json::Value;

use crate::Facts;

const HEAD: &str = concat!(
    "<!DOCTYPE html><html lang=en><meta charset=utf-8>",
    "<meta name=viewport content='width=device-width'><meta http-equiv=refresh content=5>",
    "<style>body{font:16px sans-serif;max-width:44em;margin:1em auto;padding:0 1em}",
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3em .6em;",
    "border-bottom:1px solid #ccc;overflow-wrap:anywhere}.bad{color:#b00}.good{color:#070}</style>",
);

/// A text in HTML, also in an attribute.
struct Html<'a>(&'a str);

impl fmt::Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            _ => f.write_char(c),
        })
    }
}

/// The page.
pub(crate) fn page(facts: &Facts) -> String {
    let mut out = String::from(HEAD);
    // Writing to a `String` cannot fail.
    let _ = write(&mut out, facts);
    out
}

fn write(out: &mut String, facts: &Facts) -> fmt::Result {
    let (name, version) =
        facts.state.as_ref().map_or(("?", "?"), |state| (&state.product, &state.version));
    let (name, version) = (Html(name), Html(version));
    let (class, word) =
        if facts.well { ("good", "all is well") } else { ("bad", "not all is well") };
    write!(out, "<title>{name}</title><h1>{name} {version}</h1><p class={class}>{word}<table>")?;
    let mut row =
        |what: &str, value: &str| write!(out, "<tr><th>{}<td>{}", Html(what), Html(value));
    row("up for", &duration(facts.uptime_s))?;
    if let Some(slot) = &facts.slot {
        row("slot", slot)?;
    }
    if let Some(memory) = &facts.memory {
        row("memory", &format!("{} of {} KiB available", memory.available_kib, memory.total_kib))?;
    }
    if let Some(Value::Object(network)) = &facts.network {
        for (key, value) in network {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            row(key, &text)?;
        }
    }
    for missing in &facts.missing {
        row("failed to", missing)?;
    }
    out.push_str("</table>");
    if let Some(state) = &facts.state {
        out.push_str("<h2>Processes</h2><table><tr><th>name<th>state<th>restarts<th>last failure");
        for process in &state.processes {
            let class = if facts.well { "good" } else { "" };
            let failure = process.failure.as_deref().unwrap_or_default();
            write!(
                out,
                "<tr><td>{}<td class='{class}'>{}<td>{}<td>{}",
                Html(&process.name),
                process.stage.word(),
                process.restarts,
                Html(failure)
            )?;
        }
        out.push_str("</table>");
    }
    out.push_str("<p><a href=/status.json>status.json</a></html>\n");
    Ok(())
}

fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min {} s", seconds % 60),
        (0, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tarsia_process::{ProcessState, Stage, State};

    #[test]
    fn what_others_say_cannot_become_markup() {
        let evil = "<script>\"'&".to_owned();
        let process = ProcessState {
            name: evil.clone(),
            stage: Stage::GivenUp,
            restarts: 3,
            since_ms: 0,
            failure: Some(evil.clone()),
        };
        let state = State {
            product: evil.clone(),
            version: evil.clone(),
            ready_at_ms: None,
            alive_within_ms: 0,
            processes: vec![process],
        };
        let facts = Facts {
            uptime_s: 3_661,
            slot: Some(evil.clone()),
            memory: None,
            network: serde_json::from_str(r#"{"<script>": "<script>", "dns": ["<script>"]}"#).ok(),
            well: false,
            state: Some(state),
            missing: vec![evil],
        };
        let page = page(&facts);
        assert!(!page.contains("<script"), "{page}");
        assert_eq!(page.matches("&lt;script&gt;").count(), 10);
        assert!(page.contains("given-up") && page.contains("1 h 1 min"), "{page}");
    }

    #[test]
    fn durations_are_said_as_people_do() {
        for (seconds, text) in [(59, "0 min 59 s"), (3_600, "1 h 0 min"), (90_000, "1 d 1 h")] {
            assert_eq!(duration(seconds), text);
        }
    }
}
