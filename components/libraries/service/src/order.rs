//! What a slot can be told to do with its service from outside.

/// An order to a slot; the latest one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Drop the service where it stands and start it again.
    Restart,
    #[cfg(feature = "faults")]
    Fault(Fault),
}

/// A way to make a service fail on purpose.
#[cfg(feature = "faults")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The service's future is dropped.
    End,
    /// The service's future is kept but no longer polled: it holds what it holds and answers nothing.
    Hang,
    /// The service never yields again. A cooperative kernel stands still; only a watchdog helps.
    Spin,
}
