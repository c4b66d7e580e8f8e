//! Where on the sides of tiles edges leave and arrive: in the order of where they go to, so that they do
//! not cross at once, and straight above each other where that is possible.

use std::collections::BTreeMap;

use petgraph::graph::NodeIndex;

use super::drawing::Sizes;
use super::place::{self, Places};
use super::rows::{Rows, Wire};

/// Space between the ends of edges on one side of a tile, and from them to the tile's corners.
const PORT: f64 = 16.0;
const CORNER: f64 = 14.0;

/// Where on a tile an edge ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Port {
    /// All edges that arrive on this side.
    In,
    /// An edge that leaves to this item; where edges to different members of a circle leave, to this member.
    Out(usize, Option<NodeIndex>),
}

/// What is at the other end of an edge's first or last part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Tile(NodeIndex),
    Bend(usize),
}

/// Which side of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Above it.
    Top,
    /// Below it.
    Bottom,
}

/// The end of an edge: whose, where, which.
type Key = (NodeIndex, Side, Port);

/// How far from the left each edge leaves and arrives.
pub struct Ports(BTreeMap<Key, f64>);

/// The sides at which a wire leaves its user and arrives; both ends are in different rows.
pub fn sides(rows: &Rows, wire: &Wire) -> [Side; 2] {
    let down = rows.row_of[wire.path[0]] < rows.row_of[wire.path[1]];
    if down { [Side::Bottom, Side::Top] } else { [Side::Top, Side::Bottom] }
}

/// The part at which a wire ends, if its next item is that end.
fn last(wire: &Wire) -> Option<NodeIndex> {
    (wire.path.len() == 2).then_some(wire.ends[1])
}

/// Per port, the bends and tiles at the other ends of its edges, with the side on which they are met.
type Joined = BTreeMap<Key, BTreeMap<End, Side>>;

fn joined(rows: &Rows) -> Joined {
    let mut joined = Joined::new();
    for wire in rows.wires.iter().filter(|wire| wire.path.len() > 1) {
        let [leave, arrive] = sides(rows, wire);
        let [from, to] = wire.ends;
        let (next, before) = (wire.path[1], wire.path[wire.path.len() - 2]);
        let direct = last(wire).is_some();
        let out = (from, leave, Port::Out(next, last(wire)));
        let end = if direct { End::Tile(to) } else { End::Bend(next) };
        joined.entry(out).or_default().insert(end, arrive);
        let end = if direct { End::Tile(from) } else { End::Bend(before) };
        joined.entry((to, arrive, Port::In)).or_default().insert(end, leave);
    }
    joined
}

impl Ports {
    /// Places for the ends of edges on the sides of tiles, in the order of where the edges go to.
    pub fn of(rows: &Rows, places: &Places, sizes: &Sizes) -> Self {
        let joined = joined(rows);
        let range = |part: NodeIndex| {
            let half = (sizes.widths[part.index()] / 2.0 - CORNER).max(0.0);
            (places.parts[part.index()] - half, places.parts[part.index()] + half)
        };
        // Where each port would best be if it were alone.
        let wish = |(part, _, port): Key, others: &BTreeMap<End, Side>| match others.iter().next() {
            Some((End::Bend(bend), _)) if others.len() == 1 => places.items[*bend],
            Some((End::Tile(other), side)) if others.len() == 1 => {
                let meets = joined.get(&(*other, *side, Port::In));
                let one_of_several = port != Port::In && meets.is_some_and(|ends| ends.len() > 1);
                let (own, far) = (range(part), range(*other));
                let (left, right) = (own.0.max(far.0), own.1.min(far.1));
                // Tiles above each other are joined by a straight line.
                let straight = left < right && !one_of_several;
                if straight { f64::midpoint(left, right) } else { places.parts[other.index()] }
            }
            // Several edges meet in the middle.
            _ => places.parts[part.index()],
        };
        let mut wanted: BTreeMap<(NodeIndex, Side), Vec<(f64, Port)>> = BTreeMap::new();
        for (key, others) in &joined {
            wanted.entry((key.0, key.1)).or_default().push((wish(*key, others), key.2));
        }
        let mut ports = BTreeMap::new();
        let mut alone = Vec::new();
        for ((part, side), mut wanted) in wanted {
            let (left, right) = range(part);
            wanted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let between = (wanted.len() - 1) as f64;
            let apart = PORT.min((right - left) / between.max(1.0));
            let wishes: Vec<_> = wanted.iter().map(|(x, _)| (x.clamp(left, right), 1.0)).collect();
            let found = place::spread(&wishes, &vec![apart; wanted.len() - 1]);
            for (index, (x, (_, port))) in found.into_iter().zip(&wanted).enumerate() {
                let before = index as f64;
                let x = x.min(right - apart * (between - before)).max(left + apart * before);
                ports.insert((part, side, *port), x);
            }
            if let [(_, port)] = wanted[..] {
                alone.push((part, side, port));
            }
        }
        // A port that is alone on its side follows the one at the other end, which may not be.
        for key in alone {
            if let [(End::Tile(other), far)] = joined[&key].iter().collect::<Vec<_>>()[..] {
                let port = match key.2 {
                    Port::Out(..) => Port::In,
                    Port::In => Port::Out(rows.item_of(key.0), Some(key.0)),
                };
                let (left, right) = range(key.0);
                let x = ports[&(*other, *far, port)].clamp(left, right);
                ports.insert(key, x);
            }
        }
        Self(ports)
    }

    /// Where a wire stands at each item of its way.
    pub fn stations(&self, rows: &Rows, places: &Places, wire: &Wire) -> Vec<f64> {
        let [from, to] = wire.ends;
        let [leave, arrive] = sides(rows, wire);
        let mut stations = vec![self.0[&(from, leave, Port::Out(wire.path[1], last(wire)))]];
        let between = &wire.path[1..wire.path.len() - 1];
        stations.extend(between.iter().map(|item| places.items[*item]));
        stations.push(self.0[&(to, arrive, Port::In)]);
        stations
    }
}
