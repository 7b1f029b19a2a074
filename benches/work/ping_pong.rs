//! A message there and one back, on two cores: when neither side sleeps, and when each message finds its receiver asleep.

use super::channel::{CAPACITY, Crossbeam, Flume, Kanal, Peer, SIZE, Std, Triomphe};
use super::single::buffer;
use super::{Goal, Row, Work, peer, stay_on_a_core};
use std::hint::{black_box, spin_loop};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};
use viewchan::strategy::{Deferred, Strategy};
use viewchan::{Interpreter, Message, ReceiveEnd, SendEnd, View, channel};

/// How long a side that received sleeps before it answers, so that the other sleeps as well: that one has to come back from its
/// own send, and looks out for its message for some microseconds, in our channels and in most of the peers. A side that spun for
/// as long would keep the other from going to sleep when something else is on its core.
const NAP: Duration = Duration::from_micros(100);

/// Whether a thread sleeps while it waits for a message, and what is measured.
#[derive(Clone, Copy)]
enum Waiting {
    /// It polls, which costs less than a receive that blocks: that leaves the interpreter, and comes back. Each side answers at
    /// once. Measured is all that the first side sees: both messages' ways, with all that it takes to make and to release them.
    Awake,
    /// It blocks in a receive, and sleeps: the other side answers after a [nap](NAP). Measured are the messages' ways alone: from
    /// just before a send until the receive has returned on the other side, there and back. Naps are not in it, nor what a send
    /// goes on to do when the receiver is up, nor the release.
    Asleep,
}

/// Moments on a clock that both sides read, added up. What they received less what they sent is the time that all messages took.
#[derive(Default)]
struct Moments {
    sent: Duration,
    received: Duration,
}

/// One side of the game.
struct Side<'a> {
    waiting: Waiting,
    /// It sends first, and the other answers.
    is_first: bool,
    times: u64,
    clock: Instant,
    /// Where both begin.
    barrier: &'a Barrier,
}

impl Side<'_> {
    fn play<M: AsRef<[u8]>>(&self, send: impl Fn(), receive: impl Fn() -> M) -> Moments {
        stay_on_a_core(self.is_first);
        self.barrier.wait();
        match self.waiting {
            Waiting::Awake => self.play_awake(send, receive),
            Waiting::Asleep => self.play_asleep(send, receive),
        }
    }

    fn play_awake<M: AsRef<[u8]>>(&self, send: impl Fn(), receive: impl Fn() -> M) -> Moments {
        let sent = self.clock.elapsed();
        self.take_turns(&send, || read(&receive()));
        let received = self.clock.elapsed();
        // The game is as long as the first side says.
        if self.is_first { Moments { sent, received } } else { Moments::default() }
    }

    fn play_asleep<M: AsRef<[u8]>>(&self, send: impl Fn(), receive: impl Fn() -> M) -> Moments {
        let (mut sent, mut received) = (Duration::ZERO, Duration::ZERO);
        let send = || {
            thread::sleep(NAP);
            sent += self.clock.elapsed();
            send();
        };
        let receive = || {
            let message = receive();
            received += self.clock.elapsed();
            read(&message);
        };
        self.take_turns(send, receive);
        Moments { sent, received }
    }

    fn take_turns(&self, mut send: impl FnMut(), mut receive: impl FnMut()) {
        for _ in 0..self.times {
            if self.is_first {
                send();
                receive();
            } else {
                receive();
                send();
            }
        }
    }
}

fn read(message: &impl AsRef<[u8]>) {
    black_box(message.as_ref()[0]);
}

/// Both sides on threads and cores of their own: else the system has them share one as long as one of them sleeps. What all their
/// messages took.
fn game(
    times: u64,
    waiting: Waiting,
    first: impl FnOnce(Side<'_>) -> Moments + Send,
    second: impl FnOnce(Side<'_>) -> Moments + Send,
) -> Duration {
    let (clock, barrier) = (Instant::now(), Barrier::new(2));
    let side = |is_first| Side { waiting, is_first, times, clock, barrier: &barrier };
    let (ours, theirs) = thread::scope(|scope| {
        let sides = (scope.spawn(|| first(side(true))), scope.spawn(|| second(side(false))));
        (sides.0.join().expect("no side panics"), sides.1.join().expect("no side panics"))
    });
    ours.received + theirs.received - ours.sent - theirs.sent
}

/// The peers block: they are compared asleep.
fn peers<P: Peer<Triomphe>>(name: &'static str) -> Work {
    let payload = Triomphe::new();
    Work::new(name, move |times| {
        let ((ping, pinged), (pong, ponged)) = (P::open(), P::open());
        let play = |side: Side<'_>, send: P::Sender, receive: P::Receiver| {
            side.play(|| P::send(&send, payload.clone()), || P::receive(&receive))
        };
        game(times, Waiting::Asleep, |side| play(side, ping, ponged), |side| play(side, pong, pinged))
    })
}

type Ends<S> = (SendEnd<Interpreter, S>, ReceiveEnd<Interpreter, S>);

/// Each side is in its own interpreter, except while it blocks.
fn ours<S: Strategy<Interpreter>>(name: &'static str, waiting: Waiting) -> Work {
    let homes = [buffer(SIZE), buffer(SIZE)];
    Work::new(name, move |times| {
        let (ping, pinged): Ends<S> = channel::bounded_with(CAPACITY);
        let (pong, ponged): Ends<S> = channel::bounded_with(CAPACITY);
        let play = |side: Side<'_>, send: SendEnd<Interpreter, S>, receive: ReceiveEnd<Interpreter, S>| {
            let (owner, buffer) = &homes[usize::from(side.is_first)];
            owner.attach(|token| {
                let send = || send.send(token, buffer.clone_ref(token)).expect("the receiver is there");
                side.play(send, || received(&receive, waiting))
            })
        };
        game(times, waiting, |side| play(side, ping, ponged), |side| play(side, pong, pinged))
    })
}

fn received<S: Strategy<Interpreter>>(end: &ReceiveEnd<Interpreter, S>, waiting: Waiting) -> View<Interpreter, S> {
    let view = |message: Message<Interpreter, S>| message.into_view().expect("a buffer was sent");
    match waiting {
        Waiting::Asleep => view(end.recv().expect("the sender is there")),
        Waiting::Awake => loop {
            match end.try_recv() {
                Ok(message) => break view(message),
                Err(_) => spin_loop(),
            }
        },
    }
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "ping-pong, 64 B, awake: deferred",
            ours: ours::<Deferred>("deferred", Waiting::Awake),
            peers: vec![peer::line_round_trip()],
            goal: Goal::AtMost(2.5),
        },
        Row {
            name: "ping-pong, 64 B, asleep: deferred",
            ours: ours::<Deferred>("deferred", Waiting::Asleep),
            peers: vec![
                peers::<Std>("std mpsc, triomphe::Arc"),
                peers::<Crossbeam>("crossbeam-channel, triomphe::Arc"),
                peers::<Flume>("flume, triomphe::Arc"),
                peers::<Kanal>("kanal, triomphe::Arc"),
            ],
            goal: Goal::AtMost(1.0),
        },
    ]
}
