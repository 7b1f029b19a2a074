//! Ends that travel through channels, their own included (G9).
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use common::{Drops, freeze, recv, send, try_recv, watchdog};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;
use viewchan::channel::{
    Options, RecvError, SendError, SendTimeoutError, TryRecvError, TrySendError, bounded, unbounded,
};
use viewchan::runtime::Ended;
use viewchan::strategy::{self, Strategy};
use viewchan::{Attached, Buffer, Interpreter, Message, ReceiveEnd, SendEnd};

/// Sends an end from a throw-away interpreter: ends belong to none.
fn send_end(through: &SendEnd, end: SendEnd) {
    Interpreter::new().attach(|token| through.send(token, end)).expect("the channel is open");
}

/// Tries to send a receive end. `Err` is the end, refused as unreachable.
fn send_receive_end(through: &SendEnd, end: ReceiveEnd) -> Result<(), ReceiveEnd> {
    Interpreter::new().attach(|token| through.send(token, end)).map_err(|refused| match refused {
        SendError::Unreachable(end) => end,
        other => panic!("refused, but not as unreachable: {other:?}"),
    })
}

fn recv_send_end(end: &ReceiveEnd) -> SendEnd {
    let Ok(Message::SendEnd(end)) = end.try_recv() else { panic!("a send end is inside") };
    end
}

fn recv_receive_end(end: &ReceiveEnd) -> ReceiveEnd {
    let Ok(Message::ReceiveEnd(end)) = end.try_recv() else { panic!("a receive end is inside") };
    end
}

/// Asserts that the two are the ends of one open channel: a message passes.
#[track_caller]
fn assert_connected(tx: &SendEnd, rx: &ReceiveEnd) {
    assert_eq!(tx.channel_id(), rx.channel_id());
    send(&Interpreter::new(), tx, b"ping");
    assert_eq!(try_recv(rx), "ping");
}

/// A send end travels as itself, and counts as an end of its channel all the way.
#[test]
fn a_send_end_travels() {
    let _watchdog = watchdog();
    let (tx, rx) = unbounded();
    let (reply_tx, reply_rx) = unbounded();
    send_end(&tx, reply_tx);
    assert_eq!(reply_rx.try_recv().expect_err("nothing was sent"), TryRecvError::Empty);
    let reply_tx = recv_send_end(&rx);
    assert_connected(&reply_tx, &reply_rx);
    drop(reply_tx);
    assert_eq!(reply_rx.recv().expect_err("the last send end is gone"), RecvError::Closed);
}

/// A send end that is lost in flight is a send end dropped: its receiver is told.
#[test]
fn a_send_end_lost_in_flight_closes_its_channel() {
    let _watchdog = watchdog();
    let (tx, rx) = unbounded();
    let (lost, lonely) = unbounded();
    send_end(&tx, lost);
    drop(rx);
    assert_eq!(lonely.recv().expect_err("the last send end is gone"), RecvError::Closed);
}

/// The last send end travels through its own channel and is as good as new; dropped, it closes the channel.
#[test]
fn a_send_end_travels_through_its_own_channel() {
    let _watchdog = watchdog();
    let (tx, rx) = unbounded();
    send_end(&tx, tx.clone());
    drop(tx);
    let tx = recv_send_end(&rx);
    assert_connected(&tx, &rx);
    drop(tx);
    assert_eq!(rx.recv().expect_err("the last send end is gone"), RecvError::Closed);
}

/// A send end inside its own channel does not keep the channel alive: what is behind it is freed with the receive end.
#[test]
fn a_send_end_inside_its_own_channel_keeps_nothing_alive() {
    let _watchdog = watchdog();
    let drops = Drops::default();
    let (tx, rx) = unbounded();
    send_end(&tx, tx.clone());
    Interpreter::new().attach(|token| tx.send(token, drops.buffer(token, b"x"))).expect("the channel is open");
    drop((tx, rx));
    assert_eq!(drops.count(), 1);
}

/// A receive end travels with what is inside, and its senders do not notice.
#[test]
fn a_receive_end_travels_with_its_messages() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (outer_tx, outer_rx) = unbounded();
    let (tx, rx) = unbounded();
    send(&owner, &tx, b"before");
    send_receive_end(&outer_tx, rx).expect("it can be reached");
    send(&owner, &tx, b"in flight");
    let rx = recv_receive_end(&outer_rx);
    assert_eq!(try_recv(&rx), "before");
    assert_eq!(try_recv(&rx), "in flight");
    assert_connected(&tx, &rx);
}

/// A receive end that is lost in flight discards its messages, at any depth, and its senders are told (G3).
#[test]
fn receive_ends_lost_in_flight_discard_their_messages() {
    let _watchdog = watchdog();
    const DEPTH: usize = 100;
    let owner = Interpreter::new();
    let drops = Drops::default();
    let mut send_ends = Vec::new();
    let mut outermost: Option<ReceiveEnd> = None;
    for _ in 0..DEPTH {
        let (tx, rx) = unbounded();
        owner.attach(|token| tx.send(token, drops.buffer(token, b"x"))).expect("the channel is open");
        if let Some(inner) = outermost.replace(rx) {
            send_receive_end(&tx, inner).expect("it can be reached");
        }
        send_ends.push(tx);
    }
    assert_eq!(drops.count(), 0);
    drop(outermost);
    assert_eq!(drops.count(), DEPTH);
    for tx in send_ends {
        let refused = owner.attach(|token| tx.send(token, freeze(token, b"x"))).expect_err("the receive end is gone");
        assert!(matches!(refused, SendError::Closed(_)));
    }
}

/// A channel cannot swallow its own receive end: every kind of send gives it back, and it still receives.
#[test]
fn the_own_receive_end_is_refused() {
    let _watchdog = watchdog();
    let (tx, rx) = bounded(1);
    let rx = Interpreter::new().attach(|token| {
        let Err(SendError::Unreachable(rx)) = tx.send(token, rx) else { panic!("a circle") };
        let Err(TrySendError::Unreachable(rx)) = tx.try_send(token, rx) else { panic!("a circle") };
        let Err(SendTimeoutError::Unreachable(rx)) = tx.send_timeout(token, rx, Duration::MAX) else {
            panic!("a circle")
        };
        rx
    });
    assert!(rx.is_empty());
    assert_connected(&tx, &rx);
}

/// Of two receive ends that cross, the second is refused. It has not gone anywhere: the first may cross again; and with
/// the first one out, the second may go.
#[test]
fn crossing_receive_ends_are_refused() {
    let _watchdog = watchdog();
    let (a_tx, mut a_rx) = unbounded();
    let (b_tx, mut b_rx) = unbounded();
    for _ in 0..2 {
        send_receive_end(&b_tx, a_rx).expect("it can be reached");
        b_rx = send_receive_end(&a_tx, b_rx).expect_err("a circle");
        a_rx = recv_receive_end(&b_rx);
    }
    assert_connected(&a_tx, &a_rx);
    assert_connected(&b_tx, &b_rx);
    send_receive_end(&a_tx, b_rx).expect("it can be reached");
    assert_connected(&b_tx, &recv_receive_end(&a_rx));
}

/// A circle of three is refused as well, at the send that would close it; two of three in a row are none.
#[test]
fn a_circle_of_three_is_refused() {
    let _watchdog = watchdog();
    let (a_tx, a_rx) = unbounded();
    let (b_tx, b_rx) = unbounded();
    let (c_tx, c_rx) = unbounded();
    send_receive_end(&b_tx, a_rx).expect("it can be reached");
    send_receive_end(&c_tx, b_rx).expect("it can be reached");
    let c_rx = send_receive_end(&a_tx, c_rx).expect_err("a circle");
    let b_rx = recv_receive_end(&c_rx);
    let a_rx = recv_receive_end(&b_rx);
    assert_connected(&a_tx, &a_rx);
    assert_connected(&b_tx, &b_rx);
    assert_connected(&c_tx, &c_rx);
}

/// A receive end that was shut, sent and lost in flight is nowhere any more: a send into its channel is refused because that
/// is closed, not because of a circle.
#[test]
fn a_shut_receive_end_lost_in_flight_leaves_no_trace() {
    let _watchdog = watchdog();
    let (a_tx, a_rx) = unbounded();
    let (b_tx, b_rx) = unbounded();
    a_rx.shut();
    send_receive_end(&b_tx, a_rx).expect("it can be reached");
    b_rx.shut();
    let refused = Interpreter::new().attach(|token| a_tx.send(token, b_rx)).expect_err("nobody receives");
    assert!(matches!(refused, SendError::Closed(_)), "{refused:?}");
}

/// A receive end that was refused for another reason has not gone anywhere: the crossing send is no circle then.
#[test]
fn a_refused_receive_end_leaves_no_trace() {
    let _watchdog = watchdog();
    let (a_tx, a_rx) = unbounded();
    let (b_tx, b_rx) = bounded(1);
    let (closed_tx, _) = unbounded();
    send(&Interpreter::new(), &b_tx, b"full");
    let a_rx = Interpreter::new().attach(|token| {
        let refused = closed_tx.send(token, a_rx).expect_err("it is closed");
        assert!(matches!(refused, SendError::Closed(_)));
        let refused = b_tx.try_send(token, refused.into_inner()).expect_err("it is full");
        assert!(matches!(refused, TrySendError::Full(_)));
        let refused = b_tx.send_timeout(token, refused.into_inner(), Duration::from_millis(1)).expect_err("it is full");
        assert!(matches!(refused, SendTimeoutError::TimedOut(_)));
        refused.into_inner()
    });
    send_receive_end(&a_tx, b_rx).expect("it can be reached");
    assert_eq!(recv(&recv_receive_end(&a_rx)), "full");
}

/// Two threads try to close a circle from both sides, many times: never do both succeed, so no message leaks (G3).
#[test]
fn racing_receive_ends_never_form_a_circle() {
    const ROUNDS: usize = 1000;
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let drops = Drops::default();
    let start = &Barrier::new(2);
    for _ in 0..ROUNDS {
        let (a_tx, a_rx) = unbounded();
        let (b_tx, b_rx) = unbounded();
        owner.attach(|token| {
            for tx in [&a_tx, &b_tx] {
                tx.send(token, drops.buffer(token, b"x")).expect("the channel is open");
            }
        });
        let race = |through: SendEnd, end: ReceiveEnd| {
            move || {
                start.wait();
                send_receive_end(&through, end)
            }
        };
        let [first, second] = thread::scope(|scope| {
            [scope.spawn(race(a_tx, b_rx)), scope.spawn(race(b_tx, a_rx))].map(|racer| racer.join().expect("no panic"))
        });
        assert!(first.is_err() || second.is_err(), "nobody can reach either channel any more");
    }
    assert_eq!(drops.count(), 2 * ROUNDS);
}

/// A chain of receive ends, each in flight inside the next one's channel, falls without recursing: however long it is, the
/// drop of the outermost one frees what is in the innermost.
#[test]
fn a_long_chain_of_receive_ends_falls_in_one_drop() {
    let _watchdog = watchdog();
    let (tx, innermost) = unbounded();
    let drops = Drops::default();
    let owner = Interpreter::new();
    let outermost = owner.attach(|token| {
        tx.send(token, drops.buffer(token, b"innermost")).expect("the channel is open");
        let mut outermost = innermost;
        for _ in 0..100_000 {
            let (tx, rx) = unbounded();
            tx.send(token, outermost).expect("the channel is open, and no circle");
            outermost = rx;
        }
        outermost
    });
    drop(outermost);
    assert_eq!(drops.count(), 1);
}

/// The strategy `view`, with a letter to be chosen for each channel.
enum Lettered {}

impl Strategy<Interpreter> for Lettered {
    type Message = <strategy::View as Strategy<Interpreter>>::Message;
    type Pin = <strategy::View as Strategy<Interpreter>>::Pin;
    type Choice = char;

    fn pin(_: char, token: &Attached<'_>, buffer: Buffer) -> Self::Message {
        <strategy::View as Strategy<Interpreter>>::pin((), token, buffer)
    }

    fn owner(message: &Self::Message) -> &Interpreter {
        strategy::View::owner(message)
    }

    fn withdraw(token: &Attached<'_>, message: Self::Message) -> Buffer {
        strategy::View::withdraw(token, message)
    }

    fn open(message: Self::Message, home: Option<&Interpreter>) -> Result<Self::Pin, Ended> {
        strategy::View::open(message, home)
    }
}

/// What a strategy leaves to be chosen is chosen once, and every end knows it.
#[test]
fn a_choice_goes_with_the_ends() {
    let (tx, rx) = Options::new().open_chosen::<Interpreter, Lettered>('q');
    assert_eq!((tx.choice(), tx.clone().choice(), rx.choice()), ('q', 'q', 'q'));
}
