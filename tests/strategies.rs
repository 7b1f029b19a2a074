//! Each strategy on real threads: its row of the table, counted at the owner's lock, and what only it promises.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use common::{Drops, assert_acquired, freeze, view_under, watchdog};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;
use viewchan::channel::{Options, unbounded_with};
use viewchan::reference::Channels;
use viewchan::runtime::Cause;
use viewchan::strategy::{Deferred, Handover, Proxy, Shared, Strategy, View};
use viewchan::{Attached, Batches, Buffer, Interpreter, ReceiveEnd, SendEnd, View as ViewOf};

type Tx<S> = SendEnd<Interpreter, S>;
type Rx<S> = ReceiveEnd<Interpreter, S>;

fn receive<S: Strategy<Interpreter>>(rx: &Rx<S>) -> ViewOf<Interpreter, S> {
    rx.recv().expect("a message is inside").into_view().expect("it is a buffer")
}

/// The acquisitions of the owner's lock by a thread attached elsewhere: receive, clone, slice and read, drop one of three,
/// drop another, drop the last.
fn row<S: Strategy<Interpreter>>() -> [u64; 5] {
    let [owner, receiver] = [(); 2].map(|()| Interpreter::new());
    let (tx, rx): (Tx<S>, Rx<S>) = unbounded_with();
    owner.attach(|token| tx.send(token, freeze(token, b"bytes"))).expect("the channel is open");
    receiver.attach(|_| {
        let mut before = owner.acquisitions().total();
        let mut count = || {
            let now = owner.acquisitions().total();
            now - std::mem::replace(&mut before, now)
        };
        let view = receive(&rx);
        let received = count();
        let (clone, slice) = (view.clone(), view.slice(1..));
        assert_eq!((&clone[..], &slice[..]), (&b"bytes"[..], &b"ytes"[..]));
        let cloned = count();
        drop(view);
        let first = count();
        drop(clone);
        let second = count();
        drop(slice);
        [received, cloned, first, second, count()]
    })
}

/// The table of DESIGN.md, counted. (`viewchan strategies` has it from exploration.)
#[test]
fn rows() {
    let _watchdog = watchdog();
    assert_eq!(row::<Shared>(), [1, 2, 1, 1, 1]);
    assert_eq!(row::<Proxy>(), [1, 0, 0, 0, 1]);
    assert_eq!(row::<View>(), [1, 0, 0, 0, 1]);
    assert_eq!(row::<Handover>(), [0, 0, 0, 0, 1]);
    assert_eq!(row::<Deferred>(), [0, 0, 0, 0, 0]);
}

/// What every strategy does: bytes arrive in order, are freed once, whether received, discarded, refused or withdrawn, and
/// whoever drops them, attached or not.
fn carries<S: Strategy<Interpreter>>() {
    let drops = Drops::default();
    let [owner, receiver] = [(); 2].map(|()| Interpreter::new());
    let (tx, rx): (Tx<S>, Rx<S>) = Options::new().capacity(3).open_with();
    owner.attach(|token| {
        for byte in 0..3 {
            tx.send(token, drops.buffer(token, &[byte])).expect("there is space");
        }
        let refused = tx.try_send(token, drops.buffer(token, b"full")).expect_err("it is full").into_inner();
        let refused = tx.send_timeout(token, refused, Duration::from_millis(1)).expect_err("it is full");
        drop(refused.into_inner());
    });
    assert_eq!(drops.count(), 1);
    let first = receiver.attach(|_| receive(&rx));
    let second = receive(&rx);
    assert_eq!((&first[..], &second[..]), (&[0][..], &[1][..]));
    let kept = thread::spawn(move || first.clone()).join().expect("no panic");
    receiver.attach(|_| drop(kept));
    drop((second, rx));
    owner.attach(|token| assert!(tx.send(token, drops.buffer(token, b"late")).is_err()));
    assert_eq!(drops.count(), 5);
}

#[test]
fn all_carry() {
    let _watchdog = watchdog();
    carries::<Shared>();
    carries::<Proxy>();
    carries::<View>();
    carries::<Handover>();
    carries::<Deferred>();
}

/// Two views of one buffer, received twice by one interpreter, cost one pair of acquisitions; another interpreter pays its
/// own, and so does each thread that belongs to none.
#[test]
fn a_proxy_pays_once_an_interpreter() {
    let _watchdog = watchdog();
    let [owner, one, other] = [(); 3].map(|()| Interpreter::new());
    let (tx, rx): (Tx<Proxy>, Rx<Proxy>) = unbounded_with();
    let drops = Drops::default();
    owner.attach(|token| {
        let buffer = drops.buffer(token, b"x");
        for _ in 0..5 {
            tx.send(token, buffer.clone_ref(token)).expect("the channel is open");
        }
    });
    let pair = |creations, releases| {
        let expected = [(Cause::Attach, 1), (Cause::ViewCreation, creations), (Cause::ViewRelease, releases)];
        let expected: Vec<_> = expected.into_iter().filter(|&(_, count)| count > 0).collect();
        assert_acquired(&owner, &expected);
    };
    let (first, second) = one.attach(|_| (receive(&rx), receive(&rx)));
    pair(1, 0);
    let elsewhere = other.attach(|_| receive(&rx));
    pair(2, 0);
    let nowhere = (receive(&rx), receive(&rx));
    pair(4, 0);
    drop(first);
    pair(4, 0);
    other.attach(|_| drop(second));
    pair(4, 1);
    drop((elsewhere, nowhere));
    pair(4, 4);
    assert_eq!(drops.count(), 1);
}

/// A receiver of a deferred channel does not wait for an owner that is busy, and neither does its release.
#[test]
fn deferred_does_not_wait_for_a_busy_owner() {
    let _watchdog = watchdog();
    let [owner, receiver] = [(); 2].map(|()| Interpreter::new());
    let (tx, rx): (Tx<Deferred>, Rx<Deferred>) = unbounded_with();
    let drops = Drops::default();
    owner.attach(|token| {
        tx.send(token, drops.buffer(token, b"x")).expect("the channel is open");
        thread::scope(|scope| {
            // The owner is held until this thread has received, read and released.
            let done = scope.spawn(|| receiver.attach(|_| drop(receive(&rx))));
            done.join().expect("no panic");
        });
        assert_eq!(drops.count(), 0);
        token.safepoint();
        assert_eq!(drops.count(), 1);
    });
    assert_acquired(&owner, &[(Cause::Attach, 1)]);
}

/// An owner that is idle gets its buffers back all the same: from a thread that is attached to nobody at once, from one that
/// is attached elsewhere when it leaves.
#[test]
fn deferred_comes_home_to_an_idle_owner() {
    let _watchdog = watchdog();
    let [owner, receiver] = [(); 2].map(|()| Interpreter::new());
    let (tx, rx): (Tx<Deferred>, Rx<Deferred>) = unbounded_with();
    let drops = Drops::default();
    owner.attach(|token| {
        for _ in 0..3 {
            tx.send(token, drops.buffer(token, b"x")).expect("the channel is open");
        }
    });
    drop(receive(&rx));
    assert_eq!(drops.count(), 1);
    assert_acquired(&owner, &[(Cause::Attach, 1), (Cause::Collection, 1)]);
    receiver.attach(|token| {
        drop((receive(&rx), receive(&rx)));
        assert_eq!(drops.count(), 1);
        token.detach(|| assert_eq!(drops.count(), 3));
    });
    assert_acquired(&owner, &[(Cause::Attach, 1), (Cause::Collection, 2)]);
}

/// The pause has a bound: each stay collects a batch, and lets others in before the next.
#[test]
fn deferred_collects_in_batches() {
    let _watchdog = watchdog();
    let owner = Interpreter::with_batches(Batches { collected: 2, ..Batches::default() });
    let (tx, rx): (Tx<Deferred>, Rx<Deferred>) = unbounded_with();
    let drops = Drops::default();
    let receiver = Interpreter::new();
    owner.attach(|token| {
        for _ in 0..7 {
            tx.send(token, drops.buffer(token, b"x")).expect("the channel is open");
        }
        let receive_all = || receiver.attach(|_| (0..7).for_each(|_| drop(receive(&rx))));
        thread::scope(|scope| scope.spawn(receive_all).join().expect("no panic"));
        token.safepoint();
        assert_eq!(drops.count(), 2);
        drop(tx.send(token, freeze(token, b"y")));
        assert_eq!(drops.count(), 4);
    });
    // What was left was this thread's errand.
    assert_eq!(drops.count(), 7);
    assert_acquired(&owner, &[(Cause::Attach, 1), (Cause::Collection, 2)]);
}

/// Releases that wait for each other go home when there are enough, with one of another owner, at a safepoint, and when the
/// thread leaves, even for a visit.
#[test]
fn releases_wait_for_each_other() {
    let _watchdog = watchdog();
    let [owner, other] = [Interpreter::new(), Interpreter::new()];
    let receiver = Interpreter::with_batches(Batches { released: 3, ..Batches::default() });
    let (drops, elsewhere) = (Drops::default(), Drops::default());
    let (tx, rx): (Tx<Deferred>, Rx<Deferred>) = unbounded_with();
    owner.attach(|token| {
        for _ in 0..8 {
            tx.send(token, drops.buffer(token, b"x")).expect("the channel is open");
        }
    });
    let foreign: ViewOf<Interpreter, Deferred> = view_under(&other, |token| elsewhere.buffer(token, b"y"));
    let handle = other.attach(|token| freeze(token, b"z"));
    // What has come home is collected by whoever comes to stay.
    let home = || {
        thread::scope(|scope| scope.spawn(|| owner.attach(|_| ())).join().expect("no panic"));
        drops.count()
    };
    let counts = receiver.attach(|token| {
        let release = |count| (0..count).for_each(|_| drop(receive(&rx)));
        release(2);
        let two = home();
        release(1);
        let enough = home();
        release(1);
        drop(foreign);
        let with_another = home();
        release(1);
        token.safepoint();
        let safepoint = home();
        release(1);
        token.detach(|| ());
        let detached = home();
        release(1);
        drop(handle);
        let visited = home();
        release(1);
        [two, enough, with_another, safepoint, detached, visited]
    });
    assert_eq!(counts, [0, 3, 4, 5, 6, 7]);
    assert_eq!((home(), elsewhere.count()), (8, 1));
}

/// Bytes whose owner does something when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> AsRef<[u8]> for OnDrop<F> {
    fn as_ref(&self) -> &[u8] {
        b"on drop"
    }
}

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// A thread that is out for a visit does not attend: what it frees there may wait for what comes back to the interpreter that it
/// left. Who returns that, attached to nobody, collects it.
#[test]
fn a_visitor_leaves_nobody_waiting() {
    let _watchdog = watchdog();
    let [home, owner] = [(); 2].map(|()| Interpreter::new());
    let (waiting, is_waiting) = mpsc::channel();
    let (freed, is_freed) = mpsc::channel();
    let returned: ViewOf<Interpreter, Deferred> =
        view_under(&home, |token| Buffer::from_owner(token, OnDrop(move || freed.send(()).expect("somebody waits"))));
    let is_freed = Mutex::new(is_freed);
    let wait = OnDrop(move || {
        waiting.send(()).expect("the test listens");
        is_freed.lock().expect("not poisoned").recv().expect("it is freed");
    });
    let visits: ViewOf<Interpreter, View> = view_under(&owner, |token| Buffer::from_owner(token, wait));
    thread::scope(|scope| {
        scope.spawn(|| home.attach(|_| drop(visits)));
        is_waiting.recv().expect("the visitor waits");
        drop(returned);
    });
}

/// Bytes of `owner` whose drop lends two buffers of it through `end`, and then does the rest.
fn lends_when_freed(owner: &Interpreter, end: Tx<Deferred>, rest: impl Fn() + Send + Sync + 'static) -> ViewOf {
    let (mut end, there) = (Some(end), owner.clone());
    let lend = OnDrop(move || {
        let channels = Channels::new().with_send("lent", end.take().expect("it is dropped once"));
        let sent = there.run(channels, |token, mut channels| {
            let tx: Tx<Deferred> = channels.take_send("lent")?;
            for _ in 0..2 {
                tx.send(token, freeze(token, b"x")).expect("the channel is open");
            }
            Ok(())
        });
        sent.reraise().expect("the owner runs");
        rest();
    });
    view_under(owner, |token| Buffer::from_owner(token, lend))
}

/// A visitor may run code that lends its interpreter's first buffer. It does not stay, so nobody attends: who returns the buffer
/// collects it.
#[test]
fn a_visitor_lends_the_first_buffer() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx): (Tx<Deferred>, Rx<Deferred>) = unbounded_with();
    drop(lends_when_freed(&owner, tx, || ()));
    drop(receive(&rx));
    assert_eq!(owner.acquisitions().by(Cause::Collection), 1);
}

/// The same while a thread that stays lets the visitor in at a safepoint: that one attends, and collects when it is back.
#[test]
fn a_visitor_lends_for_one_who_stays() {
    let _watchdog = watchdog();
    let owner = &Interpreter::new();
    let (tx, rx): (Tx<Deferred>, Rx<Deferred>) = unbounded_with();
    let ((tell, is_lent), (go, may_go)) = (mpsc::channel(), mpsc::channel::<()>());
    let (has_lent, may_go) = (Arc::new(AtomicBool::new(false)), Mutex::new(may_go));
    let lent = Arc::clone(&has_lent);
    let view = lends_when_freed(owner, tx, move || {
        lent.store(true, Ordering::SeqCst);
        tell.send(()).expect("the test listens");
        may_go.lock().expect("not poisoned").recv().expect("the test says so");
    });
    thread::scope(|scope| {
        let (inside, is_inside) = mpsc::channel();
        let stays = scope.spawn(move || {
            owner.attach(|token| {
                inside.send(()).expect("the test listens");
                while !has_lent.load(Ordering::SeqCst) {
                    token.safepoint();
                }
                token.safepoint();
            });
        });
        is_inside.recv().expect("the thread attaches");
        let visits = scope.spawn(|| drop(view));
        is_lent.recv().expect("the view is dropped");
        drop(receive(&rx));
        go.send(()).expect("the visitor waits");
        visits.join().expect("no panic");
        stays.join().expect("no panic");
    });
    assert_eq!(owner.acquisitions().by(Cause::Collection), 0);
    drop(receive(&rx));
    assert_eq!(owner.acquisitions().by(Cause::Collection), 1);
}

/// What a foreign owner releases while it is freed goes home as well: behind a safepoint that collected it, and a visit.
#[test]
fn what_is_freed_releases_too() {
    let _watchdog = watchdog();
    let [outer, other] = [(); 2].map(|()| Interpreter::with_batches(Batches { released: 8, ..Batches::default() }));
    let inner = Interpreter::new();
    let drops = Drops::default();
    let nested = || {
        let view: ViewOf<Interpreter, Deferred> = view_under(&inner, |token| drops.buffer(token, b"x"));
        move |token: &Attached<'_>| Buffer::from_owner(token, view)
    };
    let home = || {
        thread::scope(|scope| scope.spawn(|| inner.attach(|_| ())).join().expect("no panic"));
        drops.count()
    };
    // Collected at a safepoint of `outer`, whose outbox it reaches.
    let returned: ViewOf<Interpreter, Deferred> = view_under(&outer, nested());
    outer.attach(|token| {
        thread::scope(|scope| scope.spawn(|| other.attach(|_| drop(returned))).join().expect("no panic"));
        token.safepoint();
        assert_eq!(home(), 1);
    });
    // Released by a visit to `outer`.
    let visited: ViewOf<Interpreter, View> = view_under(&outer, nested());
    drop(visited);
    assert_eq!(home(), 2);
    // What is home already does not wait for others.
    let own: ViewOf<Interpreter, Deferred> = view_under(&outer, |token| drops.buffer(token, b"y"));
    outer.attach(|token| {
        drop(own);
        token.safepoint();
        assert_eq!(drops.count(), 3);
    });
}

/// Buffers that own views of other interpreters' buffers: each release is one more errand, also while one is run.
#[test]
fn errands_lead_to_errands() {
    let _watchdog = watchdog();
    let interpreters: Vec<Interpreter> = (0..20).map(|_| Interpreter::new()).collect();
    let drops = Drops::default();
    let mut view: Option<ViewOf<Interpreter, Deferred>> = None;
    for interpreter in &interpreters {
        let (tx, rx): (Tx<Deferred>, Rx<Deferred>) = unbounded_with();
        interpreter.attach(|token| {
            let buffer = match view.take() {
                None => drops.buffer(token, b"x"),
                Some(view) => Buffer::from_owner(token, view),
            };
            tx.send(token, buffer).expect("the channel is open");
        });
        view = Some(receive(&rx));
    }
    Interpreter::new().attach(|_| {
        drop(view);
        assert_eq!(drops.count(), 0);
    });
    assert_eq!(drops.count(), 1);
}

/// No thread of any interpreter ever meets a leak or a double release, whatever the races: many rounds of everything.
#[test]
fn deferred_under_fire() {
    let _watchdog = watchdog();
    let drops = Drops::default();
    let with_batches = |size| Interpreter::with_batches(Batches { collected: size, released: size, kept: size });
    let owners: Vec<Interpreter> = (1..4).map(with_batches).collect();
    let (tx, rx): (Tx<Deferred>, Rx<Deferred>) = Options::new().capacity(64).open_with();
    let (pass, passed) = mpsc::channel::<ViewOf<Interpreter, Deferred>>();
    thread::scope(|scope| {
        for owner in &owners {
            let (tx, drops) = (tx.clone(), drops.clone());
            scope.spawn(move || {
                for round in 0..2_000 {
                    owner.attach(|token| {
                        tx.send(token, drops.buffer(token, b"x")).expect("the channel is open");
                        if round % 3 == 0 {
                            token.safepoint();
                        }
                    });
                }
            });
        }
        drop(tx);
        scope.spawn(move || passed.iter().for_each(drop));
        let rx = &rx;
        let receivers: Vec<_> = (0..2)
            .map(|receiver| {
                let pass = pass.clone();
                scope.spawn(move || {
                    with_batches(1 + 4 * receiver).attach(|_| {
                        for (round, message) in rx.iter().enumerate() {
                            let Ok(view) = message.into_view() else { panic!("a buffer was sent") };
                            if round % 2 == 0 {
                                pass.send(view.clone()).expect("the other thread listens");
                            }
                        }
                    });
                })
            })
            .collect();
        drop(pass);
        receivers.into_iter().for_each(|receiver| receiver.join().expect("no panic"));
    });
    assert_eq!(drops.count(), 6_000);
}

/// Bytes whose drop panics.
struct Grenade;

impl AsRef<[u8]> for Grenade {
    fn as_ref(&self) -> &[u8] {
        b"x"
    }
}

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("an owner panics, as planned");
    }
}

/// A foreign owner that panics harms nobody: not the thread that happens to collect it, which keeps its lock, nor what comes
/// home after it (G3, G4, G8).
#[test]
fn a_panicking_owner_harms_nobody() {
    let _watchdog = watchdog();
    let [owner, here] = [(); 2].map(|()| Interpreter::new());
    let (tx, rx): (Tx<Deferred>, Rx<Deferred>) = unbounded_with();
    let drops = Drops::default();
    owner.attach(|token| {
        tx.send(token, drops.buffer(token, b"x")).expect("the channel is open");
        tx.send(token, Buffer::from_owner(token, Grenade)).expect("the channel is open");
        tx.send(token, drops.buffer(token, b"y")).expect("the channel is open");
    });
    here.attach(|token| {
        (0..3).for_each(|_| drop(receive(&rx)));
        token.safepoint();
        assert_eq!(drops.count(), 2);
        // Still attached: nobody else can come in.
        thread::scope(|scope| {
            let other = scope.spawn(|| here.attach(|_| ()));
            thread::sleep(Duration::from_millis(50));
            assert!(!other.is_finished());
            token.safepoint();
        });
    });
}

/// Owners that are views of another interpreter are freed one after the other, not one within the other, and a batch is a
/// batch.
#[test]
fn collecting_does_not_nest() {
    let _watchdog = watchdog();
    const MANY: usize = 50_000;
    let [first, relay] =
        [Interpreter::new(), Interpreter::with_batches(Batches { collected: 10, ..Batches::default() })];
    let (tx, rx): (Tx<View>, Rx<View>) = unbounded_with();
    let (forward, forwarded): (Tx<Deferred>, Rx<Deferred>) = unbounded_with();
    let drops = Drops::default();
    first.attach(|token| (0..MANY).for_each(|_| tx.send(token, drops.buffer(token, b"x")).expect("it is open")));
    relay.attach(|token| {
        for _ in 0..MANY {
            let buffer = Buffer::from_owner(token, receive(&rx));
            forward.send(token, buffer).expect("the channel is open");
        }
        thread::scope(|scope| scope.spawn(|| (0..MANY).for_each(|_| drop(receive(&forwarded)))).join())
            .expect("no panic");
        token.safepoint();
        assert_eq!(drops.count(), 10);
    });
    assert_eq!(drops.count(), MANY);
}

/// Code that a foreign owner runs in a visit to its interpreter is code like any other: none runs after the end.
#[test]
fn a_visitor_runs_no_code_after_the_end() {
    struct Runs(Interpreter, mpsc::Sender<bool>);
    impl AsRef<[u8]> for Runs {
        fn as_ref(&self) -> &[u8] {
            b"x"
        }
    }
    impl Drop for Runs {
        fn drop(&mut self) {
            let ran = self.0.run(Channels::new(), |_, _| Ok(()));
            self.1.send(ran.failure().is_none()).expect("the test listens");
        }
    }
    let _watchdog = watchdog();
    for ends in [false, true] {
        let owner = Interpreter::new();
        let (tx, rx): (Tx<View>, Rx<View>) = unbounded_with();
        let (tell, told) = mpsc::channel();
        let runs = std::sync::Mutex::new(Some(tell));
        owner.attach(|token| {
            let tell = runs.lock().expect("no panic").take().expect("once");
            tx.send(token, Buffer::from_owner(token, Runs(owner.clone(), tell))).expect("the channel is open");
        });
        let view = receive(&rx);
        if ends {
            owner.end().expect("it runs");
        }
        drop(view);
        assert_eq!(told.recv().expect("it tried"), !ends);
    }
}

/// A proxy is of one buffer: another buffer of the same owner has its own.
#[test]
fn each_buffer_has_its_proxy() {
    let _watchdog = watchdog();
    let [owner, receiver] = [(); 2].map(|()| Interpreter::new());
    let (tx, rx): (Tx<Proxy>, Rx<Proxy>) = unbounded_with();
    for bytes in [b"one", b"two"] {
        owner.attach(|token| tx.send(token, freeze(token, bytes))).expect("the channel is open");
    }
    let views = receiver.attach(|_| [receive(&rx), receive(&rx)]);
    assert_eq!(views.each_ref().map(|view| view.to_vec()), [b"one", b"two"]);
}
