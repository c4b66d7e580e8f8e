//! One future on the thread that asks for it; the thread sleeps when there is nothing to do.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Thread, current, park, park_timeout};

use tarsia_process::{Exit, alive};
use tarsia_service::Slot;

use crate::clock;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs the service until it ends; each heartbeat of the slot is one of the process.
pub fn run(slot: &Slot, service: impl AsyncFnOnce() -> tarsia_service::Exit) -> Exit {
    let waker = Waker::from(Arc::new(Unpark(current())));
    let mut context = Context::from_waker(&waker);
    let mut running = pin!(service());
    let mut beats = slot.beats();
    loop {
        let polled = running.as_mut().poll(&mut context);
        if slot.beats() != beats {
            beats = slot.beats();
            alive();
        }
        match polled {
            Poll::Ready(tarsia_service::Exit::Done) => return Exit::Done,
            Poll::Ready(tarsia_service::Exit::Failed(what)) => {
                return Exit::Failed(what.to_owned());
            }
            Poll::Ready(tarsia_service::Exit::Killed) => {
                return Exit::Failed("go on: it was killed by an injected fault".to_owned());
            }
            // An unpark that came before the park makes it return at once, so nothing is missed.
            Poll::Pending => match clock::wake() {
                Some(left) if left.is_zero() => {}
                Some(left) => park_timeout(left),
                None => park(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embassy_time::{Duration, Instant, Timer};
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

    #[test]
    fn timers_wake_in_order_and_not_too_early() {
        let slot = Slot::new("test");
        let start = Instant::now();
        let exit = run(&slot, async || {
            for millis in [30, 0, 1, 20] {
                let due = Instant::now() + Duration::from_millis(millis);
                slot.sleep_until(due).await;
                assert!(Instant::now() >= due);
            }
            tarsia_service::Exit::Failed("go on")
        });
        assert_eq!(exit, Exit::Failed("go on".to_owned()));
        let took = start.elapsed();
        assert!(took >= Duration::from_millis(51), "{} ms", took.as_millis());
        assert_eq!(slot.beats(), 4);
    }

    #[test]
    fn another_thread_can_wake_it_and_it_sleeps_meanwhile() {
        static SET: AtomicBool = AtomicBool::new(false);
        let slot = Slot::new("test");
        let mut polls = 0;
        let exit = run(&slot, async || {
            std::future::poll_fn(|context| {
                polls += 1;
                if SET.load(SeqCst) {
                    return Poll::Ready(());
                }
                let waker = context.waker().clone();
                if polls == 1 {
                    std::thread::spawn(move || {
                        std::thread::sleep(std::time::Duration::from_millis(50));
                        SET.store(true, SeqCst);
                        waker.wake();
                    });
                }
                Poll::Pending
            })
            .await;
            Timer::after_millis(1).await;
            tarsia_service::Exit::Done
        });
        assert_eq!(exit, Exit::Done);
        assert!(polls < 10, "{polls} polls");
    }
}
