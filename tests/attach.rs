//! Entering and leaving interpreters: one at a time, one thread at a time, and back again whatever happens.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use common::{assert_acquired, freeze, panic_message, recv, watchdog};
use scoped_tls_hkt::scoped_thread_local;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use viewchan::runtime::Cause;
use viewchan::{Attached, Buffer, BufferMut, Interpreter, unbounded};

const ATTACHED_ALREADY: &str = "the thread is attached to an interpreter already: nest with `Attached::attach_to`";

/// A token stays on its thread: this compiles only while it is neither `Send` nor `Sync`, as otherwise more than one
/// candidate would do. (Not a program in `compile_fail/`: the compiler's message there depends on whether the sources of
/// the standard library are installed.)
const _: () = {
    trait NeitherSendNorSync<Candidate> {
        fn check() {}
    }
    impl<T> NeitherSendNorSync<[(); 0]> for T {}
    impl<T: Send> NeitherSendNorSync<[(); 1]> for T {}
    impl<T: Sync> NeitherSendNorSync<[(); 2]> for T {}
    let _ = <Attached<'static> as NeitherSendNorSync<_>>::check;
};

/// Asserts that `interpreter` can be entered, by this thread and by another one.
#[track_caller]
fn assert_free(interpreter: &Interpreter) {
    interpreter.attach(|_| ());
    thread::scope(|scope| scope.spawn(|| interpreter.attach(|_| ())).join().expect("no panic"));
}

/// Asserts that the thread is attached to `interpreter`, which it entered once and came back to `returns` times.
#[track_caller]
fn assert_inside(token: &Attached<'_>, interpreter: &Interpreter, returns: u64) {
    assert_eq!(token.interpreter(), interpreter);
    assert_eq!(panic_message(|| Interpreter::new().attach(|_| ())), ATTACHED_ALREADY);
    let acquisitions = interpreter.acquisitions();
    assert_eq!((acquisitions.by(Cause::Attach), acquisitions.by(Cause::Return)), (1, returns));
}

/// Visits nest: each token names where the thread is, and on the way back each lock is taken again.
#[test]
fn attachments_nest() {
    let _watchdog = watchdog();
    let [first, second, third] = [(); 3].map(|()| Interpreter::new());
    let result = first.attach(|token| {
        assert_inside(token, &first, 0);
        let inner = token.attach_to(&second, |token| {
            assert_inside(token, &second, 0);
            let innermost = token.attach_to(&third, |token| {
                assert_inside(token, &third, 0);
                1
            });
            assert_inside(token, &second, 1);
            innermost + 1
        });
        assert_inside(token, &first, 1);
        inner + 1
    });
    assert_eq!(result, 3);
    for interpreter in [first, second, third] {
        assert_free(&interpreter);
    }
}

/// A visit to where the thread is already acquires nothing; one that leads back home from elsewhere does.
#[test]
fn a_visit_home_is_no_visit() {
    let _watchdog = watchdog();
    let [home, away] = [(); 2].map(|()| Interpreter::new());
    home.attach(|token| {
        token.attach_to(&home, |token| assert_inside(token, &home, 0));
        assert_inside(token, &home, 0);
        token.attach_to(&away, |token| token.attach_to(&home, |token| assert_eq!(token.interpreter(), &home)));
    });
    assert_acquired(&home, &[(Cause::Attach, 2), (Cause::Return, 1)]);
    assert_acquired(&away, &[(Cause::Attach, 1), (Cause::Return, 1)]);
}

/// While a thread visits another interpreter, it holds the lock of that one only (G4).
#[test]
fn a_visitor_leaves_home() {
    let _watchdog = watchdog();
    let [home, away] = [(); 2].map(|()| Interpreter::new());
    home.attach(|token| {
        token.attach_to(&away, |_| {
            thread::scope(|scope| {
                scope.spawn(|| home.attach(|_| ())).join().expect("no panic");
            })
        })
    });
}

/// Two threads that visit each other's interpreter do not wait for each other (G4, G6).
#[test]
fn crossing_visits_do_not_deadlock() {
    let _watchdog = watchdog();
    let [first, second] = [(); 2].map(|()| Interpreter::new());
    let visit = |home: &Interpreter, away: &Interpreter| {
        home.attach(|token| {
            for _ in 0..1000 {
                token.attach_to(away, |_| ());
            }
        });
    };
    thread::scope(|scope| {
        scope.spawn(|| visit(&first, &second));
        scope.spawn(|| visit(&second, &first));
    });
    let visited = [(Cause::Attach, 1001), (Cause::Return, 1000)];
    assert_acquired(&first, &visited);
    assert_acquired(&second, &visited);
}

/// A thread that is attached cannot attach without its token: it panics before it waits, and stays where it was.
#[test]
fn attaching_twice_panics() {
    let _watchdog = watchdog();
    let [first, second] = [(); 2].map(|()| Interpreter::new());
    first.attach(|token| {
        for other in [&first, &second] {
            assert_eq!(panic_message(|| other.attach(|_| ())), ATTACHED_ALREADY);
        }
        assert_inside(token, &first, 0);
    });
    assert_acquired(&second, &[]);
    assert_free(&first);
}

/// A detached thread holds nothing and may attach anywhere, to the same interpreter too.
#[test]
fn a_detached_thread_may_attach() {
    let _watchdog = watchdog();
    let [first, second] = [(); 2].map(|()| Interpreter::new());
    first.attach(|token| {
        token.detach(|| {
            first.attach(|token| assert_eq!(token.interpreter(), &first));
            second.attach(|token| assert_inside(token, &second, 0));
        });
        assert_eq!(token.interpreter(), &first);
    });
    assert_acquired(&first, &[(Cause::Attach, 2), (Cause::Return, 1)]);
}

/// A panic leaves the interpreter, from however deep inside, and a later one can enter it.
#[test]
fn a_panic_releases_the_lock() {
    let _watchdog = watchdog();
    let [home, away] = [(); 2].map(|()| Interpreter::new());
    type Panics<'a> = &'a (dyn Fn(&mut Attached<'_>) + Sync);
    let panics: [(&str, Panics<'_>); 4] = [
        ("inside attach", &|_| panic!("inside attach")),
        ("inside detach", &|token| token.detach(|| panic!("inside detach"))),
        ("inside attach_to", &|token| token.attach_to(&away, |_| panic!("inside attach_to"))),
        ("inside detach inside attach_to", &|token| {
            token.attach_to(&away, |token| token.detach(|| panic!("inside detach inside attach_to")));
        }),
    ];
    for (place, panics) in panics {
        assert_eq!(panic_message(|| home.attach(panics)), place);
        assert_free(&home);
        assert_free(&away);
        // The same on a thread that dies of it.
        thread::scope(|scope| scope.spawn(|| home.attach(panics)).join()).expect_err(place);
        assert_free(&home);
        assert_free(&away);
    }
}

/// A panic that is caught inside leaves the thread where it was, with the lock taken again.
#[test]
fn a_caught_panic_comes_back_inside() {
    let _watchdog = watchdog();
    let [home, away] = [(); 2].map(|()| Interpreter::new());
    home.attach(|token| {
        assert_eq!(panic_message(|| token.detach(|| panic!("outside"))), "outside");
        assert_inside(token, &home, 1);
        assert_eq!(panic_message(|| token.attach_to(&away, |_| panic!("away"))), "away");
        assert_inside(token, &home, 2);
    });
    assert_free(&home);
    assert_free(&away);
}

/// A thread that never leaves by itself lets a waiting one in at its safepoints (G6).
#[test]
fn a_safepoint_lets_a_waiter_in() {
    let _watchdog = watchdog();
    let busy = Interpreter::new();
    let has_run = AtomicBool::new(false);
    thread::scope(|scope| {
        busy.attach(|token| {
            scope.spawn(|| busy.attach(|_| has_run.store(true, Ordering::SeqCst)));
            while !has_run.load(Ordering::SeqCst) {
                token.safepoint();
            }
        });
    });
    assert!(busy.acquisitions().by(Cause::Safepoint) > 0);
}

/// A busy owner lets a receiver create and release its view at safepoints (G6).
#[test]
fn a_safepoint_lets_a_view_be_created_and_released() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = unbounded();
    thread::scope(|scope| {
        owner.attach(|token| {
            tx.send(token, freeze(token, b"x")).expect("the channel is open");
            let receiver = scope.spawn(|| recv(&rx).release());
            while !receiver.is_finished() {
                token.safepoint();
            }
        });
    });
    assert_eq!(owner.acquisitions().by(Cause::ViewCreation), 1);
    assert_eq!(owner.acquisitions().by(Cause::ViewRelease), 1);
}

/// A thread that detaches lets a waiting one in, and waits itself until that one has left.
#[test]
fn detaching_lets_a_waiter_in() {
    let _watchdog = watchdog();
    let interpreter = Interpreter::new();
    thread::scope(|scope| {
        interpreter.attach(|token| {
            let waiter = scope.spawn(|| interpreter.attach(|_| 1));
            assert_eq!(token.detach(|| waiter.join().expect("no panic")), 1);
        });
    });
    assert_acquired(&interpreter, &[(Cause::Attach, 2), (Cause::Return, 1)]);
}

/// Two threads of one interpreter exclude each other, and each sees what the other did before it left: a counter that is
/// read and written in two steps loses nothing, with safepoints and detachments in between.
#[test]
fn threads_of_an_interpreter_exclude_each_other() {
    const ROUNDS: usize = 10_000;
    let _watchdog = watchdog();
    let interpreter = Interpreter::new();
    let counter = AtomicUsize::new(0);
    let count = || {
        // Relaxed, and not one step: only the interpreter's lock makes this add up.
        counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                interpreter.attach(|token| {
                    for _ in 0..ROUNDS {
                        count();
                        token.safepoint();
                    }
                });
                for _ in 0..ROUNDS {
                    interpreter.attach(|token| {
                        count();
                        token.detach(|| ());
                        count();
                    });
                }
            });
        }
    });
    assert_eq!(counter.into_inner(), 6 * ROUNDS);
}

/// Handles on one interpreter are equal, and different interpreters are not.
#[test]
fn handles_are_equal_by_identity() {
    let _watchdog = watchdog();
    let [first, second] = [(); 2].map(|()| Interpreter::new());
    assert_eq!(first, first.clone());
    assert_ne!(first, second);
    first.clone().attach(|token| assert_eq!(token.interpreter(), &first));
}

scoped_thread_local!(static TOKEN: for<'a> &'a Attached<'a>);

/// A foreign owner whose drop uses a token that was smuggled to it, and tells with what message it panicked.
struct Smuggler(Buffer, mpsc::Sender<String>);

impl AsRef<[u8]> for Smuggler {
    fn as_ref(&self) -> &[u8] {
        b"contraband"
    }
}

impl Drop for Smuggler {
    fn drop(&mut self) {
        let message = panic_message(|| TOKEN.with(|token| drop(self.0.clone_ref(token))));
        self.1.send(message).expect("the test listens");
    }
}

/// Dropping a view of B's while attached to A leaves A and may run a drop of B's. A's token, smuggled there by a scoped
/// thread-local, does not stand for A's lock then: it panics instead of touching A's counts.
#[test]
fn a_token_is_worthless_while_its_thread_has_left() {
    let _watchdog = watchdog();
    let (a, b) = (Interpreter::new(), Interpreter::new());
    let (tx, rx) = unbounded();
    let (tell, told) = mpsc::channel();
    let smuggler = a.attach(|token| Smuggler(BufferMut::zeroed(4).freeze(token), tell));
    b.attach(|token| tx.send(token, Buffer::from_owner(token, smuggler))).expect("the channel is open");
    let view = rx.recv().expect("sent above");
    a.attach(|token| TOKEN.set(token, || drop(view)));
    let message = told.recv().expect("it tried");
    assert!(message.contains("left the interpreter"), "{message}");
    a.attach(|_| ());
    b.attach(|_| ());
}

/// A hand-over is fair: when a safepoint has handed the lock over, the thread that waited has been in before the first one
/// is back, however little that one does in between.
#[test]
fn a_hand_over_reaches_the_thread_that_waits() {
    let _watchdog = watchdog();
    for _ in 0..200 {
        let interpreter = Interpreter::new();
        let has_been_in = AtomicBool::new(false);
        thread::scope(|scope| {
            interpreter.attach(|token| {
                scope.spawn(|| interpreter.attach(|_| has_been_in.store(true, Ordering::SeqCst)));
                while interpreter.acquisitions().by(Cause::Safepoint) == 0 {
                    token.safepoint();
                }
                assert!(has_been_in.load(Ordering::SeqCst), "the lock came back before the waiting thread had it");
            });
        });
    }
}
