//! What a message allocates in the steady state, and how much memory it takes while it is in flight.
//!
//! How many allocations, and of how many bytes, is what is found today, exactly: whoever changes it, for better or worse, changes
//! it here. Only what one thread does is counted: the harness's threads allocate as they like.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]
#![cfg(target_pointer_width = "64")]

mod common;

use allocation_counter::measure;
use common::{freeze, watchdog};
use viewchan::channel::bounded_with;
use viewchan::strategy::{Deferred, Handover, Proxy, Shared, Strategy, View};
use viewchan::{Attached, Batches, Buffer, Interpreter, ReceiveEnd, SendEnd};

/// Of a payload, in bytes.
const SIZE: usize = 64;
/// Of a channel whose queue is allocated when it is made, in messages. The queues of larger ones grow.
const CAPACITY: usize = 1024;
/// Of a message in flight, beside its payload, in bytes.
const MOST: i64 = 64;

type Ends<S> = (SendEnd<Interpreter, S>, ReceiveEnd<Interpreter, S>);

/// Two interpreters, and a buffer of the first.
struct Stage {
    owner: Interpreter,
    receiver: Interpreter,
    buffer: Buffer,
}

impl Stage {
    fn new(owner: Batches, receiver: Batches) -> Self {
        let [owner, receiver] = [owner, receiver].map(Interpreter::with_batches);
        let buffer = owner.attach(|token| freeze(token, &[7; SIZE]));
        Self { owner, receiver, buffer }
    }

    fn fill<S: Strategy<Interpreter>>(&self, end: &SendEnd<Interpreter, S>, messages: usize) {
        let send = |token: &Attached<'_>| end.send(token, self.buffer.clone_ref(token)).expect("the channel is open");
        self.owner.attach(|token| (0..messages).for_each(|_| send(token)));
    }

    fn empty<S: Strategy<Interpreter>>(&self, end: &ReceiveEnd<Interpreter, S>, messages: usize) {
        let receive = || end.recv().expect("sent before").into_view().expect("a buffer was sent").release();
        self.receiver.attach(|_| (0..messages).for_each(|_| receive()));
    }
}

/// Allocations and bytes, of one message that is sent, received and released, when all is warm. One that is not the same for each
/// message does not divide.
fn of_one_message<S: Strategy<Interpreter>>(batches: Batches) -> (u64, u64) {
    const ROUNDS: usize = 64;
    let stage = Stage::new(Batches::default(), batches);
    let (send, receive): Ends<S> = bounded_with(CAPACITY);
    let round = || {
        stage.fill(&send, CAPACITY);
        stage.empty(&receive, CAPACITY);
    };
    round();
    let allocated = measure(|| (0..ROUNDS).for_each(|_| round()));
    let messages = (ROUNDS * CAPACITY) as u64;
    let rest = (allocated.count_total % messages, allocated.bytes_total % messages);
    assert_eq!(rest, (0, 0), "left over of {messages} messages: {allocated:?}");
    (allocated.count_total / messages, allocated.bytes_total / messages)
}

#[test]
fn allocations_of_a_message() {
    let _watchdog = watchdog();
    let (alone, together) = (Batches::default(), Batches { released: 32, ..Batches::default() });
    let found = [
        ("shared", of_one_message::<Shared>(alone)),
        ("proxy", of_one_message::<Proxy>(alone)),
        ("view", of_one_message::<View>(alone)),
        ("handover", of_one_message::<Handover>(alone)),
        ("deferred", of_one_message::<Deferred>(alone)),
        ("deferred, in batches", of_one_message::<Deferred>(together)),
    ];
    let known = [
        ("shared", (0, 0)),
        ("proxy", (1, 88)),
        ("view", (0, 0)),
        ("handover", (0, 0)),
        ("deferred", (0, 0)),
        ("deferred, in batches", (0, 0)),
    ];
    assert_eq!(found, known, "allocations of a message, and their bytes");
}

/// Bytes of one message in flight, beside the payload: with its place in the queue, which the channel has allocated.
fn in_flight<S: Strategy<Interpreter>>() -> i64 {
    // Spare blocks would not be counted.
    let batches = Batches { kept: 0, ..Batches::default() };
    let stage = Stage::new(batches, batches);
    let filled = |messages: usize| {
        let mut ends: Option<Ends<S>> = None;
        let allocated = measure(|| {
            let (send, _) = ends.insert(bounded_with(messages));
            stage.fill(send, messages);
        });
        allocated.bytes_current
    };
    // What a channel has once is in both.
    filled(CAPACITY);
    let (half, whole) = (filled(CAPACITY / 2), filled(CAPACITY));
    let messages = (CAPACITY / 2) as i64;
    assert_eq!((whole - half) % messages, 0, "a queue that is not of its capacity: {half}, {whole}");
    (whole - half) / messages
}

#[test]
fn memory_of_a_message_in_flight() {
    let _watchdog = watchdog();
    let of = [
        ("shared", in_flight::<Shared>()),
        ("proxy", in_flight::<Proxy>()),
        ("view", in_flight::<View>()),
        ("handover", in_flight::<Handover>()),
        ("deferred", in_flight::<Deferred>()),
    ];
    for (strategy, bytes) in of {
        assert!((1..=MOST).contains(&bytes), "{strategy}: {bytes} bytes beside the payload");
    }
}

/// Blocks are kept for further messages, but not more than so many.
#[test]
fn memory_that_is_kept() {
    let _watchdog = watchdog();
    const KEPT: usize = 16;
    let stage = Stage::new(Batches { kept: KEPT, ..Batches::default() }, Batches::default());
    let kept_after = |messages: usize| {
        let allocated = measure(|| {
            let (send, receive): Ends<Deferred> = bounded_with(messages);
            stage.fill(&send, messages);
            stage.empty(&receive, messages);
            // Who collects for the owner, when it has left, collects all.
            stage.owner.attach(|_| ());
        });
        allocated.bytes_current
    };
    let first = kept_after(CAPACITY);
    assert!(first > 0, "nothing is kept");
    assert!(first <= (KEPT * (32 + size_of::<usize>())) as i64, "{first} bytes are kept");
    assert_eq!(kept_after(CAPACITY), 0);
}

/// Not even to keep memory for the next message (G8).
#[test]
fn a_release_allocates_nothing() {
    let _watchdog = watchdog();
    fn release<S: Strategy<Interpreter>>() {
        let stage = Stage::new(Batches::default(), Batches::default());
        let (send, receive): Ends<S> = bounded_with(CAPACITY);
        stage.fill(&send, CAPACITY);
        let views: Vec<_> = (0..CAPACITY).map(|_| receive.recv().expect("sent before").into_view()).collect();
        let released = measure(|| views.into_iter().for_each(drop));
        assert_eq!(released.count_total, 0);
    }
    release::<View>();
    release::<Handover>();
    release::<Deferred>();
}

/// Whatever the bound, only what was needed is reserved.
#[test]
fn without_a_bound_no_more_is_kept_than_was_made() {
    let _watchdog = watchdog();
    let batches = Batches { kept: usize::MAX, ..Batches::default() };
    let stage = Stage::new(batches, Batches::default());
    let kept = measure(|| {
        let (send, receive): Ends<Deferred> = bounded_with(CAPACITY);
        stage.fill(&send, CAPACITY);
        stage.empty(&receive, CAPACITY);
        stage.owner.attach(|_| ());
    });
    let most = CAPACITY * (32 + 2 * size_of::<usize>());
    assert!((1..=most as i64).contains(&kept.bytes_current), "{} bytes are kept", kept.bytes_current);
}
