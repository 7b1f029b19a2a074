//! An interpreter's end on real threads (G7).
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use common::{Drops, freeze, panic_message, recv, send, spawn_waiting, try_recv, watchdog};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use viewchan::channel::{
    Options, RecvError, RecvTimeoutError, SendError, SendTimeoutError, Undelivered, unbounded_with,
};
use viewchan::reference::Channels;
use viewchan::runtime::Ended;
use viewchan::strategy::Deferred;
use viewchan::{Buffer, Interpreter, ReceiveEnd, SendEnd, bounded, unbounded};

/// An interpreter ends once; afterwards nobody attaches, from nowhere or from elsewhere, and `attach` panics.
#[test]
fn nobody_attaches_after_the_end() {
    let _watchdog = watchdog();
    let [ended, other] = [(); 2].map(|()| Interpreter::new());
    assert!(!ended.is_ending());
    assert_eq!(ended.end(), Ok(()));
    assert!(ended.is_ending());
    assert_eq!(ended.end(), Err(Ended));
    assert_eq!(ended.try_attach(|_| ()), Err(Ended));
    other.attach(|token| assert_eq!(token.try_attach_to(&ended, |_| ()), Err(Ended)));
    let message = panic_message(|| ended.attach(|_| ()));
    assert!(message.contains("has ended"), "{message}");
}

/// Who is inside stays inside, may come back from a detour, and takes the end along when it leaves.
#[test]
fn an_end_lets_those_inside_finish() {
    let _watchdog = watchdog();
    let interpreter = Interpreter::new();
    let drops = Drops::default();
    interpreter.attach(|token| {
        let buffer = drops.buffer(token, b"x");
        assert_eq!(interpreter.end(), Ok(()));
        token.detach(|| ());
        token.safepoint();
        token.attach_to(&Interpreter::new(), |_| ());
        assert_eq!(buffer[..], *b"x");
    });
    assert_eq!(drops.count(), 1);
}

/// Code that a foreign owner runs in a visit is inside like any other: it may end the interpreter and run something else
/// there. What is freed after it in the same visit is not inside.
#[test]
fn an_end_lets_a_visitors_code_finish() {
    struct Ends(Interpreter, mpsc::Sender<Option<[bool; 2]>>);
    impl AsRef<[u8]> for Ends {
        fn as_ref(&self) -> &[u8] {
            b"x"
        }
    }
    impl Drop for Ends {
        fn drop(&mut self) {
            let Self(owner, tell) = self;
            let ran = owner.run(Channels::new(), |token, _| {
                let here = token.interpreter();
                Ok([here.end().is_ok(), here.run(Channels::new(), |_, _| Ok(())).failure().is_none()])
            });
            tell.send(ran.into_result().ok()).expect("the test listens");
        }
    }
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tell, told) = mpsc::channel();
    let (tx, rx) = unbounded_with::<Interpreter, Deferred>();
    for _ in 0..2 {
        let ends = Ends(owner.clone(), tell.clone());
        owner.attach(|token| tx.send(token, Buffer::from_owner(token, ends)).expect("the channel is open"));
    }
    // Both go on the return list, and are collected in one visit when the thread leaves.
    Interpreter::new().attach(|_| drop([rx.recv(), rx.recv()]));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [Some([true, true]), None]);
}

/// Views, messages and handles of an interpreter that has ended stay readable and are freed once (G7).
#[test]
fn payloads_are_adopted() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let drops = Drops::default();
    let (tx, rx) = unbounded();
    let handle = owner.attach(|token| {
        for byte in 0..3 {
            tx.send(token, drops.buffer(token, &[byte])).expect("the channel is open");
        }
        drops.buffer(token, b"handle")
    });
    let view = try_recv(&rx);
    owner.end().expect("it runs");
    assert_eq!(view, [0]);
    let late = try_recv(&rx);
    assert_eq!((&late[..], &handle[..]), (&[1][..], &b"handle"[..]));
    drop((view, late, handle));
    assert_eq!(drops.count(), 3);
    drop(rx);
    assert_eq!(drops.count(), 4);
}

/// The policies, as a channel's and as an end's (G7).
#[test]
fn undelivered_messages_follow_their_policy() {
    let _watchdog = watchdog();
    let [owner, other] = [(); 2].map(|()| Interpreter::new());
    let drops = Drops::default();
    let (tx, rx): (SendEnd, ReceiveEnd) = Options::new().undelivered(Undelivered::Error).open();
    let mut removing = tx.clone();
    removing.set_undelivered(Undelivered::Remove);
    let mut delivering = tx.clone();
    delivering.set_undelivered(Undelivered::Deliver);
    owner.attach(|token| {
        for end in [&tx, &removing, &delivering, &removing, &tx] {
            end.send(token, drops.buffer(token, b"x")).expect("the channel is open");
        }
    });
    send(&other, &tx, b"y");
    owner.end().expect("it runs");
    assert_eq!(rx.recv().err(), Some(RecvError::OwnerEnded));
    assert_eq!(drops.count(), 1);
    assert_eq!(recv(&rx), *b"x");
    assert_eq!(drops.count(), 3);
    assert_eq!(rx.recv().err(), Some(RecvError::OwnerEnded));
    assert_eq!(recv(&rx), *b"y");
    assert_eq!(drops.count(), 5);
    assert_eq!(tx.undelivered(), Undelivered::Error);
}

/// A thread that waits gives up when its interpreter ends, in all four ways of waiting (G6).
#[test]
fn blocked_threads_are_woken() {
    let _watchdog = watchdog();
    let far = Duration::from_secs(3600);
    for round in 0..4 {
        let interpreter = Interpreter::new();
        let drops = Drops::default();
        let (tx, rx) = bounded(1);
        interpreter.attach(|token| {
            if round < 2 {
                tx.send(token, drops.buffer(token, b"x")).expect("there is space");
            }
        });
        thread::scope(|scope| {
            let waiting = spawn_waiting(scope, &interpreter, |token| match round {
                0 => {
                    let refused = tx.send(token, drops.buffer(token, b"y")).expect_err("it is full");
                    assert!(matches!(refused, SendError::Interrupted(_)));
                }
                1 => {
                    let refused = tx.send_timeout(token, drops.buffer(token, b"y"), far).expect_err("it is full");
                    assert!(matches!(refused, SendTimeoutError::Interrupted(_)));
                }
                2 => assert_eq!(rx.recv().err(), Some(RecvError::Interrupted)),
                _ => assert_eq!(rx.recv_timeout(far).err(), Some(RecvTimeoutError::Interrupted)),
            });
            interpreter.end().expect("it runs");
            waiting.join().expect("no panic");
        });
        drop(rx);
        assert_eq!(drops.count(), if round < 2 { 2 } else { 0 });
    }
}

/// Two interpreters that end each other, and one that ends itself: all of them end, and nobody waits.
#[test]
fn ends_do_not_wait_for_each_other() {
    let _watchdog = watchdog();
    for _ in 0..200 {
        let [one, other] = [(); 2].map(|()| Interpreter::new());
        thread::scope(|scope| {
            scope.spawn(|| _ = one.try_attach(|_| other.end()));
            scope.spawn(|| _ = other.try_attach(|_| one.end()));
        });
        assert!(one.is_ending() || other.is_ending());
    }
}

/// A run brings its value, its error or its panic back, and drops the ends that it did not take.
#[test]
fn runs() {
    let _watchdog = watchdog();
    let interpreter = Interpreter::new();
    let (tx, rx) = unbounded();
    let channels = Channels::new().with_send("out", tx.clone()).with_send("unused", tx);
    let result = interpreter.run(channels, |token, mut channels| {
        assert_eq!(channels.names().collect::<Vec<_>>(), ["out", "unused"]);
        let out: SendEnd = channels.take_send("out")?;
        out.send(token, freeze(token, b"x")).map_err(|error| error.to_string())?;
        Ok(7)
    });
    assert_eq!(result.into_result().expect("it succeeds"), 7);
    assert_eq!(recv(&rx), *b"x");
    let (other_tx, other_rx) = unbounded();
    send(&interpreter, &other_tx, b"y");
    let received = interpreter.run(Channels::new().with_receive("in", other_rx), |_, mut channels| {
        let end: ReceiveEnd = channels.take_receive("in")?;
        Ok(try_recv(&end).to_vec())
    });
    assert_eq!(received.into_result().expect("it succeeds"), b"y");
    assert_eq!(rx.recv().err(), Some(RecvError::Closed), "the ends are gone with the run");

    let failed = interpreter.run(Channels::new(), |_, mut channels| {
        let missing: ReceiveEnd = channels.take_receive("in")?;
        drop(missing);
        Ok(())
    });
    let why = failed.failure().expect("it fails").to_string();
    assert!(why.contains("no channel end \"in\"") && why.contains("receive end"), "{why}");
    assert_eq!(failed.reraise().expect_err("it fails").to_string(), why);

    let (tx, _rx) = unbounded();
    let confused = interpreter.run(Channels::new().with_send("c", tx), |_, mut channels| {
        let wrong: ReceiveEnd = channels.take_receive("c")?;
        drop(wrong);
        Ok(())
    });
    assert!(confused.failure().expect("it fails").to_string().contains("is not a receive end"));

    let panicked = interpreter.run::<()>(Channels::new(), |_, _| panic!("at the {}", "disco"));
    assert_eq!(panicked.failure().expect("it fails").to_string(), "panicked: at the disco");
    assert_eq!(panic_message(|| drop(panicked.reraise())), "at the disco");

    // From inside another one, and of one that has ended.
    let nested =
        Interpreter::new().attach(|_| interpreter.run(Channels::new(), |token, _| Ok(token.interpreter().clone())));
    assert_eq!(nested.into_result().expect("it succeeds"), interpreter);
    interpreter.end().expect("it runs");
    let late = interpreter.run(Channels::new(), |_, _| Ok(()));
    assert_eq!(late.reraise().expect_err("it has ended").to_string(), Ended.to_string());
}
