//! Who takes whose lock, how often, and why (G1): exact numbers.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use bytes::Bytes;
use common::{assert_acquired, freeze, recv, send, spawn_waiting, try_recv, view_of, watchdog};
use std::thread;
use std::time::Duration;
use viewchan::runtime::Cause;
use viewchan::{Buffer, Interpreter, View, bounded, unbounded};

/// Reads a view in ten ways. `b"views"` is what was sent.
fn read_ten_ways(view: &View) {
    assert_eq!(view[0], b'v');
    assert_eq!(&view[1..3], b"ie");
    assert_eq!(view.iter().filter(|&&byte| byte == b'i').count(), 1);
    assert_eq!(view, &b"views"[..]);
    assert_eq!(view.as_ref().len(), 5);
    assert_eq!(view.to_vec(), b"views");
    assert_eq!(view.clone().last(), Some(&b's'));
    assert_eq!(view.slice(..4), "view");
    assert_eq!(Bytes::from_owner(view.clone()).slice(1..), "iews");
    thread::scope(|scope| scope.spawn(|| assert!(view.starts_with(b"view"))).join().expect("no panic"));
}

/// N messages, each read ten ways, acquire the sender's lock N times to create a view and N times to release it; the
/// receiver takes its own lock again after each of these; a third interpreter's lock is never acquired (G1).
#[test]
fn a_message_costs_one_view_creation_and_one_view_release() {
    const MESSAGES: u64 = 25;
    let _watchdog = watchdog();
    let [sender, receiver, bystander] = [(); 3].map(|()| Interpreter::new());
    let (tx, rx) = unbounded();
    thread::scope(|scope| {
        scope.spawn(|| {
            sender.attach(|token| {
                for _ in 0..MESSAGES {
                    tx.send(token, freeze(token, b"views")).expect("the channel is open");
                }
            });
        });
        scope.spawn(|| {
            receiver.attach(|_| {
                for _ in 0..MESSAGES {
                    let view = recv(&rx);
                    read_ten_ways(&view);
                    view.release();
                }
            });
        });
    });
    assert_acquired(&sender, &[(Cause::Attach, 1), (Cause::ViewCreation, MESSAGES), (Cause::ViewRelease, MESSAGES)]);
    assert_acquired(&receiver, &[(Cause::Attach, 1), (Cause::Return, 2 * MESSAGES)]);
    assert_acquired(&bystander, &[]);
}

/// However many clones and slices there are, on however many threads: one release.
#[test]
fn clones_cost_nothing() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let view = view_of(&owner, |token| freeze(token, b"x"));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut clones = vec![view.clone(); 100];
                clones.extend((0..100).map(|_| view.slice(..)));
            });
        }
    });
    assert_acquired(&owner, &[(Cause::Attach, 1), (Cause::ViewCreation, 1)]);
    drop(view);
    assert_acquired(&owner, &[(Cause::Attach, 1), (Cause::ViewCreation, 1), (Cause::ViewRelease, 1)]);
}

/// A release acquires the owner's lock once, from wherever it comes, except by a thread that holds it already. A thread
/// that is attached elsewhere gives that lock up for the time, and takes it again (G4).
#[test]
fn a_release_acquires_what_the_thread_does_not_hold() {
    let _watchdog = watchdog();
    let created = [(Cause::Attach, 1), (Cause::ViewCreation, 1)];
    let owner = Interpreter::new();
    view_of(&owner, |token| freeze(token, b"x")).release();
    assert_acquired(&owner, &[created[0], created[1], (Cause::ViewRelease, 1)]);

    let [owner, receiver] = [(); 2].map(|()| Interpreter::new());
    let view = view_of(&owner, |token| freeze(token, b"x"));
    receiver.attach(|_| view.release());
    assert_acquired(&owner, &[created[0], created[1], (Cause::ViewRelease, 1)]);
    assert_acquired(&receiver, &[(Cause::Attach, 1), (Cause::Return, 1)]);

    let owner = Interpreter::new();
    let view = view_of(&owner, |token| freeze(token, b"x"));
    owner.attach(|_| view.release());
    assert_acquired(&owner, &[(Cause::Attach, 2), (Cause::ViewCreation, 1)]);
}

/// A message to oneself costs nothing more: the thread is where the view is created.
#[test]
fn an_interpreter_receives_from_itself() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = unbounded();
    owner.attach(|token| {
        tx.send(token, freeze(token, b"x")).expect("the channel is open");
        try_recv(&rx).release();
    });
    assert_acquired(&owner, &[(Cause::Attach, 1)]);
}

/// A message that is discarded unread costs its owner one release, and no creation.
#[test]
fn a_discarded_message_costs_one_release() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = unbounded();
    for _ in 0..3 {
        send(&owner, &tx, b"x");
    }
    drop(rx);
    assert_acquired(&owner, &[(Cause::Attach, 3), (Cause::ViewRelease, 3)]);
}

/// Handles are the owner's affair: free of charge inside, an attachment of their own when dropped outside.
#[test]
fn a_handle_dropped_outside_attaches() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let buffer = owner.attach(|token| {
        let buffer = freeze(token, b"x");
        drop(buffer.clone_ref(token));
        buffer
    });
    assert_acquired(&owner, &[(Cause::Attach, 1)]);
    assert_eq!(buffer[..], *b"x");
    drop(buffer);
    assert_acquired(&owner, &[(Cause::Attach, 2)]);
}

/// A send that does not wait keeps the lock, whether it succeeds or not; one that waits gives it up and takes it again.
#[test]
fn a_send_returns_only_from_waiting() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = bounded(1);
    owner.attach(|token| {
        tx.send(token, freeze(token, b"first")).expect("there is space");
        let refused = tx.try_send(token, freeze(token, b"second")).expect_err("it is full");
        assert_acquired(&owner, &[(Cause::Attach, 1)]);
        let waited = tx.send_timeout(token, refused.into_inner(), Duration::from_millis(1));
        drop(waited.expect_err("it is full"));
    });
    assert_acquired(&owner, &[(Cause::Attach, 1), (Cause::Return, 1)]);
    drop(rx);
}

/// A receive that waits leaves the receiver's own interpreter and nobody else's; one that does not wait stays.
#[test]
fn a_receive_returns_from_waiting() {
    let _watchdog = watchdog();
    let [owner, receiver] = [(); 2].map(|()| Interpreter::new());
    let (tx, rx) = unbounded();
    receiver.attach(|_| rx.try_recv().expect_err("it is empty"));
    assert_acquired(&receiver, &[(Cause::Attach, 1)]);
    let view = thread::scope(|scope| {
        // Attaches once more, to see the receiver leave.
        let waiting = spawn_waiting(scope, &receiver, |_| recv(&rx));
        send(&owner, &tx, b"x");
        waiting.join().expect("no panic")
    });
    assert_acquired(&receiver, &[(Cause::Attach, 3), (Cause::Return, 1)]);
    assert_acquired(&owner, &[(Cause::Attach, 1), (Cause::ViewCreation, 1)]);
    drop(view);
}

/// Each link of a chain of owners costs its interpreter one creation and one release.
#[test]
fn each_link_of_a_chain_is_released_once() {
    let _watchdog = watchdog();
    let [first, second] = [(); 2].map(|()| Interpreter::new());
    let view = view_of(&first, |token| freeze(token, b"x"));
    let view = view_of(&second, |token| Buffer::from_owner(token, view));
    drop(view);
    let once = [(Cause::Attach, 1), (Cause::ViewCreation, 1), (Cause::ViewRelease, 1)];
    assert_acquired(&first, &once);
    // Freeing the outer buffer releases the inner view, for which the thread leaves and returns (G4).
    assert_acquired(&second, &[once[0], (Cause::Return, 1), once[1], once[2]]);
}

/// Detaching, visiting and nesting are counted where they acquire, and only there.
#[test]
fn attachments_are_counted_once() {
    let _watchdog = watchdog();
    let [here, there] = [(); 2].map(|()| Interpreter::new());
    here.attach(|token| {
        token.detach(|| ());
        token.attach_to(&there, |_| ());
        token.attach_to(&here, |_| ());
        token.safepoint();
    });
    assert_acquired(&here, &[(Cause::Attach, 1), (Cause::Return, 2)]);
    assert_acquired(&there, &[(Cause::Attach, 1)]);
}

/// The printed accounting names what happened and leaves zeros out.
#[test]
fn accounting_prints() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    assert_eq!(owner.acquisitions().to_string(), "none");
    view_of(&owner, |token| freeze(token, b"x")).release();
    let acquisitions = owner.acquisitions();
    assert_eq!(acquisitions.to_string(), "attach 1, view creation 1, view release 1");
    assert_eq!(acquisitions.total(), 3);
}
