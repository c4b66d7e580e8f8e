//! A graph with every place decided: what the picture is made of, before it becomes SVG.

use petgraph::graph::{EdgeIndex, NodeIndex};
use tarsia_manifest::Layer;

use super::model::Graph;
use super::ordering;
use super::place;
use super::route;
use super::rows::Rows;
use super::{label, text};

/// Space around the picture, and between its edge and the bands.
pub const MARGIN: f64 = 16.0;
/// Where the titles of the bands stand.
pub const GUTTER: f64 = 84.0;
/// Font sizes: of names, of promises, of what edges are for.
pub const NAME: f64 = 13.0;
/// See [`NAME`].
pub const SMALL: f64 = 10.0;

/// Height of a tile with a name, and what a promise below it adds.
const TILE: f64 = 30.0;
const PROMISE: f64 = 14.0;
/// Space beside the text in a tile.
const INSET: f64 = 12.0;

/// A picture. Lengths are in pixels; y grows downwards.
#[derive(Debug)]
pub struct Drawing {
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
    /// The bands, top first.
    pub bands: Vec<Band>,
    /// The product and its components.
    pub tiles: Vec<Tile>,
    /// Outlines of circles.
    pub outlines: Vec<Rect>,
    /// The edges.
    pub lines: Vec<Line>,
    /// What edges are for, where there is room to say it.
    pub tags: Vec<Tag>,
}

/// The band of a layer.
#[derive(Debug)]
pub struct Band {
    /// The layer.
    pub layer: Layer,
    /// Where.
    pub rect: Rect,
}

/// A component or the product.
#[derive(Debug)]
pub struct Tile {
    /// Which.
    pub(super) part: NodeIndex,
    /// The layer; the product has none.
    pub layer: Option<Layer>,
    /// Where.
    pub rect: Rect,
    /// The name, and below it the promise.
    pub lines: Vec<String>,
}

/// An edge.
#[derive(Debug)]
pub struct Line {
    /// Which.
    pub(super) edge: EdgeIndex,
    /// Its ends, as indices of [`Drawing::tiles`].
    pub ends: [usize; 2],
    /// Where it starts.
    pub start: (f64, f64),
    /// How it goes on.
    pub strokes: Vec<Stroke>,
}

/// A part of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stroke {
    /// Straight to a point.
    To((f64, f64)),
    /// A cubic curve: two control points and the end.
    Curve((f64, f64), (f64, f64), (f64, f64)),
}

/// A text on a line.
#[derive(Debug)]
pub struct Tag {
    /// The line, as an index of [`Drawing::lines`].
    pub line: usize,
    /// Where.
    pub rect: Rect,
    /// The text.
    pub text: String,
}

/// A rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl Rect {
    /// Whether two rectangles have more than a border in common.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.x < other.x + other.width
            && other.x < self.x + self.width
            && self.y < other.y + other.height
            && other.y < self.y + self.height
    }

    /// Whether a point lies inside, not on the border.
    pub fn contains(&self, (x, y): (f64, f64)) -> bool {
        x > self.x && x < self.x + self.width && y > self.y && y < self.y + self.height
    }

    /// The rectangle with a border of this width around it.
    pub fn grown(&self, by: f64) -> Self {
        let (width, height) = (self.width + 2.0 * by, self.height + 2.0 * by);
        Self { x: self.x - by, y: self.y - by, width, height }
    }
}

impl Line {
    /// Where the line ends.
    pub fn end(&self) -> (f64, f64) {
        self.strokes.last().map_or(self.start, |stroke| match *stroke {
            Stroke::To(end) | Stroke::Curve(_, _, end) => end,
        })
    }

    /// Points along the line, neighbours at most twice `apart` from each other; its ends are among them.
    pub fn points(&self, apart: f64) -> Vec<(f64, f64)> {
        let mut points = vec![self.start];
        let mut from = self.start;
        for stroke in &self.strokes {
            let (a, b, end) = match *stroke {
                Stroke::To(end) => (from, end, end),
                Stroke::Curve(a, b, end) => (a, b, end),
            };
            let steps = (((end.0 - from.0).abs() + (end.1 - from.1).abs()) / apart).ceil().max(1.0);
            let mut step = 1.0;
            while step < steps {
                points.push(cubic(from, a, b, end, step / steps));
                step += 1.0;
            }
            points.push(end);
            from = end;
        }
        points
    }
}

/// A point of a cubic curve, `t` from 0 to 1.
pub fn cubic(p: (f64, f64), a: (f64, f64), b: (f64, f64), q: (f64, f64), t: f64) -> (f64, f64) {
    let s = 1.0 - t;
    let mix = |p: f64, a: f64, b: f64, q: f64| {
        s * s * s * p + 3.0 * s * s * t * a + 3.0 * s * t * t * b + t * t * t * q
    };
    (mix(p.0, a.0, b.0, q.0), mix(p.1, a.1, b.1, q.1))
}

impl Drawing {
    /// Lays a graph out.
    pub fn of(graph: &Graph) -> Self {
        let sizes = Sizes::of(graph);
        let mut rows = Rows::of(graph, &sizes);
        ordering::order(&mut rows);
        let places = place::place(&mut rows, &sizes);
        let mut drawing = route::route(graph, &rows, &places, &sizes);
        drawing.tags = label::tags(graph, &drawing);
        drawing
    }
}

/// What is written on tiles, and how large this makes them; by part.
pub struct Sizes {
    /// The lines of text.
    pub lines: Vec<Vec<String>>,
    /// Widths of the tiles.
    pub widths: Vec<f64>,
    /// Heights of the tiles.
    pub heights: Vec<f64>,
}

impl Sizes {
    /// The sizes for a graph.
    pub fn of(graph: &Graph) -> Self {
        let mut sizes = Self { lines: Vec::new(), widths: Vec::new(), heights: Vec::new() };
        for part in graph.parts.node_weights() {
            let (promise, bold) = match part {
                super::model::Part::Product(_) => (None, text::BOLD),
                super::model::Part::Component(node) => (node.promise, 1.0),
            };
            let name = part.name().to_string();
            let mut width = text::width(&name, NAME) * bold;
            let mut lines = vec![name];
            if let Some(promise) = promise {
                lines.push(promise.text());
                width = width.max(text::width(&lines[1], SMALL));
            }
            sizes.widths.push((width + 2.0 * INSET).ceil());
            sizes.heights.push(if lines.len() > 1 { TILE + PROMISE } else { TILE });
            sizes.lines.push(lines);
        }
        sizes
    }
}
