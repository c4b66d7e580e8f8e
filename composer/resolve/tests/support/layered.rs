//! Products of any size with the layers of a real one, from a source of choices: a list that proptest
//! shrinks, or a fixed sequence.

use std::fmt::Write as _;

use super::workspace::Workspace;

const NAMES: [&str; 12] = [
    "radio",
    "flash-store",
    "console",
    "pressure",
    "lock",
    "shell",
    "battery-gauge",
    "ring",
    "time-sync",
    "codec",
    "watch",
    "update-agent",
];
/// Layers above board and kernel, with how many of ten components have them.
const LAYERS: [(&str, &str, usize); 4] =
    [("app", "apps", 1), ("service", "services", 3), ("driver", "drivers", 3), ("library", "", 3)];

/// The numbers of a linear congruential sequence (Knuth's MMIX), for pictures of a fixed product.
pub struct Sequence(pub u64);

impl Sequence {
    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }
}

/// A product of `count` components beside board and kernel. `below(n)` chooses a number below `n`. Circles
/// occur, within a layer and across layers.
pub fn product(count: usize, mut below: impl FnMut(usize) -> usize) -> Workspace {
    let mut layers = Vec::new();
    for (layer, key, share) in LAYERS {
        let members = (count * share).div_ceil(10).min(count - layers.len());
        layers.extend(std::iter::repeat_n((layer, key), members));
    }
    let count = layers.len();
    let name = |index: usize| format!("{}-{index}", NAMES[index % NAMES.len()]);
    let mut lists = [("apps", Vec::new()), ("services", Vec::new()), ("drivers", Vec::new())];
    let mut lines = String::new();
    for (index, (layer, key)) in layers.iter().enumerate() {
        let mut requires = Vec::new();
        for _ in 0..below(4) {
            // Mostly what comes later, which is as low or lower; near more often than far.
            let other =
                if below(12) == 0 { below(count) } else { index + 1 + below(count / 3 + 1) };
            if other < count {
                requires.push(format!("k{other}"));
            }
        }
        if *layer == "driver" {
            requires.push("hw.clock".to_owned());
        }
        requires.sort();
        requires.dedup();
        let budget = if below(2) == 0 { ", budget: { flash: 2KiB }" } else { "" };
        let requires = requires.join(", ");
        let name = name(index);
        writeln!(
            lines,
            "{{ component: {name}, layer: {layer}, provides: [k{index}], requires: [{requires}]{budget} }}"
        )
        .expect("a String grows");
        let named = *layer != "driver" || below(3) == 0;
        if let Some((_, list)) = lists.iter_mut().find(|(other, _)| other == key && named) {
            list.push(name);
        }
    }
    let lists = lists.iter().map(|(key, names)| format!("{key}: [{}]", names.join(", ")));
    Workspace::new(&lines, &lists.collect::<Vec<_>>().join("\n"))
}
