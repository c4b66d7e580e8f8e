//! What edges are for, written on them or beside them where there is room: over no tile, no other edge
//! and no other text. The tooltip of an edge says it in any case.

use std::collections::BTreeMap;

use super::drawing::{Drawing, Line, Rect, SMALL, Stroke, Tag, cubic};
use super::model::Graph;
use super::text;

/// Where on the first curve of an edge its text may stand, best first.
const PLACES: [f64; 7] = [0.4, 0.5, 0.3, 0.6, 0.22, 0.7, 0.78];
const HEIGHT: f64 = 14.0;
/// Longer texts cover too much.
const WIDEST: f64 = 180.0;
/// Side of a cell of the grid in which points of edges are found.
const CELL: f64 = 32.0;
/// Points of edges are at most twice this apart: of what passes over a text, one is at most this far from it.
const APART: f64 = 3.0;

/// Finds texts and places for them.
pub fn tags(graph: &Graph, drawing: &Drawing) -> Vec<Tag> {
    let grid = Grid::of(drawing);
    let mut tags: Vec<Tag> = Vec::new();
    for (index, line) in drawing.lines.iter().enumerate() {
        let names = graph.parts[line.edge].capabilities.iter().map(|name| name.as_str());
        let text = names.collect::<Vec<_>>().join(", ");
        let width = text::width(&text, SMALL).ceil() + 6.0;
        if text.is_empty() || width > WIDEST {
            continue;
        }
        // Later curves may be shared with other edges.
        let Some((from, a, b, end)) = first_curve(line) else { continue };
        let (first, last) = (line.start, line.end());
        let beside = width / 2.0 + 3.0;
        let places = [0.0, beside, -beside].into_iter().flat_map(|side| PLACES.map(|t| (t, side)));
        let place = places.into_iter().find_map(|(t, side)| {
            let (x, y) = cubic(from, a, b, end, t);
            let (x, y) = (x - width / 2.0 + side, y - HEIGHT / 2.0);
            let rect = Rect { x, y, width, height: HEIGHT };
            let near = rect.grown(2.0);
            let ends = rect.grown(8.0);
            let free = !ends.contains(first)
                && !ends.contains(last)
                && !drawing.tiles.iter().any(|tile| tile.rect.overlaps(&near))
                && !tags.iter().any(|tag| tag.rect.overlaps(&near))
                && drawing.bands.iter().all(|band| x + width < band.rect.x + band.rect.width)
                && !grid.another_passes(&rect, index);
            free.then_some(rect)
        });
        tags.extend(place.map(|rect| Tag { line: index, rect, text }));
    }
    tags
}

type Point = (f64, f64);

fn first_curve(line: &Line) -> Option<(Point, Point, Point, Point)> {
    let mut from = line.start;
    line.strokes.iter().find_map(|stroke| match *stroke {
        Stroke::To(point) => {
            from = point;
            None
        }
        Stroke::Curve(a, b, end) => Some((from, a, b, end)),
    })
}

/// Points along all edges, by cell, each with its edge.
struct Grid(BTreeMap<(i64, i64), Vec<Passing>>);

type Passing = (usize, Point);

fn cell(x: f64) -> i64 {
    (x / CELL).floor() as i64
}

impl Grid {
    fn of(drawing: &Drawing) -> Self {
        let mut cells: BTreeMap<_, Vec<Passing>> = BTreeMap::new();
        for (index, line) in drawing.lines.iter().enumerate() {
            for point in line.points(APART) {
                cells.entry((cell(point.0), cell(point.1))).or_default().push((index, point));
            }
        }
        Self(cells)
    }

    fn another_passes(&self, rect: &Rect, line: usize) -> bool {
        let rect = rect.grown(APART);
        (cell(rect.x)..=cell(rect.x + rect.width)).any(|column| {
            (cell(rect.y)..=cell(rect.y + rect.height)).any(|row| {
                let points = self.0.get(&(column, row)).into_iter().flatten();
                points.into_iter().any(|(other, point)| *other != line && rect.contains(*point))
            })
        })
    }
}
