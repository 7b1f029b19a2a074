//! The backend for model checking: the same things, as the tool that is in has them.

#[cfg(feature = "loom")]
#[path = "loom.rs"]
pub(super) mod tool;
#[cfg(not(feature = "loom"))]
#[path = "shuttle.rs"]
pub(super) mod tool;

use super::site::{self, Access, WakeUp};
use core::cell::Cell;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tool::sync;

pub use tool::BACKEND;
pub(crate) use tool::thread_local as per_thread;
pub(crate) use tool::{ConstPtr, Tracked, UnsafeCell};
#[cfg(feature = "loom")]
pub use tool::{LOADS_AS_RMW, MODEL_UNWINDS};

/// An interpreter's lock: one of the tool's mutexes, whose guard is kept beside it while the lock is held.
pub(crate) struct RawLock {
    // Declared, hence dropped, before the mutex that it borrows.
    guard: Cell<Option<sync::MutexGuard<'static, ()>>>,
    mutex: Box<sync::Mutex<()>>,
}

// SAFETY: `guard` is the only field that is not `Sync`. It is written in `lock` after acquiring the mutex and in `unlock`
// before releasing it, both by the holder, so the mutex orders all accesses.
unsafe impl Sync for RawLock {}
// SAFETY: the threads of a model share one OS thread, so the guard never changes its OS thread.
unsafe impl Send for RawLock {}

impl RawLock {
    pub(crate) fn new() -> Self {
        Self { guard: Cell::new(None), mutex: Box::new(sync::Mutex::new(())) }
    }

    pub(crate) fn lock(&self) {
        // G4, also where it does not end in a deadlock.
        let held = MUTEXES_HELD.with(Cell::get);
        assert!(held == 0, "G4: a thread waits for an interpreter's lock while it holds a mutex");
        let guard = tool::lock(&self.mutex);
        // SAFETY: the mutex is boxed, so it stays where it is, and it outlives the guard: the fields drop in order.
        let guard: sync::MutexGuard<'static, ()> = unsafe { core::mem::transmute(guard) };
        self.guard.set(Some(guard));
    }

    /// # Safety
    ///
    /// The calling thread holds the lock.
    pub(crate) unsafe fn unlock(&self) {
        drop(self.guard.take());
    }

    /// That another thread may come first is explored anyway.
    pub(crate) fn lock_in_turn(&self) {
        self.lock();
    }

    /// Always: the hand-over is explored at every safepoint.
    pub(crate) fn is_contended(&self) -> bool {
        true
    }
}

tool::thread_local! {
    /// How many [`Mutex`]es the thread holds.
    static MUTEXES_HELD: Cell<usize> = Cell::new(0);
}

pub(crate) struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard::new(tool::lock(&self.0))
    }
}

/// A guard that is counted in [`MUTEXES_HELD`].
pub(crate) struct MutexGuard<'a, T>(Option<sync::MutexGuard<'a, T>>);

impl<'a, T> MutexGuard<'a, T> {
    fn new(guard: sync::MutexGuard<'a, T>) -> Self {
        MUTEXES_HELD.with(|held| held.set(held.get() + 1));
        Self(Some(guard))
    }

    fn into_inner(mut self) -> sync::MutexGuard<'a, T> {
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

pub(crate) struct Condvar(sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self(sync::Condvar::new())
    }

    /// Waits for a notification. A deadline passes under the same mutex and notifies, so none is missed here.
    pub(crate) fn wait_until<'a, T>(&self, guard: MutexGuard<'a, T>, _deadline: &Deadline) -> MutexGuard<'a, T> {
        MutexGuard::new(tool::wait(&self.0, guard.into_inner()))
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

pub(crate) struct AtomicUsize(sync::atomic::AtomicUsize);

impl AtomicUsize {
    pub(crate) fn new(value: usize) -> Self {
        Self(sync::atomic::AtomicUsize::new(value))
    }

    pub(crate) fn load(&self, site: Access) -> usize {
        tool::load(&self.0, site::ordering(site))
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
