//! Writes log records to the console without holding up who logs: a record goes into a queue, in
//! any context, and this service writes it when the console is free.
#![cfg_attr(not(test), no_std)]

mod line;
mod queue;

use embedded_io_async::Write;
use log::{LevelFilter, Log, Metadata, Record};
use tarsia_service::{Exit, Shared, Slot};

use crate::queue::Queue;

/// The component's features.
pub struct Config {
    /// The least important records that are written.
    pub level: Level,
}

/// Values of the feature `level`.
#[derive(Clone, Copy)]
pub enum Level {
    /// Errors only.
    Error,
    /// And what may become one.
    Warn,
    /// And what happened.
    Info,
    /// And why.
    Debug,
    /// Everything.
    Trace,
}

struct Logger(Queue);

static LOGGER: Logger = Logger(Queue::new());

impl Log for Logger {
    /// `log`'s macros have compared with the level that `init` set.
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        self.0.put(line::record(record));
    }

    fn flush(&self) {}
}

/// Makes this the logger of the image; what is logged before the kernel runs is kept.
///
/// # Panics
/// If the image has another logger.
pub fn init<W>(config: &'static Config, _console: &'static Shared<W>) {
    log::set_logger(&LOGGER).expect("one logger per image");
    log::set_max_level(match config.level {
        Level::Error => LevelFilter::Error,
        Level::Warn => LevelFilter::Warn,
        Level::Info => LevelFilter::Info,
        Level::Debug => LevelFilter::Debug,
        Level::Trace => LevelFilter::Trace,
    });
}

/// Writes records as they come, a line each, and says how many found the queue full.
pub async fn run<W: Write>(
    slot: &Slot,
    _config: &'static Config,
    console: &'static Shared<W>,
) -> Exit {
    loop {
        let line = slot.idle(LOGGER.0.next()).await;
        if console.lock().await.write_all(line.as_bytes()).await.is_err() {
            return Exit::Failed("write to the console");
        }
    }
}
