//! The size table: who takes how much of flash and RAM, for people (monospaced text) and for
//! programs (serde).

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::budget::percent;
use crate::{Attribution, Limits, Memory, Owner};

/// Sizes of an image by owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Components, then shared crates, then structural rows, each largest first.
    pub rows: Vec<TableRow>,
    /// Sum of the rows' flash in bytes: all of the flash that is used.
    pub flash: Total,
    /// Sum of the rows' RAM in bytes: all of the RAM that is used.
    pub ram: Total,
}

/// One owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableRow {
    /// `component`, `crate` or `structural`.
    pub kind: &'static str,
    /// As it is shown.
    pub name: String,
    /// Bytes of flash.
    pub flash: u64,
    /// Bytes of RAM.
    pub ram: u64,
}

/// One memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Total {
    /// Bytes used.
    pub used: u64,
    /// Bytes allowed; `None` when nothing limits the memory.
    pub limit: Option<u64>,
    /// Who set the limit.
    pub set_by: Option<String>,
}

impl Table {
    /// Lays out an attribution beside its limits.
    pub fn new(attribution: &Attribution, limits: &Limits) -> Self {
        let mut sizes: BTreeMap<&Owner, [u64; 2]> = BTreeMap::new();
        for (column, memory) in Memory::ALL.into_iter().enumerate() {
            for row in &attribution.memory(memory).rows {
                sizes.entry(&row.owner).or_default()[column] += row.bytes();
            }
        }
        let mut rows: Vec<(&Owner, [u64; 2])> = sizes.into_iter().collect();
        let group = |owner: &Owner| match owner {
            Owner::Component(_) => 0,
            Owner::Package { .. } => 1,
            Owner::Structural(_) => 2,
        };
        rows.sort_by(|(a, a_sizes), (b, b_sizes)| {
            group(a).cmp(&group(b)).then(b_sizes.cmp(a_sizes)).then_with(|| a.cmp(b))
        });
        let total = |memory| {
            let limit = limits.tightest(memory);
            Total {
                used: attribution.memory(memory).used,
                limit: limit.map(|limit| limit.size.0),
                set_by: limit.map(|limit| limit.by.to_string()),
            }
        };
        let row = |(owner, [flash, ram]): (&Owner, [u64; 2])| TableRow {
            kind: owner.kind(),
            name: owner.to_string(),
            flash,
            ram,
        };
        Self {
            rows: rows.into_iter().map(row).collect(),
            flash: total(Memory::Flash),
            ram: total(Memory::Ram),
        }
    }
}

impl fmt::Display for Table {
    /// Text for a fixed-width font; every line ends in a line end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.rows.iter().map(|row| row.name.chars().count());
        let name = names.max().unwrap_or(0).max("component".len());
        let shown = |size: u64| {
            if size == 0 { "-".to_owned() } else { size.to_string() }
        };
        let totals = [&self.flash, &self.ram];
        let [flash, ram] = totals.map(|total| {
            let digits = total.used.max(total.limit.unwrap_or(0)).to_string().len();
            digits.max("000.0 %".len())
        });
        let mut line =
            |a: &str, b: &str, c: &str| writeln!(f, "{a:<name$}  {b:>flash$}  {c:>ram$}");
        line("component", "flash", "RAM")?;
        let mut kind = "component";
        for row in &self.rows {
            if row.kind != kind {
                kind = row.kind;
                line(&"-".repeat(name), &"-".repeat(flash), &"-".repeat(ram))?;
            }
            line(&row.name, &shown(row.flash), &shown(row.ram))?;
        }
        line(&"=".repeat(name), &"=".repeat(flash), &"=".repeat(ram))?;
        let [a, b] = totals.map(|total| total.used.to_string());
        line("used, in bytes", &a, &b)?;
        let [a, b] =
            totals.map(|total| total.limit.map_or("none".into(), |limit| limit.to_string()));
        line("limit", &a, &b)?;
        let [a, b] =
            totals.map(|total| total.limit.map_or("-".into(), |limit| percent(total.used, limit)));
        line("share of limit", &a, &b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::tests::usage;
    use crate::{Limit, SetBy, Structural};
    use tarsia_model::{ByteSize, SourceId, Span};

    fn table() -> Table {
        let component = |name: &str| Owner::Component(name.parse().expect(name));
        let heapless = Owner::Package { name: "heapless".into(), version: Some("0.9.3".into()) };
        let attribution = Attribution {
            flash: usage(&[
                (component("blink"), 80),
                (component("telemetry"), 1300),
                (component("soil-moisture-adc"), 80),
                (heapless, 300),
                (Owner::Structural(Structural::Code), 30),
                (Owner::Structural(Structural::VectorTable), 1024),
            ]),
            ram: usage(&[
                (component("telemetry"), 240),
                (component("soil-moisture-adc"), 10),
                (Owner::Structural(Structural::Stack), 2048),
            ]),
        };
        let limit = Limit {
            memory: Memory::Flash,
            size: ByteSize(131_072),
            span: Span::file(SourceId(0)),
            by: SetBy::Profile("mini".parse().expect("a name")),
        };
        Table::new(&attribution, &Limits { memories: vec![limit], components: Vec::new() })
    }

    #[test]
    fn as_text() {
        insta::assert_snapshot!(table().to_string());
    }

    #[test]
    fn as_json_the_rows_sum_to_the_totals() {
        let json = serde_json::to_value(table()).expect("plain data");
        for memory in ["flash", "ram"] {
            let rows = json["rows"].as_array().expect("rows");
            let sum: u64 = rows.iter().map(|row| row[memory].as_u64().expect("bytes")).sum();
            assert_eq!(json[memory]["used"], sum);
        }
        assert_eq!(json["flash"]["set_by"], "profile `mini`");
    }
}
