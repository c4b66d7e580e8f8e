//! The order within rows: sweeps up and down put each item near the middle of what it is joined to, then
//! neighbours change places where that saves crossings (Sugiyama, Tagawa, Toda 1981; Gansner, Koutsofios,
//! North, Vo 1993). The best order seen is kept. Ties keep the order there was, so that the result is
//! the same everywhere.

use super::rows::Rows;

/// Sweeps over all rows; pictures of a few hundred components do not get better after this many.
const SWEEPS: usize = 24;
/// How often neighbours of a row may change places in one sweep.
const TRANSPOSITIONS: usize = 8;

/// Orders each row.
pub fn order(rows: &mut Rows) {
    let mut order = Order::of(rows);
    let mut best: Vec<Vec<usize>> = order.rows.clone();
    let mut fewest = order.crossings();
    for sweep in 0..SWEEPS {
        if fewest == 0 {
            break;
        }
        let count = order.rows.len();
        let down = sweep % 2 == 0;
        // Every other pair of sweeps turns ties around, which gets out of orders that only look best.
        let turned = sweep / 2 % 2 == 1;
        for step in 1..count {
            order.sort(if down { step } else { count - 1 - step }, down, turned);
        }
        order.transpose();
        let crossings = order.crossings();
        if crossings < fewest {
            fewest = crossings;
            best.clone_from(&order.rows);
        }
    }
    for (row, items) in rows.rows.iter_mut().zip(best) {
        row.items = items;
    }
}

struct Order {
    rows: Vec<Vec<usize>>,
    /// Of each item, its index in its row.
    at: Vec<usize>,
    /// Of each item, what it is joined to in the row above and in the row below.
    near: [Vec<Vec<usize>>; 2],
}

const ABOVE: usize = 0;
const BELOW: usize = 1;

impl Order {
    fn of(rows: &Rows) -> Self {
        let mut near = [vec![Vec::new(); rows.items.len()], vec![Vec::new(); rows.items.len()]];
        for (upper, lower) in &rows.links {
            near[BELOW][*upper].push(*lower);
            near[ABOVE][*lower].push(*upper);
        }
        let rows: Vec<Vec<usize>> = rows.rows.iter().map(|row| row.items.clone()).collect();
        let mut order = Self { at: vec![0; near[ABOVE].len()], rows, near };
        (0..order.rows.len()).for_each(|row| order.number(row));
        order
    }

    fn number(&mut self, row: usize) {
        for (index, item) in self.rows[row].iter().enumerate() {
            self.at[*item] = index;
        }
    }

    /// Sorts a row by the middle of what its items are joined to on one side. Items that are joined to
    /// nothing there keep their place.
    fn sort(&mut self, row: usize, by_above: bool, turned: bool) {
        let near = &self.near[if by_above { ABOVE } else { BELOW }];
        let middle = |item: usize| {
            let others = &near[item];
            let sum: usize = others.iter().map(|other| self.at[*other]).sum();
            sum as f64 / others.len() as f64
        };
        let items = &self.rows[row];
        let free: Vec<usize> = (0..items.len()).filter(|at| !near[items[*at]].is_empty()).collect();
        let mut moving: Vec<(f64, usize)> =
            free.iter().map(|at| (middle(items[*at]), items[*at])).collect();
        if turned {
            moving.reverse();
        }
        moving.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (at, (_, item)) in free.into_iter().zip(moving) {
            self.rows[row][at] = item;
        }
        self.number(row);
    }

    /// Swaps neighbours as long as that saves crossings.
    fn transpose(&mut self) {
        for _ in 0..TRANSPOSITIONS {
            let mut better = false;
            for row in 0..self.rows.len() {
                for at in 1..self.rows[row].len() {
                    let (left, right) = (self.rows[row][at - 1], self.rows[row][at]);
                    if self.crossed(right, left) < self.crossed(left, right) {
                        self.rows[row].swap(at - 1, at);
                        self.at[right] = at - 1;
                        self.at[left] = at;
                        better = true;
                    }
                }
            }
            if !better {
                break;
            }
        }
    }

    /// Crossings between the links of two neighbours, when `left` stands left of `right`.
    fn crossed(&self, left: usize, right: usize) -> usize {
        let side = |near: &[Vec<usize>]| -> usize {
            let others = near[left].iter();
            others.map(|a| near[right].iter().filter(|b| self.at[**b] < self.at[*a]).count()).sum()
        };
        self.near.iter().map(|near| side(near)).sum()
    }

    /// All crossings between links, counted with a tree of prefix sums (Barth, Jünger, Mutzel 2002).
    fn crossings(&self) -> usize {
        let mut crossings = 0;
        for pair in self.rows.windows(2) {
            let mut ends: Vec<(usize, usize)> = Vec::new();
            for upper in &pair[0] {
                let below = self.near[BELOW][*upper].iter();
                ends.extend(below.map(|lower| (self.at[*upper], self.at[*lower])));
            }
            ends.sort_unstable();
            let mut tree = vec![0usize; pair[1].len() + 1];
            for (seen, (_, lower)) in ends.iter().enumerate() {
                let mut not_right = 0;
                let mut at = lower + 1;
                while at > 0 {
                    not_right += tree[at];
                    at &= at - 1;
                }
                crossings += seen - not_right;
                at = lower + 1;
                while at < tree.len() {
                    tree[at] += 1;
                    at += at & at.wrapping_neg();
                }
            }
        }
        crossings
    }
}
