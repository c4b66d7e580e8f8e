//! Shows the latest readings and the uptime on a display, for who stands in front of the device.
#![cfg_attr(not(test), no_std)]

mod row;

use core::convert::Infallible;

use embassy_futures::yield_now;
use embassy_time::{Duration, Instant};
use embedded_graphics::mono_font::ascii::FONT_6X9;
use embedded_graphics::mono_font::{MonoTextStyle, MonoTextStyleBuilder};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::*;
use embedded_graphics::text::{Baseline, Text};
use tarsia_sensor::{Latest, MAX_SENSORS};
use tarsia_service::{Exit, Slot};

use row::Row;

/// The component's features.
pub struct Config {
    /// First word of the first line.
    pub title: &'static str,
    /// Time from one look at the readings to the next.
    pub refresh: Duration,
}

/// Shows the uptime in the first row and a reading in each of the following, until the display
/// fails.
pub async fn run<D>(
    slot: &Slot,
    config: &'static Config,
    display: &mut D,
    latest: &'static Latest,
) -> Exit
where
    D: DrawTarget<Color: From<BinaryColor>>,
{
    let Err(_) = show(slot, config, display, latest).await;
    Exit::Failed("draw on the display")
}

async fn show<D>(
    slot: &Slot,
    config: &'static Config,
    display: &mut D,
    latest: &'static Latest,
) -> Result<Infallible, D::Error>
where
    D: DrawTarget<Color: From<BinaryColor>>,
{
    display.clear(BinaryColor::Off.into())?;
    let mut readings = latest.anon_receiver();
    let mut due = Instant::now();
    loop {
        draw(display, 0, &row::title(config.title, Instant::now()))?;
        if let Some(readings) = readings.try_changed() {
            for index in 0..MAX_SENSORS {
                // Drawing does not wait, so others get their turn after each row.
                yield_now().await;
                let row = readings.get(index).map_or_else(row::blank, row::reading);
                draw(display, 1 + index as i32, &row)?;
            }
        }
        while due <= Instant::now() {
            due += config.refresh;
        }
        slot.sleep_until(due).await;
    }
}

/// Draws a row of text, blanks included, at its place.
fn draw<D>(display: &mut D, index: i32, row: &Row) -> Result<(), D::Error>
where
    D: DrawTarget<Color: From<BinaryColor>>,
{
    let style: MonoTextStyle<'_, D::Color> = MonoTextStyleBuilder::new()
        .font(&FONT_6X9)
        .text_color(BinaryColor::On.into())
        .background_color(BinaryColor::Off.into())
        .build();
    let place = Point::new(0, index * FONT_6X9.character_size.height as i32);
    Text::with_baseline(row, place, style, Baseline::Top).draw(display).map(|_| ())
}

#[cfg(test)]
mod tests;
