//! The controller's commands: Solomon SSD0323 data sheet rev. 1.2, tables 8 and 9. The panel's
//! values are those OSRAM gives in application note AN018 for the OS128064PK16MY0C01.

use crate::window::Window;

/// Lights the panel.
pub(crate) const ON: [u8; 1] = [0xaf];

/// Selects what the pixels sent next fill, row by row.
pub(crate) fn window(window: &Window) -> [u8; 6] {
    let Window { columns, rows } = *window;
    [0x15, columns.0 as u8, columns.1 as u8, 0x75, rows.0 as u8, rows.1 as u8]
}

/// Sets the brightness of a lit pixel, 0 to 127.
pub(crate) fn contrast(level: u8) -> [u8; 2] {
    [0x81, level & 0x7f]
}

/// Everything else before it is lit.
pub(crate) const SET_UP: [u8; 25] = [
    0xae, // dark
    0x85, // half of the full current
    0xa0, 0x52, // rows split, from the bottom up; the left pixel is the upper half of a byte
    0xa1, 0x00, // first line
    0xa2, 0x4c, // where the panel's rows are among the controller's 80
    0xa4, // neither inverted nor forced
    0xa8, 0x3f, // 64 rows
    0xb1, 0x22, // lengths of the phases of a row
    0xb2, 0x46, // length of a row
    0xb3, 0xf1, // fastest oscillator, not divided
    0xbf, 0x0d, // low voltage of a column
    0xbe, 0x02, // high voltage of a row
    0xbc, 0x10, // precharge voltage
    0xad, 0x03, // DC-DC converter on
];
