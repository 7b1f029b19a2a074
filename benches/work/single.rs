//! What one thread does: a strategy's two halves, and what a view costs that is held.

use super::peer::{self, lock_pair};
use super::{Goal, Row, Work, receiver_in_batches, timed};
use bytes::Bytes;
use std::hint::black_box;
use std::time::Duration;
use viewchan::strategy::{Deferred, Handover, Proxy, Shared, Strategy, View as ViewStrategy};
use viewchan::{Attached, Buffer, BufferMut, Interpreter, View, channel, unbounded};

/// Messages that are opened without a look at the clock.
const BATCH: u64 = 256;

/// An owner and a buffer of `len` bytes, in memory of their own: untouched zeros would all be one page.
pub(crate) fn buffer(len: usize) -> (Interpreter, Buffer) {
    let owner = Interpreter::new();
    let mut bytes = BufferMut::zeroed(len);
    bytes.fill(1);
    let buffer = owner.attach(|token| bytes.freeze(token));
    (owner, buffer)
}

/// A view of `len` bytes, and what keeps its owner.
pub(crate) fn view(len: usize) -> (Interpreter, View) {
    let (owner, buffer) = buffer(len);
    let (send, receive) = unbounded();
    owner.attach(|token| send.send(token, buffer)).expect("the channel is open");
    let view = receive.recv().expect("sent above").into_view().expect("a buffer was sent");
    (owner, view)
}

/// Messages of one buffer, with the strategy.
fn pinned<S: Strategy<Interpreter>>(token: &Attached<'_>, buffer: &Buffer, count: u64) -> Vec<S::Message> {
    (0..count).map(|_| S::pin(S::Choice::default(), token, buffer.clone_ref(token))).collect()
}

/// A receiver, attached to its own interpreter, makes a view of each message and releases it. Making messages is not timed.
fn open_and_release<S: Strategy<Interpreter>>(name: &'static str, receiver: Interpreter) -> Work {
    let (owner, buffer) = buffer(64);
    Work::new(name, move |times| {
        let mut left = times;
        let mut sum = Duration::ZERO;
        while left > 0 {
            let batch = left.min(BATCH);
            let messages = owner.attach(|token| pinned::<S>(token, &buffer, batch));
            sum += receiver.attach(|_| {
                timed(|| {
                    for message in messages {
                        drop(black_box(S::open(message, Some(&receiver))));
                    }
                })
            });
            left -= batch;
        }
        sum
    })
}

/// All of it: the owner makes messages and collects, the receiver opens and releases. Handles are not timed.
fn whole_cycle<S: Strategy<Interpreter>>(name: &'static str, receiver: Interpreter) -> Work {
    let (owner, buffer) = buffer(64);
    let mut messages = Vec::with_capacity(BATCH as usize);
    Work::new(name, move |times| {
        let mut left = times;
        let mut sum = Duration::ZERO;
        while left > 0 {
            let batch = left.min(BATCH);
            let handles: Vec<Buffer> = owner.attach(|token| (0..batch).map(|_| buffer.clone_ref(token)).collect());
            sum += timed(|| {
                owner.attach(|token| {
                    messages.extend(handles.into_iter().map(|handle| S::pin(S::Choice::default(), token, handle)));
                });
                receiver.attach(|_| {
                    for message in messages.drain(..) {
                        drop(black_box(S::open(message, Some(&receiver))));
                    }
                });
            });
            left -= batch;
        }
        sum
    })
}

fn held_clone() -> Work {
    let (_owner, view) = view(64);
    Work::each("held view: clone + drop", move || view.clone())
}

fn held_slice() -> Work {
    let (_owner, view) = view(64);
    Work::each("held view: slice + drop", move || view.slice(black_box(1)..black_box(63)))
}

fn local_clone() -> Work {
    let (_owner, view) = view(64);
    let view = view.into_local();
    Work::each("held view, one thread: clone + drop", move || view.clone())
}

fn local_slice() -> Work {
    let (_owner, view) = view(64);
    let view = view.into_local();
    Work::each("held view, one thread: slice + drop", move || view.slice(black_box(1)..black_box(63)))
}

fn bytes_slice() -> Work {
    let bytes = Bytes::from(vec![0; 64]);
    Work::each("Bytes: slice + drop", move || bytes.slice(black_box(1)..black_box(63)))
}

/// Receive and release of a payload of `len` bytes, through a channel.
pub(crate) fn received(name: &'static str, len: usize) -> Work {
    let (owner, buffer) = buffer(len);
    let receiver = Interpreter::new();
    let (send, receive) = unbounded();
    Work::new(name, move |times| {
        let mut left = times;
        let mut sum = Duration::ZERO;
        while left > 0 {
            let batch = left.min(BATCH);
            owner.attach(|token| {
                for _ in 0..batch {
                    send.send(token, buffer.clone_ref(token)).expect("the channel is open");
                }
            });
            sum += receiver.attach(|_| {
                timed(|| {
                    for _ in 0..batch {
                        drop(black_box(receive.recv()));
                    }
                })
            });
            left -= batch;
        }
        sum
    })
}

/// A handle goes in, and comes out again as a view.
fn sent_and_received<S: Strategy<Interpreter>>(name: &'static str) -> Work {
    let (owner, buffer) = buffer(64);
    let receiver = Interpreter::new();
    let (send, receive) = channel::bounded_with::<Interpreter, S>(16);
    Work::each(name, move || {
        owner.attach(|token| send.send(token, buffer.clone_ref(token))).expect("the channel is open");
        receiver.attach(|_| receive.recv().map(drop)).expect("sent above");
    })
}

/// What is counted in instructions.
pub(crate) fn works() -> Vec<Work> {
    vec![
        attach(),
        held_clone(),
        held_slice(),
        local_clone(),
        local_slice(),
        open_and_release::<ViewStrategy>("view: create + release", Interpreter::new()),
        open_and_release::<Shared>("shared: create + release", Interpreter::new()),
        open_and_release::<Proxy>("proxy: create + release", Interpreter::new()),
        open_and_release::<Handover>("handover: open + release", Interpreter::new()),
        open_and_release::<Deferred>("deferred: open + release", Interpreter::new()),
        open_and_release::<Deferred>("deferred, in batches: open + release", receiver_in_batches()),
        sent_and_received::<ViewStrategy>("view: send + receive + release"),
        sent_and_received::<Deferred>("deferred: send + receive + release"),
    ]
}

fn attach() -> Work {
    let interpreter = Interpreter::new();
    Work::each("attach + detach", move || interpreter.attach(|_| black_box(())))
}

pub(crate) fn rows() -> Vec<Row> {
    let in_units = |name, ours, limit| Row { name, ours, peers: vec![lock_pair()], goal: Goal::AtMost(limit) };
    vec![
        in_units(
            "view: create + release, owner idle",
            open_and_release::<ViewStrategy>("view: create + release", Interpreter::new()),
            3.5,
        ),
        in_units("held view, one thread: clone + drop", local_clone(), 0.3),
        Row {
            name: "held view, one thread: slice + drop",
            ours: local_slice(),
            peers: vec![bytes_slice()],
            goal: Goal::AtMost(0.3),
        },
        in_units(
            "proxy: first reference + last release",
            open_and_release::<Proxy>("proxy: create + release", Interpreter::new()),
            5.0,
        ),
        in_units(
            "deferred: receiver's half, in batches",
            open_and_release::<Deferred>("deferred, in batches: open + release", receiver_in_batches()),
            0.5,
        ),
        in_units(
            "deferred: whole cycle, in batches",
            whole_cycle::<Deferred>("deferred, in batches: whole cycle", receiver_in_batches()),
            1.0,
        ),
        Row {
            name: "receive + release: 64 MiB against 64 B",
            ours: received("64 MiB", 64 << 20),
            peers: vec![received("64 B", 64)],
            goal: Goal::AtMost(1.1),
        },
        Row {
            name: "epoch: read in place",
            ours: peer::epoch_read(),
            peers: vec![peer::epoch_pin()],
            goal: Goal::AtMost(1.2),
        },
    ]
}
