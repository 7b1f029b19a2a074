//! A scenario on the real code: set up, run by threads, told to an observer.

mod attempt;
mod slots;
mod stage;
mod value;
mod words;
mod worker;

pub(super) use stage::Stage;
pub(crate) use worker::delegate;
pub(super) use worker::{DeadlineOf, Worker};

use crate::monitor::Identities;
use crate::scenario::{Buffer, Interpreter, Thread};
use crate::spec::Operation;
use viewchan::trace::Event;

/// Who is told what the threads do, at the moment when they do it.
pub(super) trait Observer: Send + Sync + 'static {
    /// Whether it is told of events. If not, the threads have no recorder, and no event is even made.
    fn is_told(&self) -> bool {
        true
    }
    /// A trace event of the protocol.
    fn event(&self, thread: Thread, event: &Event);
    /// A thread read a buffer, or a view of it.
    fn read(&self, thread: Thread, buffer: Buffer);
    /// A thread begins an operation, or has ended one: [`Operation::Idle`]. What becomes of it, the events tell.
    fn begins(&self, _thread: Thread, _operation: Operation) {}
    /// A thread is of this interpreter from now on, or of none: by a block that it begins or ends.
    fn moves(&self, _thread: Thread, _home: Option<Interpreter>) {}
}
