//! The backend for model checking: loom's models of the same things.

use super::site::{self, Access, WakeUp};
use core::cell::Cell;
use core::sync::atomic::{AtomicBool, Ordering};
use loom::alloc::Track;
use loom::sync::{Condvar as LoomCondvar, Mutex as LoomMutex, MutexGuard as LoomMutexGuard, atomic};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

/// The name of this backend.
pub const BACKEND: &str = "loom";

/// Whether atomic loads are done as read-modify-writes that add zero. loom does not race a thread's earlier plain load
/// against another thread's later store, so each model runs both ways.
pub static LOADS_AS_RMW: AtomicBool = AtomicBool::new(false);

/// Whether threads of the model panic and go on. loom keeps a standard mutex inside each of its own; that one is poisoned,
/// and loom dead, when a guard from before a panic is dropped during it. A guard made during a panic does not poison.
pub static MODEL_UNWINDS: AtomicBool = AtomicBool::new(false);

pub(crate) use loom::cell::{ConstPtr, UnsafeCell};
pub(crate) use loom::thread_local;

/// An interpreter's lock: a loom mutex whose guard is kept beside it while the lock is held.
pub(crate) struct RawLock {
    // Declared, hence dropped, before the mutex that it borrows.
    guard: Cell<Option<LoomMutexGuard<'static, ()>>>,
    mutex: Box<LoomMutex<()>>,
}

// SAFETY: `guard` is the only field that is not `Sync`. It is written in `lock` after acquiring the mutex and in `unlock`
// before releasing it, both by the holder, so the mutex orders all accesses.
unsafe impl Sync for RawLock {}
// SAFETY: loom's threads share one OS thread, so the guard never changes its OS thread.
unsafe impl Send for RawLock {}

impl RawLock {
    pub(crate) fn new() -> Self {
        Self { guard: Cell::new(None), mutex: Box::new(LoomMutex::new(())) }
    }

    pub(crate) fn lock(&self) {
        // G4, also where it does not end in a deadlock.
        let held = MUTEXES_HELD.with(Cell::get);
        assert!(held == 0, "G4: a thread waits for an interpreter's lock while it holds a mutex");
        // ORDERING: Relaxed: set once, before the model starts.
        let guard = if MODEL_UNWINDS.load(Ordering::Relaxed) { self.lock_unwinding() } else { self.lock_plainly() };
        // SAFETY: the mutex is boxed, so it stays where it is, and it outlives the guard: the fields drop in order.
        let guard: LoomMutexGuard<'static, ()> = unsafe { core::mem::transmute(guard) };
        self.guard.set(Some(guard));
    }

    fn lock_plainly(&self) -> LoomMutexGuard<'_, ()> {
        self.mutex.lock().expect("loom does not poison")
    }

    /// Locks while a small panic of its own unwinds, see [`MODEL_UNWINDS`].
    fn lock_unwinding(&self) -> LoomMutexGuard<'_, ()> {
        struct OnDrop<F: FnMut()>(F);
        impl<F: FnMut()> Drop for OnDrop<F> {
            fn drop(&mut self) {
                (self.0)();
            }
        }
        let mut guard = None;
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let _lock = OnDrop(|| guard = Some(self.lock_plainly()));
            resume_unwind(Box::new(()));
        }));
        debug_assert!(unwound.is_err());
        guard.expect("locked while unwinding")
    }

    /// # Safety
    ///
    /// The calling thread holds the lock.
    pub(crate) unsafe fn unlock(&self) {
        drop(self.guard.take());
    }

    /// That another thread may come first is what loom explores anyway.
    pub(crate) fn lock_in_turn(&self) {
        self.lock();
    }

    /// Always: loom explores the hand-over at every safepoint.
    pub(crate) fn is_contended(&self) -> bool {
        true
    }
}

thread_local! {
    /// How many [`Mutex`]es the thread holds.
    static MUTEXES_HELD: Cell<usize> = Cell::new(0);
}

pub(crate) struct Mutex<T>(LoomMutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(LoomMutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard::new(self.0.lock().expect("loom does not poison"))
    }
}

/// A guard that is counted in [`MUTEXES_HELD`].
pub(crate) struct MutexGuard<'a, T>(Option<LoomMutexGuard<'a, T>>);

impl<'a, T> MutexGuard<'a, T> {
    fn new(guard: LoomMutexGuard<'a, T>) -> Self {
        MUTEXES_HELD.with(|held| held.set(held.get() + 1));
        Self(Some(guard))
    }

    fn into_inner(mut self) -> LoomMutexGuard<'a, T> {
        self.0.take().expect("taken once")
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        MUTEXES_HELD.with(|held| held.set(held.get() - 1));
    }
}

impl<T> core::ops::Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("there until the drop")
    }
}

impl<T> core::ops::DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("there until the drop")
    }
}

pub(crate) struct Condvar(LoomCondvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self(LoomCondvar::new())
    }

    /// Waits for a notification. A deadline passes under the same mutex and notifies, so none is missed here.
    pub(crate) fn wait_until<'a, T>(&self, guard: MutexGuard<'a, T>, _deadline: &Deadline) -> MutexGuard<'a, T> {
        MutexGuard::new(self.0.wait(guard.into_inner()).expect("loom does not poison"))
    }

    pub(crate) fn notify_one(&self, site: WakeUp) {
        if !site::is_dropped(site) {
            self.0.notify_one();
        }
    }

    pub(crate) fn notify_all(&self, site: WakeUp) {
        if !site::is_dropped(site) {
            self.0.notify_all();
        }
    }
}

/// A deadline without a clock: it passes when somebody lets it [`pass`](Self::pass).
#[derive(Clone, Debug)]
pub struct Deadline(Option<Arc<AtomicBool>>);

impl Deadline {
    /// A deadline that passes on demand, whatever the timeout.
    pub fn after(_timeout: Duration) -> Self {
        Self(Some(Arc::default()))
    }

    /// A deadline that does not come.
    pub fn never() -> Self {
        Self(None)
    }

    /// Lets the deadline pass. Called under the mutex of the channel at which it is waited for.
    pub fn pass(&self) {
        if let Some(passed) = &self.0 {
            // ORDERING: see `has_passed`.
            passed.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it has passed.
    pub fn has_passed(&self) -> bool {
        // ORDERING: Relaxed: written and read under the mutex of the channel that it is waited for at.
        self.0.as_ref().is_some_and(|passed| passed.load(Ordering::Relaxed))
    }
}

pub(crate) struct AtomicUsize(atomic::AtomicUsize);

impl AtomicUsize {
    pub(crate) fn new(value: usize) -> Self {
        Self(atomic::AtomicUsize::new(value))
    }

    pub(crate) fn load(&self, site: Access) -> usize {
        // ORDERING: Relaxed: set once, before the model starts.
        if LOADS_AS_RMW.load(Ordering::Relaxed) {
            self.0.fetch_add(0, site::ordering(site))
        } else {
            self.0.load(site::ordering(site))
        }
    }

    /// A load whose result may be stale: to see too little now is the same as to have looked earlier. So only the present
    /// value is explored, in both modes.
    pub(crate) fn peek(&self, site: Access) -> usize {
        self.0.fetch_add(0, site::ordering(site))
    }

    pub(crate) fn fetch_or(&self, bits: usize, site: Access) -> usize {
        self.0.fetch_or(bits, site::ordering(site))
    }

    pub(crate) fn replace(&self, present: usize, new: usize, site: Access, otherwise: Access) -> Result<usize, usize> {
        self.0.compare_exchange(present, new, site::ordering(site), site::ordering(otherwise))
    }

    pub(crate) fn fetch_add(&self, value: usize, site: Access) -> usize {
        self.0.fetch_add(value, site::ordering(site))
    }

    pub(crate) fn fetch_sub(&self, value: usize, site: Access) -> usize {
        self.0.fetch_sub(value, site::ordering(site))
    }
}

/// A value whose leak loom reports.
pub(crate) struct Tracked<T>(Track<T>);

impl<T> Tracked<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Track::new(value))
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T> core::ops::Deref for Tracked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.get_ref()
    }
}
