//! Futures on the thread that asks for them; the thread sleeps when there is nothing to do.

use std::future::Future;
use std::pin::{Pin, pin};
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

/// Runs a service until it ends; each heartbeat of the slot is one of the process.
pub fn run(slot: &Slot, service: impl AsyncFnOnce() -> tarsia_service::Exit) -> Exit {
    run_all(&[slot], &mut [pin!(service())])
}

/// Runs services that share a process until one of them fails, or all have ended. Their heartbeats are
/// the process's, and count only when each that runs has given one.
pub fn run_all(
    slots: &[&Slot],
    services: &mut [Pin<&mut dyn Future<Output = tarsia_service::Exit>>],
) -> Exit {
    let waker = Waker::from(Arc::new(Unpark(current())));
    let mut context = Context::from_waker(&waker);
    let mut beats: Vec<u32> = slots.iter().map(|slot| slot.beats()).collect();
    let mut running = vec![true; services.len()];
    loop {
        for (service, running) in services.iter_mut().zip(&mut running) {
            if !*running {
                continue;
            }
            match service.as_mut().poll(&mut context) {
                Poll::Ready(tarsia_service::Exit::Failed(what)) => {
                    return Exit::Failed(what.to_owned());
                }
                Poll::Ready(tarsia_service::Exit::Killed) => {
                    return Exit::Failed("go on: it was killed by an injected fault".to_owned());
                }
                Poll::Ready(tarsia_service::Exit::Done) => *running = false,
                Poll::Pending => {}
            }
        }
        if !running.contains(&true) {
            return Exit::Done;
        }
        let mut current = slots.iter().map(|slot| slot.beats());
        let silent = |at: usize, now: u32| running[at] && beats[at] == now;
        if !current.clone().enumerate().any(|(at, now)| silent(at, now)) {
            beats.iter_mut().for_each(|beat| *beat = current.next().unwrap_or(*beat));
            alive();
        }
        // An unpark that came before the park makes it return at once, so nothing is missed.
        match clock::wake() {
            Some(left) if left.is_zero() => {}
            Some(left) => park_timeout(left),
            None => park(),
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
