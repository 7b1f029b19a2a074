//! Memory, counted: a release allocates nothing, a busy owner loses nothing, and interpreters leave nothing behind.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use common::{freeze, watchdog};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use viewchan::channel::{Undelivered, unbounded_with};
use viewchan::strategy::{Deferred, Handover, Proxy, Shared, Strategy, View};
use viewchan::{Interpreter, Message, ReceiveEnd, SendEnd};

/// Counts what is allocated, in bytes by the process and in calls by the thread.
struct Counting;

static LIVE: AtomicIsize = AtomicIsize::new(0);

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as isize, Ordering::SeqCst);
        CALLS.set(CALLS.get() + 1);
        // SAFETY: the caller's contract is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as isize, Ordering::SeqCst);
        // SAFETY: the caller's contract is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The tests of this file count what the process does: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn live() -> isize {
    LIVE.load(Ordering::SeqCst)
}

/// 100,000 views are released while their owner is held: none is lost, the receiver allocates nothing for it, and when the
/// owner looks, memory is back where it was (D1, G8).
#[test]
fn a_hundred_thousand_releases_to_a_busy_owner() {
    let _alone = alone();
    let _watchdog = watchdog();
    // The first round warms up what the process keeps, of threads above all.
    release_to_a_busy_owner(100);
    // Meanwhile other threads of the process, the harness's and the watchdog, may come into being. What leaks here would leak
    // each time.
    let grown = [(); 3].map(|()| {
        let before = live();
        release_to_a_busy_owner(100_000);
        live() - before
    });
    assert!(grown.contains(&0), "{grown:?} bytes more than before");
}

fn release_to_a_busy_owner(releases: usize) {
    let [owner, receiver] = [(); 2].map(|()| Interpreter::new());
    let before = live();
    owner.attach(|token| {
        let (tx, rx): (SendEnd<Interpreter, Deferred>, ReceiveEnd<Interpreter, Deferred>) = unbounded_with();
        for _ in 0..releases {
            tx.send(token, freeze(token, &[7; 64])).expect("the channel is open");
        }
        let receive_all = || {
            receiver.attach(|_| {
                let mut views = Vec::with_capacity(releases);
                let calls = CALLS.get();
                while let Ok(Message::View(view)) = rx.try_recv() {
                    views.push(view);
                }
                let received = CALLS.get() - calls;
                assert_eq!(views.len(), releases);
                assert!(views.iter().all(|view| view[63] == 7));
                let calls = CALLS.get();
                views.clear();
                (received, CALLS.get() - calls)
            })
        };
        let allocations = thread::scope(|scope| scope.spawn(receive_all).join().expect("no panic"));
        assert_eq!(allocations, (0, 0), "of the receiver, to receive and to release");
        let pinned = live() - before;
        assert!(pinned > (releases * 64) as isize, "nothing is lost, nothing freed: {pinned} bytes are on the list");
        for _ in 0..=releases / 32 {
            token.safepoint();
        }
    });
}

/// 10,000 interpreters are created, connected to others, and ended with everything in flight; nothing grows.
#[test]
fn ten_thousand_interpreters_leave_nothing() {
    let _alone = alone();
    let _watchdog = watchdog();
    let round = || {
        for number in 0..200 {
            end_in_flight::<Shared>(number);
            end_in_flight::<Proxy>(number);
            end_in_flight::<View>(number);
            end_in_flight::<Handover>(number);
            end_in_flight::<Deferred>(number);
        }
    };
    // 2,000 interpreters a round, five rounds. The first warms up what the process keeps.
    round();
    let before = live();
    for _ in 0..4 {
        round();
    }
    let grown = live() - before;
    assert!(grown.abs() < 4096, "{grown} bytes more after 8,000 interpreters");
}

/// One interpreter ends while another receives from it, and while threads of it wait, send and hold views.
fn end_in_flight<S: Strategy<Interpreter>>(number: usize) {
    let (ending, other) = (Interpreter::new(), Interpreter::new());
    let (mut tx, rx): (SendEnd<Interpreter, S>, ReceiveEnd<Interpreter, S>) = unbounded_with();
    let (_quiet, silence): (SendEnd<Interpreter, S>, ReceiveEnd<Interpreter, S>) = unbounded_with();
    tx.set_undelivered([Undelivered::Deliver, Undelivered::Error, Undelivered::Remove][number % 3]);
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ended = ending.try_attach(|token| {
                for _ in 0..3 {
                    drop(tx.send(token, freeze(token, b"x")));
                }
                drop(silence.recv());
            });
        });
        scope.spawn(|| {
            other.attach(|_| {
                let view = rx.try_recv();
                drop(rx.try_recv());
                drop(view);
            });
        });
        other.attach(|_| _ = ending.end());
    });
    drop(rx.try_recv());
}
