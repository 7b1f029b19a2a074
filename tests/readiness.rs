//! Readiness: what listeners are told, and that it is what `try_recv` and `try_send` then say.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use common::{freeze, recv, send, spawn_waiting, try_recv, watchdog};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;
use viewchan::Interpreter;
use viewchan::channel::{
    Listener, Message, Options, Readiness, ReceiveEnd, RecvTimeoutError, SendEnd, TryRecvError, TrySendError,
    Undelivered, bounded, unbounded,
};

/// Keeps all that it was told.
#[derive(Default)]
struct Told(Mutex<Vec<bool>>);

impl Readiness for Told {
    fn set(&self, ready: bool) {
        self.0.lock().expect("not poisoned").push(ready);
    }
}

impl Told {
    /// What it was told since it was last asked.
    fn news(&self) -> Vec<bool> {
        std::mem::take(&mut *self.0.lock().expect("not poisoned"))
    }
}

/// A listener, and the same as what an end takes.
fn listener() -> (Arc<Told>, Listener) {
    let told = Arc::new(Told::default());
    (Arc::clone(&told), told)
}

fn watch_receive(end: &ReceiveEnd) -> Arc<Told> {
    let (told, listener) = listener();
    end.watch(listener);
    told
}

fn watch_send(end: &SendEnd) -> Arc<Told> {
    let (told, listener) = listener();
    end.watch(listener);
    told
}

/// A channel goes with its ends, and its listeners with it: no interpreter keeps one at which a thread has waited.
#[test]
fn a_channel_goes_with_its_ends() {
    let _watchdog = watchdog();
    let interpreter = Interpreter::new();
    let (tx, rx) = unbounded();
    let told = watch_receive(&rx);
    let waited = interpreter.attach(|_| rx.recv_timeout(Duration::ZERO).err());
    assert_eq!(waited, Some(RecvTimeoutError::TimedOut));
    drop((tx, rx));
    assert_eq!(Arc::strong_count(&told), 1);
}

/// A receive end is ready from the first message inside to the last, and when nothing can come any more.
#[test]
fn a_receive_end_is_ready_while_something_is_inside() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = unbounded();
    let told = watch_receive(&rx);
    assert_eq!(told.news(), [false]);
    send(&owner, &tx, b"1");
    assert_eq!(told.news(), [true]);
    send(&owner, &tx, b"2");
    try_recv(&rx);
    assert_eq!(told.news(), [], "once for each change");
    try_recv(&rx);
    assert_eq!(told.news(), [false]);
    assert_eq!(rx.try_recv().err(), Some(TryRecvError::Empty));
    assert_eq!(told.news(), [], "a look changes nothing");
    drop((tx.clone(), tx));
    assert_eq!(told.news(), [true]);
    assert_eq!(rx.try_recv().err(), Some(TryRecvError::Closed));
    drop(rx);
    assert_eq!(told.news(), []);
}

/// A send end is ready while there is space, and when nobody receives any more. All send ends are so at once.
#[test]
fn a_send_end_is_ready_while_there_is_space() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = bounded(2);
    let clone = tx.clone();
    let (told, told_clone) = (watch_send(&tx), watch_send(&clone));
    send(&owner, &tx, b"1");
    assert_eq!(told.news(), [true]);
    send(&owner, &clone, b"2");
    assert_eq!(told.news(), [false]);
    drop(tx);
    try_recv(&rx);
    assert_eq!(told.news(), [true], "it listens to the channel, not to one end of it");
    send(&owner, &clone, b"3");
    drop(rx);
    assert_eq!(told.news(), [false, true]);
    assert_eq!(told_clone.news(), [true, false, true, false, true]);
    owner.attach(|token| {
        assert!(matches!(clone.try_send(token, freeze(token, b"4")), Err(TrySendError::Closed(_))));
    });
}

/// A full channel that is closed by a send end: both sides are ready, for good.
#[test]
fn a_close_makes_both_ends_ready() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = bounded(1);
    let other = tx.clone();
    send(&owner, &tx, b"1");
    let (sending, receiving) = (watch_send(&tx), watch_receive(&rx));
    assert_eq!((sending.news(), receiving.news()), (vec![false], vec![true]));
    tx.close();
    assert_eq!((sending.news(), receiving.news()), (vec![true], vec![]));
    try_recv(&rx);
    drop((other, rx));
    assert_eq!((sending.news(), receiving.news()), (vec![], vec![]));
}

/// Who comes late is told how it is now; who goes is told nothing more, and is let go.
#[test]
fn listeners_come_and_go() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = bounded(1);
    let (early, early_listener) = listener();
    rx.watch(Arc::clone(&early_listener));
    send(&owner, &tx, b"1");
    let (late, late_listener) = listener();
    rx.watch(Arc::clone(&late_listener));
    assert_eq!((early.news(), late.news()), (vec![false, true], vec![true]));

    tx.unwatch(&early_listener);
    try_recv(&rx);
    assert_eq!((early.news(), late.news()), (vec![false], vec![false]), "the other side has no such listener");

    rx.unwatch(&early_listener);
    rx.unwatch(&early_listener);
    drop(early_listener);
    assert_eq!(Arc::strong_count(&early), 1);
    send(&owner, &tx, b"2");
    assert_eq!((early.news(), late.news()), (vec![], vec![true]));

    rx.watch(Arc::clone(&late_listener));
    rx.unwatch(&late_listener);
    try_recv(&rx);
    assert_eq!(late.news(), [true, false], "it came twice and went once");

    drop((tx, rx, late_listener));
    late.news();
    assert_eq!(Arc::strong_count(&late), 1, "listeners go with the channel");
}

/// A send end's listener is taken off as a receive end's is.
#[test]
fn a_send_end_is_watched_no_longer() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = bounded(1);
    let (told, listener) = listener();
    tx.watch(Arc::clone(&listener));
    rx.unwatch(&listener);
    send(&owner, &tx, b"1");
    assert_eq!(told.news(), [true, false], "the other side has no such listener");
    tx.unwatch(&listener);
    try_recv(&rx);
    assert_eq!(told.news(), []);
}

/// A listener stays with the channel when the end travels.
#[test]
fn an_end_is_watched_on_its_way() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = unbounded();
    let (outer_tx, outer_rx) = unbounded();
    let told = watch_receive(&rx);
    owner.attach(|token| outer_tx.send(token, rx).expect("the channel is open"));
    send(&owner, &tx, b"1");
    assert_eq!(told.news(), [false, true]);
    let Ok(Message::ReceiveEnd(rx)) = outer_rx.recv() else { panic!("a receive end is inside") };
    recv(&rx);
    assert_eq!(told.news(), [false]);
    owner.attach(|token| outer_tx.send(token, rx).expect("the channel is open"));
    drop(outer_rx);
    assert_eq!(told.news(), [true], "it was discarded");
}

/// A message that its policy removes counts until a receive has removed it.
#[test]
fn a_removed_message_counts_while_it_is_inside() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = Options::new().undelivered(Undelivered::Remove).open();
    send(&owner, &tx, b"1");
    let told = watch_receive(&rx);
    owner.end().expect("it has not ended before");
    assert_eq!(rx.try_recv().err(), Some(TryRecvError::Empty));
    assert_eq!(told.news(), [true, false]);
}

/// What a thread that waits does when it is let go on is announced as well.
#[test]
fn operations_that_waited_are_announced() {
    let _watchdog = watchdog();
    let [owner, elsewhere] = [(); 2].map(|()| Interpreter::new());
    let (tx, rx) = bounded(1);
    send(&owner, &tx, b"1");
    let (sending, receiving) = (watch_send(&tx), watch_receive(&rx));
    thread::scope(|scope| {
        let sender = spawn_waiting(scope, &owner, |token| tx.send(token, freeze(token, b"2")).expect("open"));
        recv(&rx);
        sender.join().expect("no panic");
        assert_eq!((sending.news(), receiving.news()), (vec![false, true, false], vec![true, false, true]));
        recv(&rx);
        assert_eq!((sending.news(), receiving.news()), (vec![true], vec![false]));
        let receiver = spawn_waiting(scope, &elsewhere, |_| recv(&rx));
        send(&owner, &tx, b"3");
        receiver.join().expect("no panic");
        assert_eq!((sending.news(), receiving.news()), (vec![false, true], vec![true, false]));
    });
}

/// One thing that happens to a channel.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send,
    Receive,
    Clone,
    DropSender,
    CloseSender,
    CloseReceiver,
    Watch,
}

/// A channel with room for one message, after some steps, and who came to listen at its start or later.
struct Played {
    senders: Vec<SendEnd>,
    receiver: Option<ReceiveEnd>,
    sending: Vec<Arc<Told>>,
    receiving: Vec<Arc<Told>>,
}

impl Played {
    fn new(owner: &Interpreter, steps: &[Step]) -> Self {
        let (tx, rx) = bounded(1);
        let (sending, receiving) = (vec![watch_send(&tx)], vec![watch_receive(&rx)]);
        let mut played = Self { senders: vec![tx], receiver: Some(rx), sending, receiving };
        steps.iter().for_each(|step| played.step(owner, *step));
        played
    }

    fn step(&mut self, owner: &Interpreter, step: Step) {
        let Self { senders, receiver, sending, receiving } = self;
        match step {
            Step::Send => _ = senders.last().map(|tx| has_space(owner, tx)),
            Step::Receive => _ = receiver.as_ref().map(has_message),
            Step::Clone => senders.extend(senders.last().cloned()),
            Step::DropSender => drop(senders.pop()),
            Step::CloseSender => _ = senders.pop().map(SendEnd::close),
            Step::CloseReceiver => drop(receiver.take()),
            Step::Watch => {
                sending.extend(senders.last().map(watch_send));
                receiving.extend(receiver.as_ref().map(watch_receive));
            }
        }
    }
}

/// Tries to send.
fn has_space(owner: &Interpreter, tx: &SendEnd) -> bool {
    owner.attach(|token| !matches!(tx.try_send(token, freeze(token, b"x")), Err(TrySendError::Full(_))))
}

/// Tries to receive.
fn has_message(rx: &ReceiveEnd) -> bool {
    rx.try_recv().err() != Some(TryRecvError::Empty)
}

/// What they were told last. They were told of changes, of nothing else.
fn last(listeners: &[Arc<Told>]) -> Vec<bool> {
    let last = |told: &Arc<Told>| {
        let news = told.news();
        assert!(news.windows(2).all(|two| two[0] != two[1]), "{news:?}");
        *news.last().expect("it was told when it came")
    };
    listeners.iter().map(last).collect()
}

/// After every sequence of so many steps: whoever came to listen, at any time, knows what the operations then say.
#[test]
fn listeners_know_what_operations_say() {
    use Step::*;
    const STEPS: [Step; 7] = [Send, Receive, Clone, DropSender, CloseSender, CloseReceiver, Watch];
    const LONGEST: u32 = 5;
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    for length in 0..=LONGEST {
        for number in 0..STEPS.len().pow(length) {
            let digits = (0..length).map(|place| number / STEPS.len().pow(place) % STEPS.len());
            let steps: Vec<Step> = digits.map(|digit| STEPS[digit]).collect();
            // To ask is to send, or to take: each side is asked on a channel of its own.
            let played = Played::new(&owner, &steps);
            if let Some(tx) = played.senders.last() {
                let told = last(&played.sending);
                assert_eq!(told, vec![has_space(&owner, tx); told.len()], "space after {steps:?}");
            }
            let played = Played::new(&owner, &steps);
            if let Some(rx) = &played.receiver {
                let told = last(&played.receiving);
                assert_eq!(told, vec![has_message(rx); told.len()], "a message after {steps:?}");
            }
        }
    }
}

/// Two threads send and receive as told, each waiting for its listener only.
#[test]
fn listeners_are_enough_to_wait() {
    const MESSAGES: u16 = 2_000;

    /// A level to wait for.
    #[derive(Default)]
    struct Level {
        ready: Mutex<bool>,
        changed: Condvar,
    }

    impl Readiness for Level {
        fn set(&self, ready: bool) {
            *self.ready.lock().expect("not poisoned") = ready;
            self.changed.notify_all();
        }
    }

    impl Level {
        fn wait(&self) {
            let ready = self.changed.wait_while(self.ready.lock().expect("not poisoned"), |ready| !*ready);
            drop(ready.expect("not poisoned"));
        }
    }

    let _watchdog = watchdog();
    let (tx, rx) = bounded(3);
    let [sending, receiving] = [(); 2].map(|()| Arc::new(Level::default()));
    tx.watch(Arc::clone(&sending) as Listener);
    rx.watch(Arc::clone(&receiving) as Listener);
    let sender = thread::spawn(move || {
        let owner = Interpreter::new();
        for number in 0..MESSAGES {
            sending.wait();
            owner.attach(|token| {
                tx.try_send(token, freeze(token, &number.to_le_bytes())).expect("the only sender was told of space")
            });
        }
    });
    for number in 0..MESSAGES {
        receiving.wait();
        assert_eq!(try_recv(&rx), number.to_le_bytes());
    }
    receiving.wait();
    assert_eq!(rx.try_recv().err(), Some(TryRecvError::Closed));
    sender.join().expect("no panic");
}
