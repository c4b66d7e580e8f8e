//! Seconds by the clock and of the processor: the second are there for busy machines.

use std::fmt;
use std::time::Instant;

/// How many ticks of `/proc/self/stat` are a second (`USER_HZ`).
const TICKS: f64 = 100.0;

/// Seconds by the clock and of the processor (of this process and of those it started).
#[derive(Clone, Copy, Debug)]
pub struct Time {
    pub wall: f64,
    pub processor: f64,
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} s ({:.2} s of the processor)", self.wall, self.processor)
    }
}

pub fn timed(work: impl FnOnce()) -> Time {
    let (start, before) = (Instant::now(), processor());
    work();
    Time { wall: start.elapsed().as_secs_f64(), processor: processor() - before }
}

/// The median of each.
pub fn median(times: &[Time]) -> Time {
    let of = |seconds: fn(&Time) -> f64| {
        let mut all: Vec<f64> = times.iter().map(seconds).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    Time { wall: of(|time| time.wall), processor: of(|time| time.processor) }
}

/// Fields 14 to 17 of proc(5): user and system, own and of children that ended.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields = stat.rsplit(") ").next().expect("fields");
    let ticks = fields.split(' ').skip(11).take(4);
    ticks.map(|ticks| ticks.parse::<f64>().expect("a number")).sum::<f64>() / TICKS
}
