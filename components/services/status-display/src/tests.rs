//! What is to be seen on the display, read back with the font it was written in.

use tarsia_sensor::{Milli, Reading, Readings};
use tarsia_test_clock::run_for;

use super::*;

const SIZE: Size = Size::new(128, 64);

struct Screen {
    lit: Vec<bool>,
    broken: bool,
}

impl Screen {
    fn new() -> Self {
        // Noise, which must be gone when the service has drawn.
        Self { lit: vec![true; (SIZE.width * SIZE.height) as usize], broken: false }
    }

    /// Whether exactly `text` stands in row `index`.
    fn shows(&self, index: i32, text: &str) -> bool {
        let mut wanted = Self { lit: vec![false; self.lit.len()], broken: false };
        draw(&mut wanted, index, &Row::try_from(text).expect("fits")).expect("works");
        let from = (index * 9 * SIZE.width as i32) as usize;
        let row = from..from + 9 * SIZE.width as usize;
        wanted.lit[row.clone()] == self.lit[row]
    }
}

impl OriginDimensions for Screen {
    fn size(&self) -> Size {
        SIZE
    }
}

impl DrawTarget for Screen {
    type Color = BinaryColor;
    type Error = &'static str;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), &'static str> {
        for Pixel(at, colour) in pixels {
            if self.bounding_box().contains(at) {
                self.lit[(at.y as u32 * SIZE.width + at.x as u32) as usize] = colour.is_on();
            }
        }
        if self.broken { Err("broken") } else { Ok(()) }
    }
}

static CONFIG: Config = Config { title: "Tarsia", refresh: Duration::from_secs(1) };

fn reading(name: &'static str, milli: i32) -> Reading {
    Reading { name, unit: "Cel", at: Instant::now(), value: Ok(Milli(milli)) }
}

#[test]
fn shows_uptime_and_the_latest_readings() {
    static LATEST: Latest = Latest::new();
    let slot = Slot::new("status-display");
    let mut screen = Screen::new();
    let both = [reading("indoor", 21_500), reading("outdoor", -3_000)];
    LATEST.sender().send(Readings::from_slice(&both).expect("fits"));
    assert!(run_for(run(&slot, &CONFIG, &mut screen, &LATEST), Duration::from_secs(2)).is_none());
    assert!(screen.shows(1, "indoor       21.5 Cel"));
    assert!(screen.shows(2, "outdoor        -3 Cel"));
    assert!(screen.shows(3, ""));
    assert!((1..=3).any(|s| screen.shows(0, &format!("Tarsia    0d 00:00:{s:02}"))));

    LATEST.sender().send(Readings::from_slice(&both[1..]).expect("fits"));
    assert!(run_for(run(&slot, &CONFIG, &mut screen, &LATEST), Duration::from_secs(2)).is_none());
    assert!(screen.shows(1, "outdoor        -3 Cel"));
    assert!(screen.shows(2, ""), "a reading that is no longer there is erased");
}

#[test]
fn ends_when_the_display_fails() {
    static LATEST: Latest = Latest::new();
    let mut screen = Screen { broken: true, ..Screen::new() };
    let slot = Slot::new("status-display");
    let exit = run_for(run(&slot, &CONFIG, &mut screen, &LATEST), Duration::from_secs(1));
    assert_eq!(exit, Some(Exit::Failed("draw on the display")));
}
