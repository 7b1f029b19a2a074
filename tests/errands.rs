//! Errands that are taken off their thread, and handed over to another one.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use common::{Drops, assert_acquired, watchdog};
use std::sync::mpsc;
use std::thread;
use viewchan::channel::unbounded_with;
use viewchan::ledger::{Errand, Errands, run_errands};
use viewchan::runtime::Cause;
use viewchan::strategy::Deferred;
use viewchan::{Attached, Buffer, Interpreter, Runtime, View};

type DeferredView = View<Interpreter, Deferred>;

/// A view of a buffer of `owner`.
fn view_of(owner: &Interpreter, make: impl FnOnce(&Attached<'_>) -> Buffer) -> DeferredView {
    let (tx, rx) = unbounded_with::<Interpreter, Deferred>();
    owner.attach(|token| tx.send(token, make(token)).expect("the channel is open"));
    rx.recv().expect("a message is inside").into_view().expect("it is a buffer")
}

/// The errand that the calling thread took last.
fn take() -> Option<Errand<Interpreter>> {
    Interpreter::with_errands(Errands::take)
}

/// Releases a view inside another interpreter, and takes the errand that this becomes.
fn release_elsewhere(view: DeferredView) -> Errand<Interpreter> {
    Interpreter::new().attach(|_| {
        drop(view);
        take().expect("nobody attends to the owner")
    })
}

/// Whatever the runtime, an errand can go to another thread.
#[test]
fn errands_are_send() {
    fn is_send<T: Send>() {}
    fn of_any<R: Runtime>() {
        is_send::<Errand<R>>();
    }
    of_any::<Interpreter>();
}

/// A collector that does nothing else frees what others release; those enter nobody (G1, G8).
#[test]
fn a_collector_runs_what_it_is_handed() {
    let _watchdog = watchdog();
    let drops = Drops::default();
    let owners = [(); 3].map(|()| Interpreter::new());
    let (hand_over, handed_over) = mpsc::channel::<Errand<Interpreter>>();
    let collector = thread::spawn(move || handed_over.into_iter().for_each(Errand::run));
    thread::scope(|scope| {
        for owner in &owners {
            let view = view_of(owner, |token| drops.buffer(token, b"bytes"));
            let hand_over = hand_over.clone();
            scope.spawn(move || {
                let releaser = Interpreter::new();
                releaser.attach(|_| {
                    drop(view);
                    hand_over.send(take().expect("nobody attends to the owner")).expect("the collector listens");
                });
                assert_acquired(&releaser, &[(Cause::Attach, 1)]);
            });
        }
    });
    drop(hand_over);
    collector.join().expect("no panic");
    assert_eq!(drops.count(), 3);
    owners.iter().for_each(|owner| assert_acquired(owner, &[(Cause::Attach, 1), (Cause::Collection, 1)]));
}

/// The last one taken comes first, and none comes twice.
#[test]
fn errands_are_taken_one_by_one() {
    let _watchdog = watchdog();
    let drops = Drops::default();
    let owners = [(); 3].map(|()| Interpreter::new());
    let errands = Interpreter::new().attach(|_| {
        // Made before they are dropped, so that the thread does not leave in between.
        let views = owners.each_ref().map(|owner| {
            thread::scope(|scope| {
                scope.spawn(|| view_of(owner, |token| drops.buffer(token, b"x"))).join().expect("no panic")
            })
        });
        drop(views);
        let errands: Vec<_> = std::iter::from_fn(take).collect();
        assert!(take().is_none());
        errands
    });
    assert_eq!(drops.count(), 0, "leaving runs the errands that the thread has, and it has none");
    let of: Vec<&Interpreter> = errands.iter().map(Errand::owner).collect();
    assert_eq!(of, [&owners[2], &owners[1], &owners[0]]);
    errands.into_iter().for_each(Errand::run);
    assert_eq!(drops.count(), 3);
}

/// An owner that looked in the meantime is not entered.
#[test]
fn an_errand_may_be_needed_no_more() {
    let _watchdog = watchdog();
    let drops = Drops::default();
    let owner = Interpreter::new();
    let errand = release_elsewhere(view_of(&owner, |token| drops.buffer(token, b"x")));
    owner.attach(|_| assert_eq!(drops.count(), 1));
    errand.run();
    assert_acquired(&owner, &[(Cause::Attach, 2)]);
    // It was given up: the next push is an errand again.
    release_elsewhere(view_of(&owner, |token| drops.buffer(token, b"x"))).run();
    assert_eq!(drops.count(), 2);
}

/// A dropped errand is not lost: the thread that dropped it has it.
#[test]
fn a_dropped_errand_is_the_threads_own() {
    let _watchdog = watchdog();
    let drops = Drops::default();
    let owner = Interpreter::new();
    let errand = release_elsewhere(view_of(&owner, |token| drops.buffer(token, b"x")));
    Interpreter::new().attach(|_| {
        drop(errand);
        assert_eq!(drops.count(), 0, "the thread is attached elsewhere");
    });
    assert_eq!(drops.count(), 1, "it ran the errand when it left");

    let errand = release_elsewhere(view_of(&owner, |token| drops.buffer(token, b"x")));
    let dropped = || {
        drop(errand);
        run_errands::<Interpreter>();
    };
    thread::spawn(dropped).join().expect("no panic");
    assert_eq!(drops.count(), 2);
}

/// Bytes whose owner has a view of the next one's, and runs the errand that dropping it becomes.
struct Link {
    next: Option<DeferredView>,
    drops: Drops,
}

impl AsRef<[u8]> for Link {
    fn as_ref(&self) -> &[u8] {
        b"link"
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        drop(self.drops.witness(b""));
        if let Some(next) = self.next.take() {
            drop(next);
            take().expect("nobody attends to the next owner").run();
        }
    }
}

/// What is collected may release a view, and run that errand: it is run behind the first one, and the stack does not grow.
#[test]
fn what_an_errand_frees_may_run_errands() {
    const LINKS: usize = 2_000;
    let _watchdog = watchdog();
    let drops = Drops::default();
    let mut next = None;
    for _ in 0..LINKS {
        let link = Link { next: next.take(), drops: drops.clone() };
        next = Some(view_of(&Interpreter::new(), |token| Buffer::from_owner(token, link)));
    }
    let errand = release_elsewhere(next.expect("a link was made"));
    let collector = thread::Builder::new().stack_size(128 * 1024);
    collector.spawn(|| errand.run()).expect("a thread").join().expect("no panic");
    assert_eq!(drops.count(), LINKS);
}

/// Bytes whose owner panics when it is dropped.
struct Panics;

impl AsRef<[u8]> for Panics {
    fn as_ref(&self) -> &[u8] {
        b"panics"
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        panic!("the owner panics");
    }
}

/// What panics on the way does not keep the errand from its end.
#[test]
fn an_errand_survives_a_panic() {
    let _watchdog = watchdog();
    let drops = Drops::default();
    let owner = Interpreter::new();
    let calm = view_of(&owner, |token| drops.buffer(token, b"calm"));
    let panics = view_of(&owner, |token| Buffer::from_owner(token, Panics));
    let errand = Interpreter::new().attach(|_| {
        // The last one is collected first.
        drop(calm);
        drop(panics);
        take().expect("nobody attends to the owner")
    });
    assert_eq!(format!("{errand:?}"), format!("Errand {{ owner: {:?} }}", owner.id()));
    errand.run();
    assert_eq!(drops.count(), 1);
    assert!(take().is_none());
}
