//! How edges run: straight through rows, curved between them, so that no edge meets a tile but its own.
//! Edges to one component end in one arrow head.

use petgraph::graph::NodeIndex;

use super::drawing::{Band, Drawing, Line, MARGIN, Rect, Sizes, Stroke, Tile};
use super::model::Graph;
use super::place::{self, Places};
use super::port::{self, Ports, Side};
use super::rows::{Item, Rows, Wire};

/// Space of a band above its first and below its last row.
const PAD: f64 = 16.0;
/// Space between rows: within a band, between bands, and what edges that run far to the side add.
const GAP: f64 = 40.0;
const BAND_GAP: f64 = 62.0;
const SLOPE: f64 = 0.12;
const STEEPEST: f64 = 64.0;
/// The straight last part of an edge, which the arrow head covers.
const HEAD: f64 = 9.0;
/// How high edges between the members of a circle rise: beside each other, and for each further one.
const ARC: f64 = 14.0;
const ARC_STEP: f64 = 5.0;

/// Upper and lower edge of a row.
struct Span {
    top: f64,
    bottom: f64,
}

/// The picture, without tags.
pub fn route(graph: &Graph, rows: &Rows, places: &Places, sizes: &Sizes) -> Drawing {
    let ports = Ports::of(rows, places, sizes);
    let spans = spans(rows, places, sizes, &ports);
    let mut tiles: Vec<Option<Tile>> = sizes.lines.iter().map(|_| None).collect();
    let mut outlines = Vec::new();
    for (index, item) in rows.items.iter().enumerate() {
        let Item::Tiles(parts) = item else { continue };
        let Span { top, bottom } = spans[rows.row_of[index]];
        for part in parts {
            let (width, height) = (sizes.widths[part.index()], sizes.heights[part.index()]);
            let (x, y) = (places.parts[part.index()] - width / 2.0, (top + bottom - height) / 2.0);
            let rect = Rect { x, y, width, height };
            let lines = sizes.lines[part.index()].clone();
            let layer = graph.parts[*part].layer();
            tiles[part.index()] = Some(Tile { part: *part, layer, rect, lines });
        }
        if parts.len() > 1 {
            let width = place::width(item, sizes);
            let x = places.items[index] - width / 2.0;
            outlines.push(Rect { x, y: top, width, height: bottom - top });
        }
    }
    let tiles: Vec<Tile> = tiles.into_iter().flatten().collect();
    let draw = |wire: &Wire| {
        let ends = wire.ends.map(NodeIndex::index);
        let (start, strokes) = if wire.path.len() > 1 {
            run(rows, places, &spans, &ports, &tiles, wire)
        } else {
            arc(rows, &tiles, wire)
        };
        Line { edge: wire.edge, ends, start, strokes }
    };
    let lines = rows.wires.iter().map(draw).collect();
    let width = places.right + 2.0 * MARGIN;
    let height = spans.last().map_or(0.0, |span| span.bottom) + PAD + MARGIN;
    let bands = bands(rows, &spans, width);
    debug_assert_eq!(tiles.len(), graph.parts.node_count(), "every part stands in a row");
    Drawing { width, height, bands, tiles, outlines, lines, tags: Vec::new() }
}

/// Heights: a row is as high as its highest tile and the edges within its circles, and the farther
/// edges run to the side, the more space is between rows.
fn spans(rows: &Rows, places: &Places, sizes: &Sizes, ports: &Ports) -> Vec<Span> {
    let mut farthest = vec![0.0f64; rows.rows.len()];
    let mut arcs = vec![0.0f64; rows.rows.len()];
    for wire in &rows.wires {
        if wire.path.len() == 1 {
            let row = &mut arcs[rows.row_of[wire.path[0]]];
            *row = row.max(arc_height(rows, wire) + HEAD);
            continue;
        }
        let stations = ports.stations(rows, places, wire);
        for (items, x) in wire.path.windows(2).zip(stations.windows(2)) {
            let gap = &mut farthest[rows.row_of[items[0]].min(rows.row_of[items[1]])];
            *gap = gap.max((x[1] - x[0]).abs());
        }
    }
    let mut y = MARGIN;
    let mut spans: Vec<Span> = Vec::new();
    for (index, row) in rows.rows.iter().enumerate() {
        let parts = row.items.iter().flat_map(|item| match &rows.items[*item] {
            Item::Tiles(parts) => parts.as_slice(),
            Item::Bend => &[],
        });
        let tile = parts.map(|part| sizes.heights[part.index()]).fold(0.0, f64::max);
        let bottom = y + tile + 2.0 * arcs[index];
        spans.push(Span { top: y, bottom });
        let next = rows.rows.get(index + 1);
        let gap = if next.is_some_and(|next| next.band == row.band) { GAP } else { BAND_GAP };
        y = bottom + (gap + (farthest[index] * SLOPE).min(STEEPEST)).round();
    }
    spans
}

fn bands(rows: &Rows, spans: &[Span], width: f64) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    for (row, span) in rows.rows.iter().zip(spans) {
        let Some(layer) = row.band else { continue };
        let (y, end) = (span.top - PAD, span.bottom + PAD);
        match bands.last_mut() {
            Some(band) if band.layer == layer => band.rect.height = end - band.rect.y,
            _ => {
                let rect = Rect { x: MARGIN, y, width: width - 2.0 * MARGIN, height: end - y };
                bands.push(Band { layer, rect });
            }
        }
    }
    bands
}

type Way = ((f64, f64), Vec<Stroke>);

/// An edge from row to row.
fn run(
    rows: &Rows,
    places: &Places,
    spans: &[Span],
    ports: &Ports,
    tiles: &[Tile],
    wire: &Wire,
) -> Way {
    let sides = port::sides(rows, wire);
    let down = sides[0] == Side::Bottom;
    let stations = ports.stations(rows, places, wire);
    let [from, to] = wire.ends.map(|part| tiles[part.index()].rect);
    let edge = |rect: Rect, side| if side == Side::Top { rect.y } else { rect.y + rect.height };
    let enter = |span: &Span| if down { span.top } else { span.bottom };
    let leave = |span: &Span| if down { span.bottom } else { span.top };
    let start = (stations[0], edge(from, sides[0]));
    let mut at = (stations[0], leave(&spans[rows.row_of[wire.path[0]]]));
    let mut strokes = vec![Stroke::To(at)];
    for (index, (item, x)) in wire.path.iter().zip(&stations).enumerate().skip(1) {
        let span = &spans[rows.row_of[*item]];
        let arrives = index + 1 == stations.len();
        let head = if arrives { if down { -HEAD } else { HEAD } } else { 0.0 };
        let end = (*x, enter(span) + head);
        let half = (at.1 + end.1) / 2.0;
        strokes.push(Stroke::Curve((at.0, half), (end.0, half), end));
        at = if arrives { (*x, edge(to, sides[1])) } else { (*x, leave(span)) };
        strokes.push(Stroke::To(at));
    }
    (start, strokes)
}

/// Which members of its circle a wire joins, counted from the left.
fn members(rows: &Rows, wire: &Wire) -> [usize; 2] {
    let Item::Tiles(parts) = &rows.items[wire.path[0]] else { return [0, 0] };
    wire.ends.map(|part| parts.iter().position(|other| *other == part).unwrap_or(0))
}

fn arc_height(rows: &Rows, wire: &Wire) -> f64 {
    let [from, to] = members(rows, wire);
    ARC + ARC_STEP * from.abs_diff(to).saturating_sub(1) as f64
}

/// An edge between members of a circle: to the right above the tiles, to the left below them.
fn arc(rows: &Rows, tiles: &[Tile], wire: &Wire) -> Way {
    let [left, right] = members(rows, wire);
    let [from, to] = wire.ends.map(|part| tiles[part.index()].rect);
    // The control points of a curve lie a third farther away than it reaches.
    let height = arc_height(rows, wire) / 0.75;
    let above = left <= right;
    let (x, end) = match left.cmp(&right) {
        std::cmp::Ordering::Less => (from.x + from.width * 0.8, to.x + to.width * 0.2),
        std::cmp::Ordering::Greater => (from.x + from.width * 0.2, to.x + to.width * 0.8),
        std::cmp::Ordering::Equal => (from.x + from.width * 0.6, from.x + from.width * 0.9),
    };
    let y = |rect: Rect| if above { rect.y } else { rect.y + rect.height };
    let peak = if above { y(from).min(y(to)) - height } else { y(from).max(y(to)) + height };
    let curve = Stroke::Curve((x, peak), (end, peak), (end, y(to)));
    ((x, y(from)), vec![curve])
}
