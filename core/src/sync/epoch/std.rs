//! The backend that ships: crossbeam-epoch, with nothing added to what a pin, a load and an unpin cost.

use crate::sync::site::Access;
use core::ptr::NonNull;
use crossbeam_epoch as crossbeam;

/// A collector of its own: no other collector's guards delay it.
#[derive(Clone)]
pub(crate) struct Collector(crossbeam::Collector);

impl Collector {
    pub(crate) fn new() -> Self {
        Self(crossbeam::Collector::new())
    }

    /// A participant, bound to the calling thread.
    pub(crate) fn register(&self) -> LocalHandle {
        LocalHandle(self.0.register())
    }
}

/// A participant. Its guards cost no shared write among themselves: each pin writes the participant's own cache line.
pub(crate) struct LocalHandle(crossbeam::LocalHandle);

impl LocalHandle {
    /// Keeps whatever is loaded from now on. May run deferred functions, whose guards are gone.
    #[inline]
    pub(crate) fn pin(&self) -> Guard {
        Guard(self.0.pin())
    }

    /// Runs what no guard can delay any more: all of it, if no guard is active elsewhere and nobody else reclaims.
    pub(crate) fn reclaim(&self) {
        // The first passes this participant's functions on, marked with the present epoch, and advances it; the second
        // advances it again: two epochs on, they run.
        self.pin().0.flush();
        self.pin().0.flush();
    }
}

/// A guard. While it exists, no function runs that was deferred since it was made.
pub(crate) struct Guard(crossbeam::Guard);

impl Guard {
    /// Runs `work` once, on some thread, after every guard that is active now is gone.
    pub(crate) fn defer(&self, work: impl FnOnce() + Send + 'static) {
        self.0.defer(work);
    }

    /// Drops the guard, then calls `unpinned`, before any function that waited for this guard runs on this thread.
    #[inline]
    pub(crate) fn unpin(self, unpinned: impl FnOnce()) {
        drop(self);
        unpinned();
    }
}

/// A pointer to what the guards of one collector keep.
pub(crate) struct Atomic<T>(crossbeam::Atomic<T>);

impl<T> Atomic<T> {
    pub(crate) fn null() -> Self {
        Self(crossbeam::Atomic::null())
    }

    #[inline]
    pub(crate) fn load(&self, site: Access, guard: &Guard) -> Option<NonNull<T>> {
        NonNull::new(self.0.load(site.ordering, &guard.0).as_raw().cast_mut())
    }

    /// Puts `new` in, and returns what was there.
    pub(crate) fn swap(&self, new: NonNull<T>, site: Access, guard: &Guard) -> Option<NonNull<T>> {
        let new = crossbeam::Shared::from(new.as_ptr().cast_const());
        NonNull::new(self.0.swap(new, site.ordering, &guard.0).as_raw().cast_mut())
    }

    /// Takes out what is there, without a guard: for the only one left.
    pub(crate) fn take(&self, site: Access) -> Option<NonNull<T>> {
        // SAFETY: the guard protects nothing here: the pointer is neither followed nor handed to `defer`.
        let guard = unsafe { crossbeam::unprotected() };
        NonNull::new(self.0.swap(crossbeam::Shared::null(), site.ordering, guard).as_raw().cast_mut())
    }
}
