//! The protocol on a second runtime, which has nothing in common with the reference runtime but the trait: its lock is a
//! flag behind a `std` mutex, its objects are `Arc<[u8]>`, and its interpreters can end (G7).
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use common::watchdog;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak, mpsc};
use std::thread;
use std::time::Duration;
use viewchan::channel::{ReceiveEnd, RecvError, RecvTimeoutError, SendEnd, TryRecvError, bounded_with, unbounded_with};
use viewchan::ledger::{Errands, Ledger, run_errands};
use viewchan::runtime::{Cause, Ended, InterpreterId, Runtime, Waker};
use viewchan::strategy::{self, Strategy};
use viewchan::{Buffer, View};

/// A handle on an interpreter that can end.
#[derive(Clone)]
struct Toy(Arc<Core>);

struct Core {
    id: InterpreterId,
    gate: Mutex<Gate>,
    changed: Condvar,
    ledger: Ledger<Toy>,
}

#[derive(Default)]
struct Gate {
    /// A thread is attached.
    locked: bool,
    /// Threads that came in and have not left for good: the attached one, and those that are out for a moment.
    inside: usize,
    ended: bool,
    /// Why the lock was acquired, each time.
    causes: Vec<Cause>,
}

/// Proof that the thread is attached. Neither `Send` nor `Sync`.
struct Token<'a>(&'a Toy, PhantomData<*mut ()>);

thread_local! {
    /// Where the thread is, and why it came.
    static HERE: RefCell<Option<(Toy, Cause)>> = const { RefCell::new(None) };
    static ERRANDS: Errands<Toy> = const { Errands::new() };
}

impl Toy {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = InterpreterId(NEXT.fetch_add(1, Ordering::Relaxed));
        Self(Arc::new(Core { id, gate: Mutex::default(), changed: Condvar::new(), ledger: Ledger::new(id) }))
    }

    /// Runs `work` attached to this interpreter.
    fn enter<T>(&self, cause: Cause, work: impl FnOnce(&Token<'_>) -> T) -> Result<T, Ended> {
        if HERE.with_borrow(|here| here.as_ref().is_some_and(|(here, _)| here.id() == self.id())) {
            return Ok(work(&Token(self, PhantomData)));
        }
        let _away = Away::step();
        let _inside = Inside::step(self, cause)?;
        Ok(work(&Token(self, PhantomData)))
    }

    /// Ends the interpreter when the last thread has left it.
    fn end(&self) {
        let gate = self.0.changed.wait_while(self.gate(), |gate| gate.inside > 0);
        gate.expect("not poisoned").ended = true;
    }

    fn causes(&self) -> Vec<Cause> {
        self.gate().causes.clone()
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.0.gate.lock().expect("not poisoned")
    }

    /// The thread is counted inside, and attached to nobody.
    fn lock(&self, cause: Cause) {
        let gate = self.0.changed.wait_while(self.gate(), |gate| gate.locked);
        let mut gate = gate.expect("not poisoned");
        gate.locked = true;
        gate.causes.push(cause);
        drop(gate);
        HERE.set(Some((self.clone(), cause)));
        // SAFETY: the thread has just come, and calls `depart` before it leaves.
        unsafe { self.0.ledger.arrive(cause, &Token(self, PhantomData)) }
    }

    /// The thread is attached.
    fn unlock(&self) {
        if let Some((_, cause)) = HERE.take() {
            // SAFETY: the thread is about to leave.
            unsafe { self.0.ledger.depart(cause, self) }
        }
        self.gate().locked = false;
        self.0.changed.notify_all();
    }
}

/// The thread is attached to nobody until this is dropped.
struct Away(Option<Toy>);

impl Away {
    fn step() -> Self {
        let from = HERE.with_borrow(Clone::clone).map(|(from, _)| from);
        from.iter().for_each(Toy::unlock);
        run_errands::<Toy>();
        Self(from)
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        run_errands::<Toy>();
        self.0.iter().for_each(|from| from.lock(Cause::Return));
    }
}

/// The thread is attached to this interpreter until this is dropped.
struct Inside<'a>(&'a Toy);

impl<'a> Inside<'a> {
    fn step(toy: &'a Toy, cause: Cause) -> Result<Self, Ended> {
        let mut gate = toy.gate();
        if gate.ended {
            return Err(Ended);
        }
        gate.inside += 1;
        drop(gate);
        toy.lock(cause);
        Ok(Self(toy))
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.unlock();
        // Behind that: who is counted attends no longer when the interpreter ends.
        self.0.gate().inside -= 1;
        self.0.0.changed.notify_all();
    }
}

// SAFETY: by the numbers of `Runtime`:
// 1. `lock` lets a thread in when no other is, under a mutex that orders it after the one before. A `Token` is made in
//    `enter` only, behind that, lent to `work` only, and stays on its thread.
// 2. `enter` and `outside` put an `Away` in force first. It gives up what the thread holds, and takes it again when it is
//    dropped: after `Inside`, and also by a panic.
// 3. A reference and an export are an `Arc<[u8]>` each, which nobody asks for `&mut`: as long as it exists, so do its bytes.
// 4. That holds after the interpreter's end, too. `ended` is never reset, so `visit` refuses from then on.
// 5. Clones share a core, whose identity is fresh.
// 6. `lock` and `unlock` are all that takes or gives up the lock, and tell the ledger; `Away` runs the errands.
unsafe impl Runtime for Toy {
    type Token<'a> = Token<'a>;
    type Object = Arc<[u8]>;
    type Export = Arc<[u8]>;

    fn id(&self) -> InterpreterId {
        self.0.id
    }

    fn ledger(&self) -> &Ledger<Self> {
        &self.0.ledger
    }

    fn with_current<T>(work: impl FnOnce(Option<&Self>) -> T) -> T {
        let stay = HERE.with_borrow(Clone::clone);
        work(stay.as_ref().map(|(here, _)| here))
    }

    fn with_errands<T>(work: impl FnOnce(&Errands<Self>) -> T) -> T {
        ERRANDS.with(work)
    }

    fn here<'a>(token: &'a Token<'_>) -> &'a Self {
        token.0
    }

    unsafe fn visit<T>(&self, cause: Cause, work: impl FnOnce(&Token<'_>) -> T) -> Result<T, Ended> {
        self.enter(cause, work)
    }

    unsafe fn outside<T>(work: impl FnOnce() -> T) -> T {
        let _away = Away::step();
        work()
    }

    unsafe fn wait<T>(waker: &Waker, work: impl FnOnce(Option<&Self>) -> T) -> T {
        let home = Self::with_current(|here| here.cloned());
        let life = home.as_ref().map(|home| &home.ledger().life);
        // SAFETY: the thread is attached to its home.
        life.iter().for_each(|life| unsafe { life.add_waker(waker) });
        let away = Away::step();
        let done = work(home.as_ref());
        drop(away);
        // SAFETY: the thread is back.
        life.iter().for_each(|life| unsafe { life.remove_waker(waker) });
        done
    }

    unsafe fn incref(_token: &Token<'_>, object: &Arc<[u8]>) -> Arc<[u8]> {
        Arc::clone(object)
    }

    unsafe fn decref(_token: &Token<'_>, object: Arc<[u8]>) {
        drop(object);
    }

    unsafe fn export(_token: &Token<'_>, object: Arc<[u8]>) -> Arc<[u8]> {
        object
    }

    unsafe fn reexport(_token: &Token<'_>, export: &Arc<[u8]>) -> Arc<[u8]> {
        Arc::clone(export)
    }

    fn address(object: &Arc<[u8]>) -> usize {
        object.as_ptr().addr()
    }

    unsafe fn unexport(_token: &Token<'_>, export: Arc<[u8]>) -> Arc<[u8]> {
        export
    }
}

fn channel() -> (SendEnd<Toy>, ReceiveEnd<Toy>) {
    unbounded_with::<Toy, strategy::View>()
}

fn freeze(token: &Token<'_>, bytes: &[u8]) -> Buffer<Toy> {
    // SAFETY: the object is new: its one reference is the handle's, and its owner is the token's interpreter.
    unsafe { Buffer::from_parts(token.0.clone(), Arc::from(bytes)) }
}

/// Sends a copy of `bytes` as `owner`'s, and returns what tells how many references there are.
fn send<S: Strategy<Toy>>(owner: &Toy, tx: &SendEnd<Toy, S>, bytes: &[u8]) -> Weak<[u8]> {
    let send = |token: &Token<'_>| {
        let (home, object) = freeze(token, bytes).into_parts();
        let references = Arc::downgrade(&object);
        // SAFETY: the parts of a handle.
        let buffer = unsafe { Buffer::from_parts(home, object) };
        tx.send(token, buffer).expect("the channel is open");
        references
    };
    owner.enter(Cause::Attach, send).expect("the owner lives")
}

fn view(rx: &ReceiveEnd<Toy>) -> View<Toy> {
    let Ok(Ok(view)) = rx.try_recv().map(|message| message.into_view()) else { panic!("a view is inside") };
    view
}

/// What the reference runtime pays, the toy pays: one visit to create a view and one to release it, and the receiver comes
/// back from each. The last release frees the bytes (G1, G3).
#[test]
fn the_protocol_is_the_same() {
    let _watchdog = watchdog();
    let [owner, receiver] = [(); 2].map(|()| Toy::new());
    let (tx, rx) = channel();
    let references = send(&owner, &tx, b"toy");
    let receive = |_: &Token<'_>| {
        let view = view(&rx);
        assert_eq!(view.slice(1..), "oy");
        assert_eq!(references.strong_count(), 1);
        view.clone().release();
        view.release();
    };
    receiver.enter(Cause::Attach, receive).expect("the receiver lives");
    assert_eq!(references.strong_count(), 0);
    assert_eq!(owner.causes(), [Cause::Attach, Cause::ViewCreation, Cause::ViewRelease]);
    assert_eq!(receiver.causes(), [Cause::Attach, Cause::Return, Cause::Return]);
}

/// Every kind of receive says that a message's owner has ended, and the message is gone with its reference; the channel
/// itself goes on (G7).
#[test]
fn receiving_from_an_ended_owner_is_an_error() {
    let _watchdog = watchdog();
    let [ended, owner] = [(); 2].map(|()| Toy::new());
    let (tx, rx) = channel();
    let references = [(); 3].map(|()| send(&ended, &tx, b"x"));
    send(&owner, &tx, b"y");
    ended.end();
    assert_eq!(rx.recv().err(), Some(RecvError::OwnerEnded));
    assert_eq!(rx.try_recv().err(), Some(TryRecvError::OwnerEnded));
    assert_eq!(rx.recv_timeout(Duration::MAX).err(), Some(RecvTimeoutError::OwnerEnded));
    assert!(references.iter().all(|references| references.strong_count() == 0));
    assert_eq!(view(&rx), "y");
}

/// A view outlives its owner's end: readable, clonable, and released without a visit (G7, G8).
#[test]
fn a_view_outlives_its_owners_end() {
    let _watchdog = watchdog();
    let owner = Toy::new();
    let (tx, rx) = channel();
    let references = send(&owner, &tx, b"still here");
    let view = view(&rx);
    let causes = owner.causes();
    owner.end();
    let slice = view.slice(6..);
    drop((owner.clone(), view));
    let slice = thread::spawn(move || slice.clone()).join().expect("no panic");
    assert_eq!(slice, "here");
    slice.release();
    assert_eq!(references.strong_count(), 0);
    assert_eq!(owner.causes(), causes);
}

/// Iteration passes over messages whose owner has ended, wherever they stand, and ends as ever (G7).
#[test]
fn iteration_passes_over_ended_owners() {
    let _watchdog = watchdog();
    let [ended, owner] = [(); 2].map(|()| Toy::new());
    let (tx, rx) = channel();
    for (sender, byte) in [(&ended, 0), (&owner, 1), (&ended, 2), (&ended, 3), (&owner, 4), (&ended, 5)] {
        send(sender, &tx, &[byte]);
    }
    ended.end();
    drop(tx);
    let received: Vec<u8> = rx.iter().flat_map(|message| message.into_view()).map(|view| view[0]).collect();
    assert_eq!(received, [1, 4]);
}

/// Handles and undelivered messages of an ended owner are dropped like any others (G7).
#[test]
fn handles_and_messages_outlive_their_owners_end() {
    let _watchdog = watchdog();
    let owner = Toy::new();
    let (tx, rx) = channel();
    let references = send(&owner, &tx, b"x");
    let handle = owner.enter(Cause::Attach, |token| freeze(token, b"y")).expect("the owner lives");
    owner.end();
    drop((handle, rx));
    assert_eq!(references.strong_count(), 0);
}

/// An errand for an owner that has ended, and adopts nothing, forgets what is on the list, on whichever thread it runs (G7, G8).
#[test]
fn an_errand_of_an_ended_owner_is_handed_over() {
    let _watchdog = watchdog();
    let [owner, releaser] = [(); 2].map(|()| Toy::new());
    let (tx, rx) = unbounded_with::<Toy, strategy::Deferred>();
    let references = send(&owner, &tx, b"toy");
    let view = rx.recv().expect("a message is inside").into_view().expect("it is a buffer");
    owner.end();
    let release = |_: &Token<'_>| {
        drop(view);
        Toy::with_errands(Errands::take).expect("nobody attends to the owner")
    };
    let errand = releaser.enter(Cause::Attach, release).expect("the releaser lives");
    assert_eq!((references.strong_count(), releaser.causes()), (1, vec![Cause::Attach]));
    thread::spawn(|| errand.run()).join().expect("no panic");
    assert_eq!(references.strong_count(), 0);
    assert_eq!(owner.causes(), [Cause::Attach]);
}

/// A sender that waits for space has left its interpreter, so another thread can come in, and it comes back once (G4).
#[test]
fn a_waiting_sender_lets_others_in() {
    let _watchdog = watchdog();
    let owner = Toy::new();
    let (tx, rx) = bounded_with::<Toy, strategy::View>(1);
    send(&owner, &tx, b"first");
    thread::scope(|scope| {
        let (inside, is_inside) = mpsc::channel();
        let send_second = move |token: &Token<'_>| {
            inside.send(()).expect("the test listens");
            tx.send(token, freeze(token, b"second")).expect("the channel is open");
        };
        scope.spawn(|| owner.enter(Cause::Attach, send_second));
        is_inside.recv().expect("the thread attaches");
        owner.enter(Cause::Attach, |_| ()).expect("the owner lives");
        view(&rx).release();
    });
    assert_eq!(owner.causes().iter().filter(|&&cause| cause == Cause::Return).count(), 1);
    assert_eq!(view(&rx), "second");
}
