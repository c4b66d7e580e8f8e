//! How wide text is, from a table: a picture must not depend on the fonts of the machine that draws it.

/// Bold letters are wider than the table's by about this factor.
pub const BOLD: f64 = 1.12;

/// Advance widths of DejaVu Sans, the first font that the style asks for, in 1/2048 of the font's size: `a` to `z`.
const LETTERS: [u16; 26] = [
    1255, 1300, 1126, 1300, 1260, 721, 1300, 1298, 569, 569, 1186, 569, 1995, 1298, 1253, 1300,
    1300, 842, 1067, 803, 1298, 1212, 1675, 1212, 1212, 1075,
];

/// The width of a text at a font size, in the unit of the size. Names are made of `a-z`, `0-9`, `-` and
/// `.`; what else may occur counts as a wide letter.
pub fn width(text: &str, size: f64) -> f64 {
    let units: f64 = text.chars().map(|c| f64::from(advance(c))).sum();
    units / 2048.0 * size
}

fn advance(c: char) -> u16 {
    match c {
        'a'..='z' => LETTERS[usize::from(c as u8 - b'a')],
        '0'..='9' => 1303,
        ' ' | ',' | '.' => 651,
        '-' => 739,
        _ => 1600,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_add_up() {
        assert!(
            (width("ab-1 .", 2048.0) - f64::from(1255 + 1300 + 739 + 1303 + 651 + 651)).abs()
                < 1e-9
        );
        assert!((width("illi", 10.0) - 11.11).abs() < 0.01);
    }
}
