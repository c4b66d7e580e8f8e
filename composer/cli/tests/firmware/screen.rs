//! Reads the text on a picture of the OLED panel, by comparing each of its cells with the glyphs of
//! the font that the display service draws with.

use embedded_graphics::framebuffer::{Framebuffer, buffer_size};
use embedded_graphics::image::GetPixel as _;
use embedded_graphics::mono_font::{MonoTextStyle, ascii::FONT_6X9};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::pixelcolor::raw::{LittleEndian, RawU1};
use embedded_graphics::prelude::*;
use embedded_graphics::text::{Baseline, Text};

/// Pixels of the panel.
const PANEL: [usize; 2] = [128, 64];
/// QEMU draws each pixel of the panel as a square of so many (hw/display/ssd0323.c, MAGNIFY).
const SQUARE: usize = 4;
/// Pixels of a character.
const CELL: [usize; 2] = [6, 9];

/// The rows of text on a screenshot (binary PPM); what is no character is `?`.
pub fn rows(ppm: &[u8]) -> Vec<String> {
    let [columns, rows] = [PANEL[0] / CELL[0], PANEL[1] / CELL[1]];
    let header = format!("P6\n{} {}\n255\n", PANEL[0] * SQUARE, PANEL[1] * SQUARE);
    let pixels = ppm.strip_prefix(header.as_bytes()).expect("a screenshot of the panel");
    assert_eq!(pixels.len(), 3 * PANEL[0] * SQUARE * PANEL[1] * SQUARE);
    let lit = |x: usize, y: usize| {
        let at = 3 * (y * SQUARE * PANEL[0] * SQUARE + x * SQUARE);
        pixels[at..at + 3].iter().any(|&channel| channel > 0)
    };
    let glyphs: Vec<_> = (' '..='~').map(|c| (cell(|x, y| glyph(c, x, y)), c)).collect();
    let character = |row: usize, column: usize| {
        let seen = cell(|x, y| lit(column * CELL[0] + x, row * CELL[1] + y));
        glyphs.iter().find(|(glyph, _)| *glyph == seen).map_or('?', |(_, c)| *c)
    };
    (0..rows).map(|row| (0..columns).map(|column| character(row, column)).collect()).collect()
}

/// The pixels of a cell, row by row.
fn cell(lit: impl Fn(usize, usize) -> bool) -> Vec<bool> {
    (0..CELL[1]).flat_map(|y| (0..CELL[0]).map(move |x| (x, y))).map(|(x, y)| lit(x, y)).collect()
}

fn glyph(character: char, x: usize, y: usize) -> bool {
    let mut buffer = Framebuffer::<
        BinaryColor,
        RawU1,
        LittleEndian,
        8,
        16,
        { buffer_size::<BinaryColor>(8, 16) },
    >::new();
    let style = MonoTextStyle::new(&FONT_6X9, BinaryColor::On);
    let text = character.to_string();
    let Ok(_) = Text::with_baseline(&text, Point::zero(), style, Baseline::Top).draw(&mut buffer);
    buffer.pixel(Point::new(x as i32, y as i32)) == Some(BinaryColor::On)
}
