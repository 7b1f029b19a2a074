//! The backend for model checking: a mutex, the guards that are active, and what waits for them.
//!
//! A deferred function runs as early as it may: on the thread whose unpin takes away the last guard that it waits for.
//!
//! Loom cannot explore crossbeam-epoch: there are too many interleavings. Shuttle could run it, but would learn less from
//! it. Its atomics are not shuttle's, so nothing of it would be scheduled, and it comes to a deferred function long after
//! the moment at which a use after that would show. Here that moment is explored, and it is the same one in every run.

use crate::sync::backend::tool::{self, sync::atomic::AtomicPtr};
use crate::sync::site::{self, Access, EPOCH_DEFER, EPOCH_PIN};
use crate::sync::{Mutex, Shared};
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

type Work = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct State {
    /// Guards are numbered in the order in which they were made.
    next: usize,
    active: Vec<usize>,
    deferred: Vec<Deferred>,
}

struct Deferred {
    /// The guards that were active when it was deferred, and still are.
    blockers: Vec<usize>,
    work: Work,
}

impl State {
    fn pin(&mut self) -> usize {
        self.next += 1;
        if !site::is_bypassed(EPOCH_PIN) {
            self.active.push(self.next);
        }
        self.next
    }

    /// Takes the guard away, and takes out what waited for it alone.
    fn unpin(&mut self, guard: usize) -> Vec<Work> {
        self.active.retain(|&active| active != guard);
        for deferred in &mut self.deferred {
            deferred.blockers.retain(|&blocker| blocker != guard);
        }
        self.deferred.extract_if(.., |deferred| deferred.blockers.is_empty()).map(|ready| ready.work).collect()
    }

    /// Gives the function back if it waits for nobody.
    fn defer(&mut self, work: Work) -> Option<Work> {
        if site::is_bypassed(EPOCH_DEFER) {
            return Some(work);
        }
        self.deferred.push(Deferred { blockers: self.active.clone(), work });
        None
    }
}

/// What the parts of a collector share. Dropped with the last of them.
struct Heart(Mutex<State>);

impl Drop for Heart {
    /// No guard is left: everything that waits runs.
    fn drop(&mut self) {
        // Locked, although nobody else is left: so all that was done under guards happens before.
        let deferred = core::mem::take(&mut self.0.lock().deferred);
        deferred.into_iter().for_each(|deferred| (deferred.work)());
    }
}

/// A collector of its own: no other collector's guards delay it.
#[derive(Clone)]
pub struct Collector(Shared<Heart>);

impl Collector {
    /// A collector without guards.
    #[allow(clippy::new_without_default, reason = "it is made inside a model only")]
    #[must_use]
    pub fn new() -> Self {
        Self(Shared::new(Heart(Mutex::new(State::default()))))
    }

    /// A participant, bound to the calling thread.
    #[must_use]
    pub fn register(&self) -> LocalHandle {
        LocalHandle { collector: self.clone(), _thread: PhantomData }
    }
}

/// A participant.
pub struct LocalHandle {
    collector: Collector,
    _thread: PhantomData<*mut ()>,
}

impl LocalHandle {
    /// Keeps whatever is loaded from now on.
    #[must_use]
    pub fn pin(&self) -> Guard {
        let number = self.collector.0.0.lock().pin();
        Guard { collector: self.collector.clone(), number, _thread: PhantomData }
    }

    /// Nothing: a deferred function runs as early as it may.
    pub fn reclaim(&self) {}
}

/// A guard. While it exists, no function runs that was deferred since it was made.
pub struct Guard {
    collector: Collector,
    number: usize,
    _thread: PhantomData<*mut ()>,
}

impl Guard {
    /// Runs `work` once, on some thread, after every guard that is active now is gone.
    pub fn defer(&self, work: impl FnOnce() + Send + 'static) {
        let at_once = self.collector.0.0.lock().defer(Box::new(work));
        if let Some(work) = at_once {
            work();
        }
    }

    /// Drops the guard, calls `unpinned`, then runs what waited for this guard alone.
    pub fn unpin(self, unpinned: impl FnOnce()) {
        let guard = core::mem::ManuallyDrop::new(self);
        // SAFETY: `guard` is neither used as a whole nor dropped, so its field is taken once.
        let collector = unsafe { ptr::read(&guard.collector) };
        leave(&collector, guard.number, unpinned);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        leave(&self.collector, self.number, || ());
    }
}

fn leave(collector: &Collector, guard: usize, unpinned: impl FnOnce()) {
    let mut state = collector.0.0.lock();
    let ready = state.unpin(guard);
    unpinned();
    drop(state);
    ready.into_iter().for_each(|work| work());
}

/// A pointer to what the guards of one collector keep.
pub struct Atomic<T>(AtomicPtr<T>);

impl<T> Atomic<T> {
    /// A null pointer.
    #[allow(clippy::must_use_candidate, reason = "as in the other backend")]
    pub fn null() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// What is there; also what was there, as long as nothing orders this thread after its replacement.
    #[must_use]
    pub fn load(&self, site: Access, _guard: &Guard) -> Option<NonNull<T>> {
        NonNull::new(tool::load_pointer(&self.0, site::ordering(site)))
    }

    /// Puts `new` in, and returns what was there.
    pub fn swap(&self, new: NonNull<T>, site: Access, _guard: &Guard) -> Option<NonNull<T>> {
        NonNull::new(self.0.swap(new.as_ptr(), site::ordering(site)))
    }

    /// Takes out what is there, without a guard: for the only one left.
    pub fn take(&self, site: Access) -> Option<NonNull<T>> {
        NonNull::new(self.0.swap(ptr::null_mut(), site::ordering(site)))
    }
}
