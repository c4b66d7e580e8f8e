//! `tarsia cache`: looks after the store in which built results are kept.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tarsia_build::Surroundings;
use tarsia_cache::{Amount, CacheError, Collected, Stats, Store, Verified};
use tarsia_model::{ByteSize, SourceMap};

use crate::args::{Cache, Global};
use crate::session::cache_folder;
use crate::ui::{Outcome, Ui};

/// Does it; needs no workspace.
pub fn run(global: &Global, ui: Ui, what: &Cache) -> Outcome {
    let store = Store::new(cache_folder(global, &Surroundings::read()));
    match answer(&store, ui, what) {
        Ok(outcome) => outcome,
        Err(error) => ui.report(&[error.into()], &SourceMap::default()),
    }
}

fn answer(store: &Store, ui: Ui, what: &Cache) -> Result<Outcome, CacheError> {
    match what {
        Cache::Path => {
            let path = store.root().display().to_string();
            ui.answer(|| format!("{path}\n"), &json!({ "path": path }));
        }
        Cache::Stats => {
            let stats = store.stats()?;
            ui.answer(|| stats_text(&stats), &stats_value(&stats));
        }
        Cache::Verify => {
            let verified = store.verify()?;
            ui.answer(|| verified_text(&verified), &verified_value(&verified));
            if !verified.is_sound() {
                return Ok(Outcome::Failure);
            }
        }
        Cache::Gc { max_size: ByteSize(limit) } => {
            let collected = store.gc(*limit, &BTreeSet::new())?;
            ui.answer(|| collected_text(&collected, *limit), &collected_value(&collected, *limit));
        }
    }
    Ok(Outcome::Success)
}

fn stats_text(stats: &Stats) -> String {
    let rows = [
        ("results", stats.results),
        ("blobs", stats.blobs),
        ("damaged", stats.damaged),
        ("temporary", stats.temporary),
    ];
    let mut text: String =
        rows.iter().map(|(name, amount)| format!("{name:<10}  {}\n", row(*amount))).collect();
    if let Some(oldest) = stats.oldest {
        text += &format!("oldest use  {}\n", date(oldest.div_euclid(1_000_000_000)));
    }
    text
}

fn stats_value(stats: &Stats) -> Value {
    json!({
        "results": value(stats.results),
        "blobs": value(stats.blobs),
        "damaged": value(stats.damaged),
        "temporary": value(stats.temporary),
        "oldest_use": stats.oldest.map(|time| time.div_euclid(1_000_000_000)),
    })
}

fn verified_text(verified: &Verified) -> String {
    let mut text =
        format!("results     {}\nblobs       {}\n", row(verified.results), row(verified.blobs));
    let found = [
        (verified.damaged_results, "damaged results, set aside"),
        (verified.damaged_blobs, "damaged blobs, set aside"),
        (verified.dangling, "results without their blobs, removed"),
        (verified.strangers, "files that are neither, set aside"),
    ];
    for (count, what) in found.iter().filter(|(count, _)| *count > 0) {
        text += &format!("{what}: {count}\n");
    }
    if verified.is_sound() {
        text += "all of it is sound\n";
    }
    text
}

fn verified_value(verified: &Verified) -> Value {
    json!({
        "results": value(verified.results),
        "blobs": value(verified.blobs),
        "damaged_results": verified.damaged_results,
        "damaged_blobs": verified.damaged_blobs,
        "dangling": verified.dangling,
        "strangers": verified.strangers,
        "sound": verified.is_sound(),
    })
}

fn collected_text(collected: &Collected, limit: u64) -> String {
    let Collected { before, after, results, blobs, leftovers } = *collected;
    let mut text =
        format!("removed results: {results}, blobs: {blobs}, leftover files: {leftovers}\n");
    text += &format!("{} before, {} after\n", human(before), human(after));
    if after > limit {
        text += &format!("{} more than asked for are in use\n", human(after - limit));
    }
    text
}

fn collected_value(collected: &Collected, limit: u64) -> Value {
    json!({
        "limit": limit,
        "before": collected.before,
        "after": collected.after,
        "results": collected.results,
        "blobs": collected.blobs,
        "leftovers": collected.leftovers,
    })
}

fn row(amount: Amount) -> String {
    format!("{:>8} files  {}", amount.count, human(amount.bytes)).trim_end().to_owned()
}

fn value(amount: Amount) -> Value {
    json!({ "count": amount.count, "bytes": amount.bytes })
}

/// A size with one digit behind the point, in the largest binary unit of which there is one.
fn human(bytes: u64) -> String {
    for (unit, factor) in [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if bytes >= factor {
            let tenths = u128::from(bytes) * 10 / u128::from(factor);
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} B")
}

/// Seconds since 1970 as a date and time in UTC: the days by the algorithm `civil_from_days` of Howard
/// Hinnant's "chrono-Compatible Low-Level Date Algorithms".
fn date(seconds: i64) -> String {
    let (days, time) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(date(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(date(951_782_399), "2000-02-28 23:59:59 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(date(1_709_251_199), "2024-02-29 23:59:59 UTC");
        assert_eq!(date(4_107_542_400), "2100-03-01 00:00:00 UTC");
        assert_eq!(date(-1), "1969-12-31 23:59:59 UTC");
    }

    #[test]
    fn sizes() {
        let shown = [0, 1_023, 1_024, 1_600, 5 << 30].map(human);
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "5.0 GiB"]);
    }
}
