//! A scenario on the real code: set up, run by threads, told to an observer.

mod life;
mod slots;
mod stage;
mod value;
mod worker;

pub(super) use stage::Stage;
#[cfg(feature = "loom")]
pub(crate) use worker::delegate;
pub(super) use worker::{DeadlineOf, Worker};

use crate::monitor::Identities;
use crate::scenario::{Buffer, Thread};
use viewchan::trace::Event;

/// Who is told what the threads do, at the moment when they do it.
pub(super) trait Observer: Send + Sync + 'static {
    /// A trace event of the protocol.
    fn event(&self, thread: Thread, event: &Event);
    /// A thread read a buffer, or a view of it.
    fn read(&self, thread: Thread, buffer: Buffer);
}
