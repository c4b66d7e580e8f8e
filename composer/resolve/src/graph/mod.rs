//! A selection as a picture: layers as bands, what is used below what uses it. Also as Graphviz text
//! and as data.

mod dot;
mod drawing;
mod label;
mod model;
mod ordering;
mod place;
mod port;
mod route;
mod rows;
mod svg;
mod text;

pub use dot::dot;
pub use drawing::{Band, Drawing, Line, Rect, Stroke, Tag, Tile};
pub use model::{Edge, Graph, Node, Promise, Wanted};
pub use svg::svg;
