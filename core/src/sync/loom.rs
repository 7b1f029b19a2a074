//! What only loom has, and what it needs.

use core::sync::atomic::{AtomicBool, Ordering};
use loom::alloc::Track;
use loom::sync::atomic::{AtomicPtr, AtomicUsize};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The name of this backend.
pub const BACKEND: &str = "loom";

/// Whether atomic loads are done as read-modify-writes that add zero. loom does not race a thread's earlier plain load
/// against another thread's later store, so each model runs both ways.
pub static LOADS_AS_RMW: AtomicBool = AtomicBool::new(false);

/// Whether threads of the model panic and go on. loom keeps a standard mutex inside each of its own; that one is poisoned,
/// and loom dead, when a guard from before a panic is dropped during it. All threads of a model are one thread to the
/// standard library, so the panic may be another's. A guard made during a panic does not poison.
pub static MODEL_UNWINDS: AtomicBool = AtomicBool::new(false);

pub(crate) use loom::cell::{ConstPtr, UnsafeCell};
pub(crate) use loom::{sync, thread_local};

/// Locks a mutex.
pub(super) fn lock<T>(mutex: &sync::Mutex<T>) -> sync::MutexGuard<'_, T> {
    unpoisoned(|| mutex.lock().expect("loom does not poison"))
}

/// Waits at a condition.
pub(super) fn wait<'a, T>(condvar: &sync::Condvar, guard: sync::MutexGuard<'a, T>) -> sync::MutexGuard<'a, T> {
    unpoisoned(|| condvar.wait(guard).expect("loom does not poison"))
}

/// Makes a guard, while a small panic of its own unwinds if [`MODEL_UNWINDS`].
fn unpoisoned<G>(make: impl FnOnce() -> G) -> G {
    struct OnDrop<F: FnMut()>(F);
    impl<F: FnMut()> Drop for OnDrop<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    // ORDERING: Relaxed: set once, before the model starts.
    if !MODEL_UNWINDS.load(Ordering::Relaxed) {
        return make();
    }
    let (mut make, mut guard) = (Some(make), None);
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _make = OnDrop(|| guard = make.take().map(|make| make()));
        resume_unwind(Box::new(()));
    }));
    debug_assert!(unwound.is_err());
    guard.expect("made while unwinding")
}

/// Loads, in the way of [`LOADS_AS_RMW`].
pub(super) fn load(atomic: &AtomicUsize, ordering: Ordering) -> usize {
    // ORDERING: Relaxed: set once, before the model starts.
    if LOADS_AS_RMW.load(Ordering::Relaxed) { atomic.fetch_add(0, ordering) } else { atomic.load(ordering) }
}

/// Loads a pointer, in the way of [`LOADS_AS_RMW`].
pub(in crate::sync) fn load_pointer<T>(atomic: &AtomicPtr<T>, ordering: Ordering) -> *mut T {
    // ORDERING: Relaxed: set once, before the model starts.
    if !LOADS_AS_RMW.load(Ordering::Relaxed) {
        // ORDERING: the caller's.
        return atomic.load(ordering);
    }
    // Null becomes null, anything else stays. A pointer has no addition of zero.
    let unchanged = atomic.compare_exchange(core::ptr::null_mut(), core::ptr::null_mut(), ordering, ordering);
    unchanged.unwrap_or_else(|there| there)
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
