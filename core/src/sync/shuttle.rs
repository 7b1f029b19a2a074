//! What only shuttle has, and what it needs.
//!
//! To shuttle every atomic access is sequentially consistent, whatever the ordering of its site, and cells and leaks are
//! not checked: it is for the logic of the protocol, at sizes that are beyond loom.

use core::sync::atomic::Ordering;
use shuttle::sync::atomic::{AtomicPtr, AtomicUsize};
use std::sync::PoisonError;

/// The name of this backend.
pub const BACKEND: &str = "shuttle";

pub(crate) use crate::sync::cell::{ConstPtr, Tracked, UnsafeCell};
pub(crate) use shuttle::{sync, thread_local};

/// Locks a mutex. A thread of the model that panics and goes on poisons what it drops meanwhile, as with the standard
/// library's; the mutexes that ship do not poison.
pub(super) fn lock<T>(mutex: &sync::Mutex<T>) -> sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits at a condition.
pub(super) fn wait<'a, T>(condvar: &sync::Condvar, guard: sync::MutexGuard<'a, T>) -> sync::MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// Loads.
pub(super) fn load(atomic: &AtomicUsize, ordering: Ordering) -> usize {
    // ORDERING: the caller's, which shuttle takes for SeqCst.
    atomic.load(ordering)
}

/// Loads a pointer.
pub(in crate::sync) fn load_pointer<T>(atomic: &AtomicPtr<T>, ordering: Ordering) -> *mut T {
    // ORDERING: the caller's, which shuttle takes for SeqCst.
    atomic.load(ordering)
}
