//! Who is served: so many at a time. Who has not yet asked gives way to who comes, so that those that
//! say nothing keep nobody out.

use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections at a time.
pub(crate) const MAX_CONNECTIONS: usize = 8;
/// Those that gave way and are not yet gone are counted too: each has a thread.
const MAX_THREADS: usize = 2 * MAX_CONNECTIONS;

/// All connections, those first that have been here for longest.
#[derive(Default)]
pub(crate) struct Seats(Mutex<Vec<Arc<Guest>>>);

/// A connection.
pub(crate) struct Guest {
    pub stream: TcpStream,
    /// Its request is whole.
    asked: AtomicBool,
    gave_way: AtomicBool,
}

impl Guest {
    /// Its request is whole: from now on it does not give way.
    pub fn asked(&self) {
        self.asked.store(true, Release);
    }

    /// Another took its seat.
    pub fn gave_way(&self) -> bool {
        self.gave_way.load(Acquire)
    }
}

/// A seat, given back when dropped.
pub(crate) struct Seat {
    pub guest: Arc<Guest>,
    seats: &'static Seats,
}

impl Seats {
    fn list(&self) -> MutexGuard<'_, Vec<Arc<Guest>>> {
        // Nothing that is done while it is held leaves it half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat for the connection, if need be that of the one that has waited longest without having
    /// asked: it reads an end, and has to look whether it gave way. The connection back, if all have asked.
    pub fn take(&'static self, stream: TcpStream) -> Result<Seat, TcpStream> {
        let mut list = self.list();
        if list.iter().filter(|guest| !guest.gave_way()).count() >= MAX_CONNECTIONS {
            let waits = |guest: &&Arc<Guest>| !guest.gave_way() && !guest.asked.load(Acquire);
            let Some(guest) = list.iter().find(waits).filter(|_| list.len() < MAX_THREADS) else {
                return Err(stream);
            };
            guest.gave_way.store(true, Release);
            // It fails if the connection is gone, which is as good.
            let _ = guest.stream.shutdown(Shutdown::Read);
        }
        let (asked, gave_way) = (AtomicBool::new(false), AtomicBool::new(false));
        let guest = Arc::new(Guest { stream, asked, gave_way });
        list.push(Arc::clone(&guest));
        Ok(Seat { guest, seats: self })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.list().retain(|guest| !Arc::ptr_eq(guest, &self.guest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn who_waits_longest_gives_way_and_who_asked_does_not() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("known");
        let seats: &'static Seats = Box::leak(Box::default());
        let take = || seats.take(TcpStream::connect(address).expect("connected"));
        let mut taken: Vec<_> = (0..MAX_CONNECTIONS).map(|_| take().expect("a seat")).collect();
        taken[0].guest.asked();
        taken.extend(take());
        let gave_way = |taken: &[Seat]| {
            let list = taken.iter().enumerate().filter(|(_, seat)| seat.guest.gave_way());
            list.map(|(index, _)| index).collect::<Vec<_>>()
        };
        assert_eq!(gave_way(&taken), [1]);
        drop(taken.remove(1));
        assert!(gave_way(&taken).is_empty());
        taken.iter().for_each(|seat| seat.guest.asked());
        assert!(take().is_err(), "all have asked");
        taken.truncate(MAX_CONNECTIONS - 1);
        taken.extend(take());
        assert!(gave_way(&taken).is_empty(), "there was a seat");
        // Threads that do not come to an end are no reason for more.
        taken.clear();
        taken.extend((0..MAX_THREADS).map(|_| take().expect("a seat")));
        assert_eq!(gave_way(&taken).len(), MAX_CONNECTIONS);
        assert!(take().is_err());
    }
}
