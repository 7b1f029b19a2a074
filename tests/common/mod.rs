//! What the test files share.
#![allow(dead_code, reason = "each test file uses its share")]

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle, Scope, ScopedJoinHandle};
use std::time::Duration;
use viewchan::channel::unbounded_with;
use viewchan::runtime::Cause;
use viewchan::strategy::Strategy;
use viewchan::{Attached, Buffer, BufferMut, Interpreter, ReceiveEnd, SendEnd, View};

/// No test needs as long, not even under an instrumented build.
const LIMIT: Duration = Duration::from_secs(300);

/// Ends the process if the test has not dropped this within [`LIMIT`], so that a hang is a failure.
#[must_use]
pub(crate) struct Watchdog {
    running: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Watches the calling test.
pub(crate) fn watchdog() -> Watchdog {
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let (running, dropped) = mpsc::channel();
    let thread = thread::spawn(move || {
        if dropped.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            // Written past the harness, which would keep captured output to itself.
            let _ = writeln!(std::io::stderr(), "{test} hangs: it has run for {} s", LIMIT.as_secs());
            std::process::abort();
        }
    });
    Watchdog { running: Some(running), thread: Some(thread) }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.running.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the watchdog does not panic");
        }
    }
}

/// Runs `work` on a thread attached to `interpreter`, and returns when that thread has left it: to wait, or at its end.
pub(crate) fn spawn_waiting<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    interpreter: &'scope Interpreter,
    work: impl FnOnce(&mut Attached<'_>) -> T + Send + 'scope,
) -> ScopedJoinHandle<'scope, T> {
    let (inside, is_inside) = mpsc::channel();
    let thread = scope.spawn(move || {
        interpreter.attach(|token| {
            inside.send(()).expect("the test listens");
            work(token)
        })
    });
    is_inside.recv().expect("the thread attaches");
    interpreter.attach(|_| ());
    thread
}

/// A buffer of `interpreter` with a copy of `bytes`.
pub(crate) fn freeze(token: &Attached<'_>, bytes: &[u8]) -> Buffer {
    BufferMut::from(bytes).freeze(token)
}

/// Sends a copy of `bytes` as `owner`'s.
pub(crate) fn send(owner: &Interpreter, end: &SendEnd, bytes: &[u8]) {
    owner.attach(|token| end.send(token, freeze(token, bytes)).expect("the channel is open"));
}

/// Receives a view.
pub(crate) fn recv(end: &ReceiveEnd) -> View {
    end.recv().expect("a message is coming").into_view().expect("it is a buffer")
}

/// Receives the message that is inside already: a view.
pub(crate) fn try_recv(end: &ReceiveEnd) -> View {
    end.try_recv().expect("a message is inside").into_view().expect("it is a buffer")
}

/// A view of a buffer of `owner`, sent and received through a channel of its own.
pub(crate) fn view_of(owner: &Interpreter, make: impl FnOnce(&Attached<'_>) -> Buffer) -> View {
    view_under(owner, make)
}

/// The same under any strategy.
pub(crate) fn view_under<S: Strategy<Interpreter>>(
    owner: &Interpreter,
    make: impl FnOnce(&Attached<'_>) -> Buffer,
) -> View<Interpreter, S> {
    let (tx, rx) = unbounded_with();
    owner.attach(|token| tx.send(token, make(token)).expect("the channel is open"));
    rx.recv().expect("sent above").into_view().expect("a buffer was sent")
}

/// Counts how many of its [`Witness`]es were dropped.
#[derive(Clone, Default)]
pub(crate) struct Drops(Arc<AtomicUsize>);

impl Drops {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Bytes whose drop is counted, as the owner of a buffer.
    pub(crate) fn witness(&self, bytes: &[u8]) -> Witness {
        Witness { bytes: bytes.to_vec(), drops: self.clone() }
    }

    /// A buffer whose freeing is counted.
    pub(crate) fn buffer(&self, token: &Attached<'_>, bytes: &[u8]) -> Buffer {
        Buffer::from_owner(token, self.witness(bytes))
    }
}

/// Bytes that tell when they are dropped.
pub(crate) struct Witness {
    bytes: Vec<u8>,
    drops: Drops,
}

impl AsRef<[u8]> for Witness {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.drops.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// The message with which `work` panics. Fails if it does not.
pub(crate) fn panic_message(work: impl FnOnce()) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(work)) else { panic!("a panic was expected") };
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => payload.downcast_ref::<&str>().expect("the payload is a message").to_string(),
    }
}

/// Asserts that `interpreter`'s lock was acquired with these causes, so often each, and with no other.
#[track_caller]
pub(crate) fn assert_acquired(interpreter: &Interpreter, expected: &[(Cause, u64)]) {
    let acquisitions = interpreter.acquisitions();
    let found = Cause::ALL.map(|cause| (cause, acquisitions.by(cause)));
    let found: Vec<_> = found.into_iter().filter(|&(_, count)| count > 0).collect();
    assert_eq!(found, expected, "(cause, acquisitions), zeros left out");
}
