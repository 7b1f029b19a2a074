//! Threads that wait at a channel by a listener only, as `select` would on a file descriptor: what they are told is enough,
//! and true. Scenarios have no listeners, so these models run on loom directly.
//!
//! An end that one thread uses alone keeps its word: who was told that it is ready finds it so.
#![cfg(feature = "loom")]

#[path = "common/model.rs"]
mod model;

use loom::sync::{Condvar, Mutex};
use loom::thread;
use model::{Broken, Explored, assert_refuted};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use viewchan::channel::{Listener, Readiness, ReceiveEnd, SendEnd, TryRecvError, TrySendError, bounded};
use viewchan::{Attached, Interpreter, unbounded};

/// Explores every interleaving. Nothing here is a load, so there is one way to explore it.
fn explore<T: Ord + Send + 'static>(model: impl Fn() -> T + Send + Sync + 'static) -> Explored<T> {
    model::explore(None, false, model)
}

/// Whether an end is ready, to wait for: what an eventfd is to `select`.
struct Level {
    ready: Mutex<bool>,
    changed: Condvar,
}

impl Level {
    fn new() -> Arc<Self> {
        Arc::new(Self { ready: Mutex::new(false), changed: Condvar::new() })
    }

    fn wait(&self) {
        let mut ready = self.ready.lock().expect("not poisoned");
        while !*ready {
            ready = self.changed.wait(ready).expect("not poisoned");
        }
    }
}

impl Readiness for Level {
    fn set(&self, ready: bool) {
        *self.ready.lock().expect("not poisoned") = ready;
        self.changed.notify_one();
    }
}

/// How a model listens for a level.
type Listen = fn(&Arc<Level>) -> Listener;

fn as_told(level: &Arc<Level>) -> Listener {
    Arc::clone(level) as Listener
}

/// Runs `work` where sending is allowed. What is sent are ends, so nobody visits anybody.
fn sending<T>(work: impl FnOnce(&Attached<'_>) -> T) -> T {
    Interpreter::new().attach(|token| work(token))
}

/// Receives as the listener says, until the channel is closed. How many messages there were.
fn receive_all(rx: &ReceiveEnd, listen: Listen) -> usize {
    let level = Level::new();
    rx.watch(listen(&level));
    let mut received = 0;
    loop {
        level.wait();
        match rx.try_recv() {
            Ok(_) => received += 1,
            Err(TryRecvError::Closed) => return received,
            Err(why) => panic!("it was told that it need not wait: {why}"),
        }
        late::catch_up();
    }
}

/// Sends as the listener says, until the channel is closed. How many messages there were.
fn send_all(tx: &SendEnd, listen: Listen) -> usize {
    let level = Level::new();
    tx.watch(listen(&level));
    let mut sent = 0;
    loop {
        level.wait();
        match sending(|token| tx.try_send(token, unbounded().0)) {
            Ok(()) => sent += 1,
            Err(TrySendError::Closed(_)) => return sent,
            Err(why) => panic!("it was told that it need not wait: {why}"),
        }
        late::catch_up();
    }
}

/// One message, and the end that sent it goes. How many were received.
fn one_message(listen: Listen) -> usize {
    let (tx, rx) = unbounded();
    let receiver = thread::spawn(move || receive_all(&rx, listen));
    sending(|token| tx.send(token, unbounded().0).expect("the channel is open"));
    late::catch_up();
    drop(tx);
    late::catch_up();
    receiver.join().expect("no panic")
}

/// Two messages, while another send end closes the channel. How many were sent, and received.
fn two_messages_and_a_close(listen: Listen) -> (usize, usize) {
    let (tx, rx) = unbounded();
    let other = tx.clone();
    let receiver = thread::spawn(move || receive_all(&rx, listen));
    let closer = thread::spawn(move || {
        other.close();
        late::catch_up();
    });
    let send = || {
        let is_sent = sending(|token| tx.send(token, unbounded().0).is_ok());
        late::catch_up();
        is_sent
    };
    let sent = [send(), send()].into_iter().filter(|&is_sent| is_sent).count();
    closer.join().expect("no panic");
    (sent, receiver.join().expect("no panic"))
}

/// A channel with room for one message: one is received, then the receive end goes. How many were sent.
fn space_and_a_close(listen: Listen) -> usize {
    let (tx, rx) = bounded(1);
    let sender = thread::spawn(move || send_all(&tx, listen));
    drop(rx.recv().expect("a message is coming"));
    late::catch_up();
    drop(rx);
    late::catch_up();
    sender.join().expect("no panic")
}

/// A listener goes while a message comes. Whether it was told of it; not any more when it has gone.
fn gone_while_a_message_comes() -> bool {
    #[derive(Default)]
    struct Brief {
        told: AtomicBool,
        is_gone: AtomicBool,
    }
    impl Readiness for Brief {
        fn set(&self, ready: bool) {
            assert!(!self.is_gone.load(Ordering::Relaxed), "it was told after it had gone");
            self.told.store(ready, Ordering::Relaxed);
        }
    }
    let (tx, rx) = unbounded();
    let brief = Arc::new(Brief::default());
    let listener = Arc::clone(&brief) as Listener;
    rx.watch(Arc::clone(&listener));
    let sender = thread::spawn(move || sending(|token| tx.send(token, unbounded().0).is_ok()));
    rx.unwatch(&listener);
    brief.is_gone.store(true, Ordering::Relaxed);
    assert!(sender.join().expect("no panic"));
    brief.told.load(Ordering::Relaxed)
}

#[test]
fn a_listener_is_enough_to_receive() {
    let explored = explore(|| one_message(as_told));
    assert_eq!(explored.outcomes, BTreeSet::from([1]));
    assert!(explored.executions > 100, "{} executions", explored.executions);
}

#[test]
fn a_listener_is_enough_while_the_channel_is_closed() {
    let explored = explore(|| two_messages_and_a_close(as_told));
    assert_eq!(explored.outcomes, BTreeSet::from([(0, 0), (1, 1), (2, 2)]));
    assert!(explored.executions > 100_000, "{} executions", explored.executions);
}

#[test]
fn a_listener_is_enough_to_send() {
    let explored = explore(|| space_and_a_close(as_told));
    assert_eq!(explored.outcomes, BTreeSet::from([1, 2]));
    assert!(explored.executions > 100, "{} executions", explored.executions);
}

#[test]
fn a_listener_that_has_gone_is_told_nothing() {
    let explored = explore(gone_while_a_message_comes);
    assert_eq!(explored.outcomes, BTreeSet::from([false, true]));
}

/// Told outside of the critical section: a listener that keeps what it hears, until its thread has come out.
mod late {
    use super::{Arc, Level, Listener, Readiness};
    use std::cell::RefCell;

    loom::thread_local! {
        #[allow(clippy::missing_const_for_thread_local)]
        static KEPT: RefCell<Vec<(Arc<Level>, bool)>> = RefCell::new(Vec::new());
    }

    struct Late(Arc<Level>);

    impl Readiness for Late {
        fn set(&self, ready: bool) {
            KEPT.with(|kept| kept.borrow_mut().push((Arc::clone(&self.0), ready)));
        }
    }

    pub(super) fn late(level: &Arc<Level>) -> Listener {
        Arc::new(Late(Arc::clone(level)))
    }

    /// Passes on what the thread's last operation said, in order.
    pub(super) fn catch_up() {
        let kept = KEPT.with(|kept| std::mem::take(&mut *kept.borrow_mut()));
        kept.into_iter().for_each(|(level, ready)| level.set(ready));
    }
}

/// Each is one of the ignored tests below.
const BROKEN: &[Broken] = &[
    Broken { test: "broken::told_outside_of_the_critical_section", says: "deadlock" },
    Broken { test: "broken::not_told_of_the_present_state", says: "deadlock" },
    Broken { test: "broken::not_told_when_it_ceases", says: "it was told that it need not wait" },
    Broken { test: "broken::not_told_of_space", says: "deadlock" },
];

/// What is told late, or in part, is refuted. In processes of their own: a failing model may abort.
#[test]
fn broken_ones_are_refuted() {
    assert_refuted(BROKEN);
}

/// Each passes with a listener that does as it is told: the tests above.
mod broken {
    use super::{
        Arc, AtomicBool, Level, Listener, Ordering, Readiness, explore, late, one_message, space_and_a_close,
        two_messages_and_a_close,
    };

    /// Passes on only some of what it hears: whether it is the first time, and what it is.
    struct Partial {
        level: Arc<Level>,
        is_first: AtomicBool,
        passes_on: fn(bool, bool) -> bool,
    }

    impl Readiness for Partial {
        fn set(&self, ready: bool) {
            if (self.passes_on)(self.is_first.swap(false, Ordering::Relaxed), ready) {
                self.level.set(ready);
            }
        }
    }

    fn partial(level: &Arc<Level>, passes_on: fn(bool, bool) -> bool) -> Listener {
        Arc::new(Partial { level: Arc::clone(level), is_first: AtomicBool::new(true), passes_on })
    }

    fn but_the_first(level: &Arc<Level>) -> Listener {
        partial(level, |is_first, _| !is_first)
    }

    fn but_the_end(level: &Arc<Level>) -> Listener {
        partial(level, |_, ready| ready)
    }

    #[test]
    #[ignore = "must fail"]
    fn told_outside_of_the_critical_section() {
        explore(|| two_messages_and_a_close(late::late));
    }

    #[test]
    #[ignore = "must fail"]
    fn not_told_of_the_present_state() {
        explore(|| one_message(but_the_first));
    }

    #[test]
    #[ignore = "must fail"]
    fn not_told_when_it_ceases() {
        explore(|| one_message(but_the_end));
    }

    #[test]
    #[ignore = "must fail"]
    fn not_told_of_space() {
        explore(|| space_and_a_close(but_the_first));
    }
}
