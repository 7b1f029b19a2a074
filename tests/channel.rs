//! The channel: order, bounds, timeouts, close, and what becomes of the messages inside.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use common::{Drops, freeze, panic_message, recv, send, spawn_waiting, try_recv, watchdog};
use std::thread;
use std::time::{Duration, Instant};
use viewchan::channel::{
    RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError, bounded, unbounded,
};
use viewchan::sync::Deadline;
use viewchan::{Interpreter, Message};

const SHORT: Duration = Duration::from_millis(20);

/// Messages of one sender arrive in the order in which they were sent (G5).
#[test]
fn messages_arrive_in_order() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = unbounded();
    for byte in 0..100 {
        send(&owner, &tx, &[byte]);
    }
    assert_eq!((rx.len(), rx.is_empty()), (100, false));
    for byte in 0..100 {
        assert_eq!(try_recv(&rx), [byte]);
    }
    assert!(rx.is_empty());
}

/// 10,000 messages go through 16 places, from thread to thread, with both sides waiting now and then (G5, G6).
#[test]
fn ten_thousand_messages_cross_threads_in_order() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let receiver = Interpreter::new();
    let (tx, rx) = bounded(16);
    thread::scope(|scope| {
        scope.spawn(|| {
            let tx = tx;
            for number in 0..10_000_u32 {
                send(&owner, &tx, &number.to_le_bytes());
            }
        });
        let mut next = 0_u32;
        receiver.attach(|_| {
            for message in &rx {
                assert_eq!(message.into_view().expect("a buffer"), next.to_le_bytes());
                next += 1;
            }
        });
        assert_eq!(next, 10_000);
    });
}

/// Eight interpreters send at once: nothing is lost or doubled, and each one's messages keep their order (G5).
#[test]
fn each_senders_messages_keep_their_order() {
    const SENDERS: u8 = 8;
    const MESSAGES: u16 = 500;
    let _watchdog = watchdog();
    let (tx, rx) = bounded(4);
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            let tx = tx.clone();
            scope.spawn(move || {
                let owner = Interpreter::new();
                for number in 0..MESSAGES {
                    let [low, high] = number.to_le_bytes();
                    send(&owner, &tx, &[sender, low, high]);
                }
            });
        }
        drop(tx);
        let mut next = [0_u16; SENDERS as usize];
        for message in &rx {
            let view = message.into_view().expect("a buffer");
            let &[sender, low, high] = &view[..] else { panic!("three bytes were sent") };
            let expected = &mut next[usize::from(sender)];
            assert_eq!(u16::from_le_bytes([low, high]), *expected);
            *expected += 1;
        }
        assert_eq!(next, [MESSAGES; SENDERS as usize]);
    });
}

/// Two threads receive from one end: each message goes to exactly one of them (G5).
#[test]
fn receivers_share_an_end() {
    const MESSAGES: u8 = 200;
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = bounded(2);
    let mut received = thread::scope(|scope| {
        let receive = || rx.iter().map(|message| message.into_view().expect("a buffer")[0]).collect::<Vec<u8>>();
        let receivers = [scope.spawn(receive), scope.spawn(receive)];
        for byte in 0..MESSAGES {
            send(&owner, &tx, &[byte]);
        }
        drop(tx);
        receivers.map(|receiver| receiver.join().expect("receives")).concat()
    });
    received.sort_unstable();
    assert_eq!(received, (0..MESSAGES).collect::<Vec<u8>>());
}

/// A full channel gives the very buffer back, and no reference to it stays behind: it can be thawed.
#[test]
fn a_full_channel_gives_the_buffer_back() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = bounded(1);
    owner.attach(|token| {
        tx.try_send(token, freeze(token, b"first")).expect("there is space");
        let second = freeze(token, b"second");
        let address = second.as_ptr();
        let Err(TrySendError::Full(second)) = tx.try_send(token, second) else { panic!("it is full") };
        assert_eq!(second.as_ptr(), address);
        second.try_thaw(token).expect("this handle is all there is");
    });
    assert_eq!(rx.len(), 1);
    assert_eq!(try_recv(&rx), "first");
}

/// A send that timed out gives the very buffer back and leaves nothing inside, also not for later (G3, G5).
#[test]
fn a_send_that_timed_out_leaves_nothing_inside() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = bounded(1);
    send(&owner, &tx, b"first");
    owner.attach(|token| {
        let second = freeze(token, b"second");
        let address = second.as_ptr();
        let Err(SendTimeoutError::TimedOut(second)) = tx.send_timeout(token, second, SHORT) else {
            panic!("there is no space")
        };
        assert_eq!(second.as_ptr(), address);
        second.try_thaw(token).expect("this handle is all there is");
    });
    assert_eq!(try_recv(&rx), "first");
    assert_eq!(rx.try_recv().expect_err("nothing else was sent"), TryRecvError::Empty);
}

/// Timeouts below a second are waited for to the end, and are not mistaken for zero (G6).
#[test]
fn timeouts_below_a_second_are_kept() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = bounded(1);
    let assert_waits = |wait: &dyn Fn()| {
        let start = Instant::now();
        wait();
        assert!(start.elapsed() >= SHORT, "the wait was cut short");
    };
    assert_waits(&|| assert_eq!(rx.recv_timeout(SHORT).expect_err("it is empty"), RecvTimeoutError::TimedOut));
    assert_waits(&|| {
        assert_eq!(rx.recv_deadline(&Deadline::after(SHORT)).expect_err("it is empty"), RecvTimeoutError::TimedOut);
    });
    send(&owner, &tx, b"first");
    owner.attach(|token| {
        let second = freeze(token, b"second");
        let third = freeze(token, b"third");
        assert_waits(&|| {
            let refused = tx.send_timeout(token, second.clone_ref(token), SHORT).expect_err("it is full");
            assert!(matches!(refused, SendTimeoutError::TimedOut(_)));
        });
        assert_waits(&|| {
            let deadline = Deadline::after(SHORT);
            let refused = tx.send_deadline(token, third.clone_ref(token), &deadline).expect_err("it is full");
            assert!(matches!(refused, SendTimeoutError::TimedOut(_)));
        });
    });
}

/// What can be done at once is done at once, whatever the timeout: none at all, or more than the clock can express.
#[test]
fn extreme_timeouts_are_fine() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = bounded(1);
    for timeout in [Duration::ZERO, Duration::MAX] {
        owner.attach(|token| tx.send_timeout(token, freeze(token, b"x"), timeout).expect("there is space"));
        let message = rx.recv_timeout(timeout).expect("a message is inside");
        assert_eq!(message.into_view().expect("a buffer"), "x");
    }
    assert_eq!(rx.recv_timeout(Duration::ZERO).expect_err("it is empty"), RecvTimeoutError::TimedOut);
}

/// A sender that waits for space sends when a message is taken, with a timeout and without (G6).
#[test]
fn a_waiting_sender_goes_on_when_there_is_space() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    for timeout in [None, Some(Duration::MAX)] {
        let (tx, rx) = bounded(1);
        send(&owner, &tx, b"first");
        thread::scope(|scope| {
            let sender = spawn_waiting(scope, &owner, |token| {
                let second = freeze(token, b"second");
                match timeout {
                    None => tx.send(token, second).expect("the channel stays open"),
                    Some(timeout) => tx.send_timeout(token, second, timeout).expect("the channel stays open"),
                }
            });
            assert_eq!(recv(&rx), "first");
            assert_eq!(recv(&rx), "second");
            sender.join().expect("the message was sent");
        });
    }
}

/// A receiver that waits gets the message that comes, with a timeout and without; a nudge before that is harmless (G6).
#[test]
fn a_waiting_receiver_goes_on_when_a_message_comes() {
    let _watchdog = watchdog();
    let (owner, home) = (Interpreter::new(), Interpreter::new());
    let (tx, rx) = unbounded();
    for timeout in [None, Some(Duration::MAX)] {
        thread::scope(|scope| {
            let receiver = spawn_waiting(scope, &home, |_| match timeout {
                None => rx.recv().expect("a message is coming"),
                Some(timeout) => rx.recv_timeout(timeout).expect("a message is coming"),
            });
            tx.nudge().nudge(&Deadline::never());
            send(&owner, &tx, b"x");
            let message = receiver.join().expect("the message was received");
            assert_eq!(message.into_view().expect("a buffer"), "x");
        });
    }
}

/// A receiver that waits is told when the send side goes: closed by one end beside others, or the last one dropped (G6).
#[test]
fn the_end_of_the_send_side_wakes_the_receiver() {
    let _watchdog = watchdog();
    let home = Interpreter::new();
    for close in [true, false] {
        let (tx, rx) = unbounded();
        let other = close.then(|| tx.clone());
        thread::scope(|scope| {
            let receiver = spawn_waiting(scope, &home, |_| rx.recv());
            if close {
                tx.close()
            } else {
                drop(tx)
            }
            assert_eq!(receiver.join().expect("woken").expect_err("nothing was sent"), RecvError::Closed);
        });
        drop(other);
    }
}

/// A sender that waits is told when the receive end closes, and has its buffer back, all of it (G3, G6).
#[test]
fn the_end_of_the_receive_side_wakes_the_sender() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    for close in [true, false] {
        let (tx, rx) = bounded(1);
        send(&owner, &tx, b"first");
        thread::scope(|scope| {
            let sender = spawn_waiting(scope, &owner, |token| {
                let refused = tx.send(token, freeze(token, b"second")).expect_err("it was full");
                assert!(matches!(refused, SendError::Closed(_)));
                refused.into_inner().try_thaw(token).expect("this handle is all there is")
            });
            if close {
                rx.close()
            } else {
                drop(rx)
            }
            assert_eq!(&sender.join().expect("woken")[..], b"second");
        });
    }
}

/// A receiver that waits is told when the end that it shares is shut (G6).
#[test]
fn a_shut_receive_end_wakes_the_receiver() {
    let _watchdog = watchdog();
    let receiver = Interpreter::new();
    let (_tx, rx) = unbounded();
    thread::scope(|scope| {
        let waiting = spawn_waiting(scope, &receiver, |_| rx.recv().err());
        rx.shut();
        assert_eq!(waiting.join().expect("woken"), Some(RecvError::Closed));
    });
}

/// A sender that waits is told when another send end closes the channel (G6).
#[test]
fn closing_the_send_side_wakes_other_senders() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = bounded(1);
    let other = tx.clone();
    send(&owner, &tx, b"first");
    thread::scope(|scope| {
        let sender = spawn_waiting(scope, &owner, |token| tx.send(token, freeze(token, b"second")));
        other.close();
        assert!(matches!(sender.join().expect("woken"), Err(SendError::Closed(_))));
    });
    assert_eq!(recv(&rx), "first");
    assert_eq!(rx.recv().expect_err("it is closed"), RecvError::Closed);
}

/// After a close from either side, every kind of send is refused and gives the buffer back.
#[test]
fn nothing_is_sent_after_a_close() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let closed_by_sender = unbounded();
    closed_by_sender.0.clone().close();
    let closed_by_receiver = unbounded();
    closed_by_receiver.1.close();
    for tx in [&closed_by_sender.0, &closed_by_receiver.0, &closed_by_sender.0.clone()] {
        owner.attach(|token| {
            let buffer = freeze(token, b"x");
            let Err(SendError::Closed(buffer)) = tx.send(token, buffer) else { panic!("it is closed") };
            let Err(TrySendError::Closed(buffer)) = tx.try_send(token, buffer) else { panic!("it is closed") };
            let Err(SendTimeoutError::Closed(buffer)) = tx.send_timeout(token, buffer, Duration::MAX) else {
                panic!("it is closed")
            };
            buffer.try_thaw(token).expect("this handle is all there is");
        });
    }
}

/// What is inside when the send side goes is received first; then iteration ends, and each receive says so.
#[test]
fn iteration_ends_when_the_channel_is_closed_and_empty() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    for close in [true, false] {
        let (tx, rx) = unbounded();
        send(&owner, &tx, &[1]);
        send(&owner, &tx, &[2]);
        if close {
            tx.close()
        } else {
            drop(tx)
        }
        let received: Vec<u8> = rx.iter().map(|message| message.into_view().expect("a buffer")[0]).collect();
        assert_eq!(received, [1, 2]);
        assert_eq!(rx.recv().expect_err("it is closed"), RecvError::Closed);
        assert_eq!(rx.try_recv().expect_err("it is closed"), TryRecvError::Closed);
        assert_eq!(rx.recv_timeout(Duration::MAX).expect_err("it is closed"), RecvTimeoutError::Closed);
    }
}

/// A buffer is sent by its owner only; anyone else's attempt is refused before anything happens.
#[test]
fn a_buffer_of_another_interpreter_is_refused() {
    let _watchdog = watchdog();
    let (owner, other) = (Interpreter::new(), Interpreter::new());
    let (tx, rx) = unbounded();
    let buffer = owner.attach(|token| freeze(token, b"x"));
    let buffer = other.attach(|token| {
        let Err(SendError::NotOwner(buffer)) = tx.send(token, buffer) else { panic!("it is another's") };
        let Err(TrySendError::NotOwner(buffer)) = tx.try_send(token, buffer) else { panic!("it is another's") };
        let Err(SendTimeoutError::NotOwner(buffer)) = tx.send_timeout(token, buffer, SHORT) else {
            panic!("it is another's")
        };
        buffer
    });
    assert!(rx.is_empty());
    owner.attach(|token| tx.send(token, buffer).expect("it is its owner's"));
    assert_eq!(try_recv(&rx), "x");
}

/// Messages inside are freed with the receive end, whichever end goes first, and not before (G3).
#[test]
fn messages_inside_are_freed_with_the_receive_end() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    for send_end_first in [true, false] {
        let drops = Drops::default();
        let (tx, rx) = unbounded();
        owner.attach(|token| {
            for _ in 0..3 {
                tx.send(token, drops.buffer(token, b"x")).expect("the channel is open");
            }
        });
        let kept = if send_end_first {
            drop(tx);
            None
        } else {
            Some(tx)
        };
        assert_eq!(drops.count(), 0);
        drop(rx);
        assert_eq!(drops.count(), 3);
        drop(kept);
        assert_eq!(drops.count(), 3);
    }
}

/// A received message of each kind says what it is, and `into_view` gives an end back.
#[test]
fn a_message_says_what_it_is() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = unbounded();
    owner.attach(|token| {
        let (sent_tx, sent_rx) = unbounded();
        tx.send(token, freeze(token, b"x")).expect("the channel is open");
        tx.send(token, sent_tx).expect("the channel is open");
        tx.send(token, sent_rx).expect("the channel is open");
    });
    let [first, second, third] = [(); 3].map(|()| rx.try_recv().expect("a message is inside"));
    assert!(matches!(first, Message::View(_)));
    assert!(matches!(second.into_view(), Err(Message::SendEnd(_))));
    assert!(matches!(third.into_view(), Err(Message::ReceiveEnd(_))));
}

/// A channel without space is a mistake in the program.
#[test]
fn a_capacity_of_zero_panics() {
    assert_eq!(panic_message(|| drop(bounded(0))), "a channel's capacity is at least 1");
}
