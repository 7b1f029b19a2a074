//! The backend that ships: parking_lot's locks, the standard library's atomics, cells that cost nothing.

use super::cell;
use super::site::{Access, WakeUp};
use core::hint::spin_loop;
use core::sync::atomic::{self, Ordering};
use parking_lot::lock_api::RawMutex as _;
use std::thread::yield_now;
use std::time::{Duration, Instant};

/// The name of this backend.
pub const BACKEND: &str = "std";

pub(crate) use cell::{ConstPtr, Tracked, UnsafeCell};

/// Thread-locals whose first values are constants: no access has to look whether they are there yet. (Loom and shuttle have no
/// such form.)
macro_rules! per_thread {
    ($($(#[$attribute:meta])* static $name:ident: $type:ty = $first:expr;)*) => {
        ::std::thread_local! { $($(#[$attribute])* static $name: $type = const { $first };)* }
    };
}
pub(crate) use per_thread;

/// An interpreter's lock: held across calls, handed over on request.
///
/// Who finds it held queues at a turnstile: one thread waits for the lock itself, the others for the turnstile. Who hands
/// the lock over goes through the turnstile too, hence behind the thread that stands in it.
pub(crate) struct RawLock {
    raw: parking_lot::RawMutex,
    turnstile: parking_lot::Mutex<()>,
    /// A thread stands in the turnstile.
    is_waited_for: atomic::AtomicBool,
}

impl RawLock {
    pub(crate) fn new() -> Self {
        Self {
            raw: parking_lot::RawMutex::INIT,
            turnstile: parking_lot::Mutex::new(()),
            is_waited_for: atomic::AtomicBool::new(false),
        }
    }

    /// Waits for the lock and takes it.
    #[inline]
    pub(crate) fn lock(&self) {
        if !self.raw.try_lock() {
            self.lock_in_turn();
        }
    }

    /// Like [`lock`](Self::lock), but behind whoever waits already.
    #[cold]
    pub(crate) fn lock_in_turn(&self) {
        let turn = self.turnstile.lock();
        // ORDERING: Relaxed: a hint for `is_contended`. A stale value delays a hand-over to the next safepoint.
        self.is_waited_for.store(true, Ordering::Relaxed);
        self.raw.lock();
        // ORDERING: Relaxed: as above.
        self.is_waited_for.store(false, Ordering::Relaxed);
        drop(turn);
    }

    /// Gives the lock up.
    ///
    /// # Safety
    ///
    /// The calling thread holds the lock.
    #[inline]
    pub(crate) unsafe fn unlock(&self) {
        // SAFETY: the caller holds the lock.
        unsafe { self.raw.unlock() }
    }

    /// Whether a thread waits for the lock.
    #[inline]
    pub(crate) fn is_contended(&self) -> bool {
        // ORDERING: Relaxed: a hint, see `lock_in_turn`.
        self.is_waited_for.load(Ordering::Relaxed)
    }
}

/// A lock for short critical sections.
pub(crate) struct Mutex<T>(parking_lot::Mutex<T>);

pub(crate) type MutexGuard<'a, T> = parking_lot::MutexGuard<'a, T>;

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(parking_lot::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock()
    }
}

/// How often a thread that waits looks out for a notification, before it goes to sleep, with a pause of the processor in between
/// (10 to 50 ns): in all less than to sleep and be woken takes.
const PAUSES: usize = 100;
/// The same with its turn given to another thread in between, which may be the one that is waited for.
const YIELDS: usize = 10;

/// A condition to wait for. Wake-ups may be spurious.
pub(crate) struct Condvar {
    sleepers: parking_lot::Condvar,
    /// How many notifications there were, all told. Changed under the mutex, so nobody goes to sleep having missed one.
    notified: atomic::AtomicUsize,
}

impl Condvar {
    pub(crate) fn new() -> Self {
        Self { sleepers: parking_lot::Condvar::new(), notified: atomic::AtomicUsize::new(0) }
    }

    /// Waits for a notification or the deadline, whichever comes first.
    pub(crate) fn wait_until<'a, T>(&self, mut guard: MutexGuard<'a, T>, deadline: &Deadline) -> MutexGuard<'a, T> {
        let before = self.notified();
        parking_lot::MutexGuard::unlocked(&mut guard, || {
            for look in 0..PAUSES + YIELDS {
                if self.notified() != before {
                    return;
                }
                if look < PAUSES { spin_loop() } else { yield_now() }
            }
        });
        if self.notified() == before {
            match deadline.0 {
                Some(instant) => drop(self.sleepers.wait_until(&mut guard, instant)),
                None => self.sleepers.wait(&mut guard),
            }
        }
        guard
    }

    /// Wakes one thread or more. The caller holds the mutex.
    pub(crate) fn notify_one(&self, _site: WakeUp) {
        self.count();
        self.sleepers.notify_one();
    }

    /// Wakes all. The caller holds the mutex.
    pub(crate) fn notify_all(&self, _site: WakeUp) {
        self.count();
        self.sleepers.notify_all();
    }

    fn notified(&self) -> usize {
        // ORDERING: Relaxed: a hint to who is awake; who goes to sleep has looked under the mutex, which orders it.
        self.notified.load(Ordering::Relaxed)
    }

    fn count(&self) {
        // ORDERING: Relaxed, and no read-modify-write: the mutex orders writers.
        self.notified.store(self.notified.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }
}

/// A moment on the monotonic clock, or never.
#[derive(Clone, Debug)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// The moment `timeout` from now; never, if that is beyond what the clock can express.
    pub fn after(timeout: Duration) -> Self {
        Self(Instant::now().checked_add(timeout))
    }

    /// A deadline that does not come.
    pub fn never() -> Self {
        Self(None)
    }

    /// Lets the deadline pass, in backends without a clock. Here the clock decides, and this does nothing.
    pub fn pass(&self) {}

    /// Whether the moment has come.
    pub fn has_passed(&self) -> bool {
        self.0.is_some_and(|instant| Instant::now() >= instant)
    }
}

/// An atomic counter whose accesses name their [site](super::site).
pub(crate) struct AtomicUsize(atomic::AtomicUsize);

impl AtomicUsize {
    pub(crate) fn new(value: usize) -> Self {
        Self(atomic::AtomicUsize::new(value))
    }

    #[inline]
    pub(crate) fn load(&self, site: Access) -> usize {
        self.0.load(site.ordering)
    }

    /// A load whose result may be stale: to see too little now is the same as to have looked earlier.
    #[inline]
    pub(crate) fn peek(&self, site: Access) -> usize {
        self.0.load(site.ordering)
    }

    #[inline]
    pub(crate) fn fetch_or(&self, bits: usize, site: Access) -> usize {
        self.0.fetch_or(bits, site.ordering)
    }

    /// Replaces `present` by `new`, or says what else is there. May fail spuriously: call it in a loop.
    #[inline]
    pub(crate) fn replace(&self, present: usize, new: usize, site: Access, otherwise: Access) -> Result<usize, usize> {
        self.0.compare_exchange_weak(present, new, site.ordering, otherwise.ordering)
    }

    #[inline]
    pub(crate) fn fetch_add(&self, value: usize, site: Access) -> usize {
        self.0.fetch_add(value, site.ordering)
    }

    #[inline]
    pub(crate) fn fetch_sub(&self, value: usize, site: Access) -> usize {
        self.0.fetch_sub(value, site.ordering)
    }
}
