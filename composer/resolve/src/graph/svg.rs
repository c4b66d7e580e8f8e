//! The picture as SVG 1.1, complete in itself.

use std::fmt::Write as _;

use super::drawing::{Drawing, Line, MARGIN, NAME, Rect, SMALL, Stroke, Tile};
use super::model::{Graph, Part, Wanted};

/// Colours, fonts and line widths.
const STYLE: &str = include_str!("style.css");

/// Arrow heads: of requirements, and of what the product names.
const HEADS: [(&str, &str); 2] = [("edge", "head"), ("edge wish", "wish-head")];

/// Draws a graph.
pub fn svg(graph: &Graph) -> String {
    let drawing = Drawing::of(graph);
    let mut svg = String::new();
    write(graph, &drawing, &mut svg).expect("a String grows");
    svg
}

fn write(graph: &Graph, drawing: &Drawing, svg: &mut String) -> std::fmt::Result {
    let (width, height) = (short(drawing.width), short(drawing.height));
    let product = escaped(graph.product.as_str());
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="{width}" height="{height}" viewBox="0 0 {width} {height}">"#
    )?;
    writeln!(svg, "<title>{product}</title>")?;
    writeln!(
        svg,
        "<desc>The components of {product} by layer; arrows lead to what a component requires.</desc>"
    )?;
    writeln!(svg, "<style type=\"text/css\">\n{STYLE}</style>\n<defs>")?;
    for (_, head) in HEADS {
        writeln!(
            svg,
            r#"<marker id="{head}" markerUnits="userSpaceOnUse" markerWidth="9" markerHeight="8" refX="9" refY="4" orient="auto"><path class="{head}" d="M0 0.5 L9 4 L0 7.5 z"/></marker>"#
        )?;
    }
    writeln!(svg, "</defs>")?;
    writeln!(svg, r#"<rect class="page" width="{width}" height="{height}"/>"#)?;
    for band in &drawing.bands {
        let middle = band.rect.y + band.rect.height / 2.0 + NAME * 0.35;
        writeln!(svg, r#"<rect class="band" {} rx="6"/>"#, place(&band.rect))?;
        writeln!(
            svg,
            r#"<text class="layer" x="{}" y="{}">{}</text>"#,
            short(MARGIN + 12.0),
            short(middle),
            band.layer
        )?;
    }
    for outline in &drawing.outlines {
        writeln!(svg, r#"<rect class="circle" {} rx="8"/>"#, place(outline))?;
    }
    for line in &drawing.lines {
        edge(graph, line, svg)?;
    }
    for tag in &drawing.tags {
        let Rect { x, y, width, height } = tag.rect;
        let (x, y) = (short(x + width / 2.0), short(y + height / 2.0 + SMALL * 0.35));
        writeln!(svg, r#"<rect class="tag" {} rx="3"/>"#, place(&tag.rect))?;
        writeln!(svg, r#"<text class="for" x="{x}" y="{y}">{}</text>"#, escaped(&tag.text))?;
    }
    for tile in &drawing.tiles {
        component(graph, tile, svg)?;
    }
    writeln!(svg, "</svg>")
}

fn edge(graph: &Graph, line: &Line, svg: &mut String) -> std::fmt::Result {
    let (class, head) = HEADS[usize::from(graph.parts[line.edge].by != Wanted::Component)];
    let mut path = format!("M{} {}", short(line.start.0), short(line.start.1));
    let mut at = line.start;
    for stroke in &line.strokes {
        match *stroke {
            Stroke::To(end) if end == at => {}
            Stroke::To((x, y)) => write!(path, " L{} {}", short(x), short(y))?,
            Stroke::Curve(a, b, end) => {
                path.push_str(" C");
                for (index, (x, y)) in [a, b, end].into_iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(path, "{comma}{} {}", short(x), short(y))?;
                }
            }
        }
        at = match *stroke {
            Stroke::To(end) | Stroke::Curve(_, _, end) => end,
        };
    }
    let title = escaped(&graph.sentence(line.edge));
    writeln!(
        svg,
        r#"<g class="arrow"><title>{title}</title><path class="hit" d="{path}"/><path class="{class}" marker-end="url(#{head})" d="{path}"/></g>"#
    )
}

fn component(graph: &Graph, tile: &Tile, svg: &mut String) -> std::fmt::Result {
    let (class, name, title) = match &graph.parts[tile.part] {
        Part::Product(name) => ("tile product".to_owned(), "name product-name", name.to_string()),
        Part::Component(node) => {
            let wishes = graph.wishes(tile.part);
            let named = if wishes.is_empty() { "" } else { " named" };
            let promise =
                node.promise.map(|promise| format!("promises at most: {}", promise.text()));
            let mut title = vec![format!("{} ({}): {}", node.name, node.layer, node.summary)];
            title.extend(wishes.into_iter().chain(promise));
            let title = title.join("\n");
            (format!("tile of-{}{named}", node.layer), "name", title)
        }
    };
    let Rect { x, y, width, height } = tile.rect;
    let middle = short(x + width / 2.0);
    let base = y + if tile.lines.len() > 1 { 19.0 } else { height / 2.0 + NAME * 0.35 };
    writeln!(svg, "<g><title>{}</title>", escaped(&title))?;
    writeln!(svg, r#"<rect class="{class}" {} rx="4"/>"#, place(&tile.rect))?;
    for (index, text) in tile.lines.iter().enumerate() {
        let (class, y) = if index == 0 { (name, base) } else { ("more", base + 16.0) };
        writeln!(
            svg,
            r#"<text class="{class}" x="{middle}" y="{}">{}</text>"#,
            short(y),
            escaped(text)
        )?;
    }
    writeln!(svg, "</g>")
}

fn place(rect: &Rect) -> String {
    let Rect { x, y, width, height } = *rect;
    let (x, y, width, height) = (short(x), short(y), short(width), short(height));
    format!(r#"x="{x}" y="{y}" width="{width}" height="{height}""#)
}

/// A length to a tenth of a pixel.
fn short(length: f64) -> String {
    let text = format!("{length:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Text as XML has it. What no XML document may contain becomes a mark.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' => escaped.push(c),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::rows::BANDS;

    #[test]
    fn the_style_knows_every_layer_and_size() {
        for layer in BANDS {
            assert_eq!(
                STYLE.matches(&format!(".of-{layer} {{")).count(),
                2,
                "{layer} by day and night"
            );
        }
        for size in [NAME, SMALL] {
            assert!(STYLE.contains(&format!("font-size: {size}px")), "{size}");
        }
    }

    #[test]
    fn lengths_are_short() {
        for (length, text) in [(0.0, "0"), (12.04, "12"), (12.25, "12.2"), (-0.5, "-0.5")] {
            assert_eq!(short(length), text);
        }
    }
}
