//! How far from the left everything stands: as near as possible to what it is joined to, in the order
//! of its row and without touching its neighbours.

use petgraph::graph::NodeIndex;

use super::drawing::{GUTTER, MARGIN, Sizes};
use super::rows::{BESIDE, Item, Rows, WITHIN};

/// Rounds of moving each row towards its neighbours; later ones move nothing by a whole pixel.
const ROUNDS: usize = 48;
/// Rounds of straightening: a trunk may make room for another.
const STRAIGHTENING: usize = 4;
/// Space between a bend and its neighbours.
const BEND: f64 = 14.0;
/// Space inside an outline, left and right.
const OUTLINE: f64 = 12.0;

/// Where items stand.
#[derive(Debug)]
pub struct Places {
    /// The middle of each item.
    pub items: Vec<f64>,
    /// The middle of each part's tile.
    pub parts: Vec<f64>,
    /// The right end of what stands farthest right.
    pub right: f64,
}

/// Finds the places, and the order of the members of circles.
pub fn place(rows: &mut Rows, sizes: &Sizes) -> Places {
    let widths: Vec<f64> = rows.items.iter().map(|item| width(item, sizes)).collect();
    let mut joined: Vec<Vec<(usize, f64)>> = vec![Vec::new(); rows.items.len()];
    for (upper, lower) in &rows.links {
        // What is long shall be straight.
        let bends =
            [*upper, *lower].iter().filter(|i| matches!(rows.items[**i], Item::Bend)).count();
        let weight = [1.0, 3.0, 8.0][bends];
        joined[*upper].push((*lower, weight));
        joined[*lower].push((*upper, weight));
    }
    let mut items = vec![0.0; rows.items.len()];
    for round in 0..ROUNDS {
        let count = rows.rows.len();
        for step in 0..count {
            let row = if round % 2 == 0 { step } else { count - 1 - step };
            let row = &rows.rows[row].items;
            let wishes: Vec<(f64, f64)> = row
                .iter()
                .map(|item| {
                    let weight: f64 = joined[*item].iter().map(|(_, weight)| weight).sum();
                    let sum: f64 = joined[*item].iter().map(|(other, w)| items[*other] * w).sum();
                    // What is joined to nothing goes where there is room.
                    if weight > 0.0 { (sum / weight, weight) } else { (items[*item], 0.01) }
                })
                .collect();
            let apart: Vec<f64> = row
                .windows(2)
                .map(|pair| (widths[pair[0]] + widths[pair[1]]) / 2.0 + space(rows, pair))
                .collect();
            for (item, x) in row.iter().zip(spread(&wishes, &apart)) {
                items[*item] = x;
            }
        }
    }
    straighten(rows, &widths, &mut items);
    let left = items.iter().zip(&widths).map(|(x, width)| x - width / 2.0).fold(f64::MAX, f64::min);
    for x in &mut items {
        *x = (*x - left + GUTTER + 2.0 * MARGIN).round();
    }
    let mut places = Places { parts: vec![0.0; sizes.widths.len()], items, right: 0.0 };
    let ends = places.items.iter().zip(&widths).map(|(x, width)| x + width / 2.0);
    places.right = ends.fold(0.0, f64::max).ceil();
    arrange(rows, sizes, &mut places);
    places
}

/// The width of an item.
pub fn width(item: &Item, sizes: &Sizes) -> f64 {
    match item {
        Item::Bend => 0.0,
        Item::Tiles(parts) => {
            let tiles: f64 = parts.iter().map(|part| sizes.widths[part.index()]).sum();
            let between = (parts.len() - 1) as f64;
            tiles + between * WITHIN + if parts.len() > 1 { 2.0 * OUTLINE } else { 0.0 }
        }
    }
}

fn space(rows: &Rows, pair: &[usize]) -> f64 {
    let bend = pair.iter().any(|item| matches!(rows.items[*item], Item::Bend));
    if bend { BEND } else { BESIDE }
}

/// Makes trunks run straight down as far as their neighbours in each row allow, towards the component they
/// lead to.
fn straighten(rows: &Rows, widths: &[f64], items: &mut [f64]) {
    let mut at = vec![0; items.len()];
    for row in &rows.rows {
        for (index, item) in row.items.iter().enumerate() {
            at[*item] = index;
        }
    }
    let room = |item: usize, items: &[f64]| {
        let row = &rows.rows[rows.row_of[item]].items;
        let apart = |other: usize| (widths[item] + widths[other]) / 2.0 + BEND;
        let before = at[item].checked_sub(1).map(|before| row[before]);
        let left = before.map_or(f64::NEG_INFINITY, |other| items[other] + apart(other));
        let after = row.get(at[item] + 1);
        (left, after.map_or(f64::INFINITY, |other| items[*other] - apart(*other)))
    };
    for _ in 0..STRAIGHTENING {
        for trunk in &rows.trunks {
            let mut wish = items[rows.item_of(trunk.used)];
            let mut bends = trunk.bends.as_slice();
            while let Some(first) = bends.first() {
                let (mut left, mut right) = room(*first, items);
                let mut count = 1;
                for bend in &bends[1..] {
                    let (l, r) = room(*bend, items);
                    if left.max(l) > right.min(r) {
                        break;
                    }
                    (left, right) = (left.max(l), right.min(r));
                    count += 1;
                }
                // Rounding may leave a row without room for a bend where it stands.
                wish = wish.min(right).max(left);
                bends[..count].iter().for_each(|bend| items[*bend] = wish);
                bends = &bends[count..];
            }
        }
    }
}

/// Orders the members of each circle by where they are joined to, and places their tiles.
fn arrange(rows: &mut Rows, sizes: &Sizes, places: &mut Places) {
    let mut pull = vec![(0.0, 0.0); places.parts.len()];
    let mut toward = |part: NodeIndex, x: f64| {
        let (sum, count) = &mut pull[part.index()];
        *sum += x;
        *count += 1.0;
    };
    for wire in &rows.wires {
        // A wire within a circle has one item and pulls at neither end.
        if let [_, .., before, _] | [before, _] = wire.path[..] {
            toward(wire.ends[0], places.items[wire.path[1]]);
            toward(wire.ends[1], places.items[before]);
        }
    }
    for (item, x) in rows.items.iter_mut().zip(&places.items) {
        let whole = width(item, sizes);
        let Item::Tiles(parts) = item else { continue };
        let wish = |part: &NodeIndex| {
            let (sum, count) = pull[part.index()];
            if count > 0.0 { sum / count } else { *x }
        };
        parts.sort_by(|a, b| wish(a).total_cmp(&wish(b)));
        let mut left = x - whole / 2.0 + if parts.len() > 1 { OUTLINE } else { 0.0 };
        for part in parts {
            let width = sizes.widths[part.index()];
            places.parts[part.index()] = left + width / 2.0;
            left += width + WITHIN;
        }
    }
}

/// The places nearest to wishes (place and weight) by least squares, with at least these distances
/// between neighbours: isotonic regression by pooling adjacent violators (Barlow et al. 1972).
pub fn spread(wishes: &[(f64, f64)], apart: &[f64]) -> Vec<f64> {
    // Without the distances before it, each place only has to be no less than the one before.
    let mut offsets = vec![0.0];
    for distance in apart {
        offsets.push(offsets[offsets.len() - 1] + distance);
    }
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for ((wish, weight), offset) in wishes.iter().zip(&offsets) {
        let mut pool = (wish - offset, *weight, 1);
        while let Some(before) = pools.pop_if(|before| before.0 > pool.0) {
            let weight = before.1 + pool.1;
            pool = ((before.0 * before.1 + pool.0 * pool.1) / weight, weight, before.2 + pool.2);
        }
        pools.push(pool);
    }
    let places = pools.iter().flat_map(|(place, _, count)| std::iter::repeat_n(*place, *count));
    places.zip(offsets).map(|(place, offset)| place + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wishes_that_can_be_met_are_met() {
        assert_eq!(spread(&[(1.0, 1.0), (5.0, 2.0)], &[4.0]), [1.0, 5.0]);
        assert_eq!(spread(&[(4.0, 1.0), (4.0, 1.0)], &[2.0]), [3.0, 5.0]);
        assert_eq!(spread(&[(4.0, 3.0), (4.0, 1.0)], &[2.0]), [3.5, 5.5]);
        assert_eq!(spread(&[], &[]), [0.0; 0]);
    }

    proptest! {
        #[test]
        fn neighbours_keep_apart(wishes in prop::collection::vec((-50.0..50.0, 0.1..9.0), 1..9)) {
            let apart = vec![7.0; wishes.len() - 1];
            let places = spread(&wishes, &apart);
            for pair in places.windows(2) {
                prop_assert!(pair[1] - pair[0] > 7.0 - 1e-9);
            }
            let weight: f64 = wishes.iter().map(|(_, weight)| weight).sum();
            let off: f64 = places.iter().zip(&wishes).map(|(x, (wish, w))| (x - wish) * w).sum();
            prop_assert!((off / weight).abs() < 1e-9, "moved as a whole by {off}");
        }
    }
}
