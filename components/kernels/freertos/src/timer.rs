//! The embassy-time driver on FreeRTOS's tick. FreeRTOS counts ticks in 32 bits, which last for 49
//! days; here they are counted in 64.

use core::cell::{Cell, RefCell};
use core::task::Waker;

use critical_section::{CriticalSection, Mutex};
use embassy_time_driver::{Driver, TICK_HZ};
use embassy_time_queue_utils::Queue;

// `configTICK_RATE_HZ`
const _: () = assert!(TICK_HZ == 1000);

struct TickDriver {
    ticks: Mutex<Cell<u64>>,
    /// The tick at which the queue has something to wake. It starts as the first, at which there is
    /// nothing yet, because a static of zeros takes no flash.
    next: Mutex<Cell<u64>>,
    queue: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static DRIVER: TickDriver = TickDriver {
    ticks: Mutex::new(Cell::new(0)),
    next: Mutex::new(Cell::new(0)),
    queue: Mutex::new(RefCell::new(Queue::new())),
});

impl TickDriver {
    fn wake_due(&self, cs: CriticalSection<'_>, queue: &mut Queue) {
        self.next.borrow(cs).set(queue.next_expiration(self.ticks.borrow(cs).get()));
    }
}

impl Driver for TickDriver {
    fn now(&self) -> u64 {
        critical_section::with(|cs| self.ticks.borrow(cs).get())
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|cs| {
            let mut queue = self.queue.borrow_ref_mut(cs);
            if queue.schedule_wake(at, waker) {
                self.wake_due(cs, &mut queue);
            }
        });
    }
}

/// Called by FreeRTOS once per tick, in the interrupt.
#[unsafe(no_mangle)]
extern "C" fn vApplicationTickHook() {
    critical_section::with(|cs| {
        let now = DRIVER.ticks.borrow(cs).get() + 1;
        DRIVER.ticks.borrow(cs).set(now);
        if now >= DRIVER.next.borrow(cs).get() {
            DRIVER.wake_due(cs, &mut DRIVER.queue.borrow_ref_mut(cs));
        }
    });
}
