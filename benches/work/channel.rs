//! Messages from one thread to another, on two cores: how many in a second.

use super::single::buffer;
use super::{Goal, Row, Work, on_two_cores, receiver_in_batches};
use bytes::Bytes;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::time::Instant;
use viewchan::strategy::{Deferred, Strategy, View};
use viewchan::{Interpreter, Message, channel};

/// Of a payload, in bytes.
pub(crate) const SIZE: usize = 64;
/// Of every channel, in messages.
pub(crate) const CAPACITY: usize = 1024;

/// The ends of a channel of `T`, as all libraries have them.
pub(crate) trait Peer<T: Send + 'static> {
    type Sender: Send;
    type Receiver: Send;
    fn open() -> (Self::Sender, Self::Receiver);
    fn send(sender: &Self::Sender, message: T);
    fn receive(receiver: &Self::Receiver) -> T;
}

macro_rules! peers {
    ($($library:ident: $open:expr, $sender:ty, $receiver:ty;)*) => {$(
        pub(crate) enum $library {}
        impl<T: Send + 'static> Peer<T> for $library {
            type Sender = $sender;
            type Receiver = $receiver;
            fn open() -> (Self::Sender, Self::Receiver) {
                $open(CAPACITY)
            }
            fn send(sender: &Self::Sender, message: T) {
                assert!(sender.send(message).is_ok(), "the receiver is there");
            }
            fn receive(receiver: &Self::Receiver) -> T {
                receiver.recv().expect("the sender is there")
            }
        }
    )*};
}
peers! {
    Std: std::sync::mpsc::sync_channel, std::sync::mpsc::SyncSender<T>, std::sync::mpsc::Receiver<T>;
    Crossbeam: crossbeam_channel::bounded, crossbeam_channel::Sender<T>, crossbeam_channel::Receiver<T>;
    Flume: flume::bounded, flume::Sender<T>, flume::Receiver<T>;
    Kanal: kanal::bounded, kanal::Sender<T>, kanal::Receiver<T>;
}

/// A clone of one payload for each message; the receiver reads its first byte, and drops it.
fn peer_one_way<P, T>(name: &'static str, payload: T) -> Work
where
    P: Peer<T>,
    T: Clone + AsRef<[u8]> + Send + Sync + 'static,
{
    Work::new(name, move |times| {
        let (sender, receiver) = P::open();
        let (payload, barrier) = (payload.clone(), Barrier::new(2));
        let barrier = &barrier;
        let send = move || {
            barrier.wait();
            for _ in 0..times {
                P::send(&sender, payload.clone());
            }
        };
        let receive = move || {
            barrier.wait();
            let start = Instant::now();
            for _ in 0..times {
                black_box(P::receive(&receiver).as_ref()[0]);
            }
            start.elapsed()
        };
        on_two_cores(send, receive)
    })
}

/// How the sender is in its interpreter.
#[derive(Clone, Copy)]
enum Stay {
    /// All the time.
    Throughout,
    /// For each message anew.
    Briefly,
}

fn one_way<S: Strategy<Interpreter>>(name: &'static str, stay: Stay) -> Work {
    let (owner, buffer) = buffer(SIZE);
    Work::new(name, move |times| {
        let (send, receive) = channel::bounded_with::<Interpreter, S>(CAPACITY);
        let (receiver, barrier) = (receiver_in_batches(), &Barrier::new(2));
        let (owner, buffer) = (&owner, &buffer);
        let send_all = move || {
            barrier.wait();
            match stay {
                Stay::Throughout => owner.attach(|token| {
                    for _ in 0..times {
                        send.send(token, buffer.clone_ref(token)).expect("the receiver is there");
                    }
                }),
                Stay::Briefly => {
                    for _ in 0..times {
                        owner.attach(|token| send.send(token, buffer.clone_ref(token))).expect("the receiver is there");
                    }
                }
            }
        };
        let receive_all = move || {
            barrier.wait();
            let start = Instant::now();
            receiver.attach(|_| {
                for _ in 0..times {
                    black_box(first_byte(receive.recv().expect("the sender is there")));
                }
            });
            start.elapsed()
        };
        on_two_cores(send_all, receive_all)
    })
}

fn first_byte<S: Strategy<Interpreter>>(message: Message<Interpreter, S>) -> u8 {
    message.into_view().expect("a buffer was sent")[0]
}

/// A payload as the peers carry it, which reads as bytes.
#[derive(Clone)]
pub(crate) struct Triomphe(triomphe::Arc<[u8; SIZE]>);

impl Triomphe {
    pub(crate) fn new() -> Self {
        Self(triomphe::Arc::new([0; SIZE]))
    }
}

impl AsRef<[u8]> for Triomphe {
    fn as_ref(&self) -> &[u8] {
        &*self.0
    }
}

fn one_way_peers() -> Vec<Work> {
    let triomphe = Triomphe::new();
    let arc: Arc<[u8]> = Arc::from([0; SIZE]);
    let bytes = Bytes::from(vec![0; SIZE]);
    macro_rules! with {
        ($($library:ident $name:literal),*) => {
            vec![$(
                peer_one_way::<$library, _>(concat!($name, ", triomphe::Arc"), triomphe.clone()),
                peer_one_way::<$library, _>(concat!($name, ", Arc<[u8]>"), Arc::clone(&arc)),
                peer_one_way::<$library, _>(concat!($name, ", Bytes"), bytes.clone()),
            )*]
        };
    }
    with![Std "std mpsc", Crossbeam "crossbeam-channel", Flume "flume", Kanal "kanal"]
}

pub(crate) fn rows() -> Vec<Row> {
    let row = |name, ours, peers, goal| Row { name, ours, peers, goal };
    vec![
        row(
            "one-way messages, 64 B: deferred, in batches",
            one_way::<Deferred>("deferred, in batches", Stay::Throughout),
            one_way_peers(),
            Goal::AtLeast(2.0),
        ),
        row(
            "one-way messages, 64 B: view",
            one_way::<View>("view", Stay::Briefly),
            one_way_peers(),
            Goal::AtLeast(0.5),
        ),
    ]
}
