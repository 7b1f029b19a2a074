//! The life of an interpreter, and how it ends (G7).
//!
//! ```text
//!             end                       the last thread leaves
//!   Running ───────▶ Finalizing ───────────────────────────────▶ Ended
//!                    │ nobody is admitted any more,              nobody is inside,
//!                    │ threads that wait are woken,              nobody comes in but to give back
//!                    └ threads inside go on
//! ```
//!
//! Nobody waits for anybody: an end only begins, and the last one out completes it. So an interpreter can be ended from
//! inside, twice, and by one that it ends itself.
//!
//! What it owns does not end with it. The counts of its objects stay guarded by its lock, whoever has a reference keeps both,
//! and a visit that gives something back finds them as before: that is what adopting the payload means here.

use crate::runtime::{Ended, InterpreterId};
use crate::sync::site::{LIFE_END, LIFE_LOOK};
use crate::sync::{AtomicUsize, Shared, UnsafeCell};
use crate::trace::{self, Event};
use core::fmt;

/// Something at which a thread waits that is to be woken when its interpreter ends.
pub trait Wake: Send + Sync {
    /// Wakes all who wait, so that each looks again whether its interpreter is ending.
    fn wake(&self);
}

/// Where a thread is about to wait.
pub type Waker = Shared<dyn Wake>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Running,
    Finalizing,
    Ended,
}

/// What the interpreter's lock guards.
struct Guarded {
    stage: Stage,
    /// Threads that were admitted and have not left for good, those that are out for a moment included.
    inside: usize,
    /// Where threads wait that belong to this interpreter.
    waiting: Vec<Waker>,
}

/// The life of an interpreter. Every function but [`is_ending`](Self::is_ending) is called under its lock.
pub struct Life {
    id: InterpreterId,
    guarded: UnsafeCell<Guarded>,
    /// Not 0 from the beginning of the end on. For those who do not hold the lock.
    ending: AtomicUsize,
}

// SAFETY: `guarded` is accessed under the interpreter's lock only.
unsafe impl Sync for Life {}

impl Life {
    pub(super) fn new(id: InterpreterId) -> Self {
        let guarded = Guarded { stage: Stage::Running, inside: 0, waiting: Vec::new() };
        Self { id, guarded: UnsafeCell::new(guarded), ending: AtomicUsize::new(0) }
    }

    /// Whether the end has begun.
    #[inline]
    pub fn is_ending(&self) -> bool {
        // ORDERING: LIFE_LOOK (Relaxed): nothing is published by it. Who looked too early waits at a place that is woken, or
        // has received before the end.
        self.ending.peek(LIFE_LOOK) != 0
    }

    /// Lets a thread in that wants to run code, unless the end has begun. Who was let in calls [`leave`](Self::leave),
    /// once.
    ///
    /// # Errors
    ///
    /// [`Ended`] if the end has begun.
    ///
    /// # Safety
    ///
    /// The calling thread holds the interpreter's lock.
    #[inline]
    pub unsafe fn admit(&self) -> Result<(), Ended> {
        // SAFETY: the caller holds the lock.
        unsafe {
            self.with(|life| match life.stage {
                Stage::Running => {
                    life.inside += 1;
                    Ok(())
                }
                Stage::Finalizing | Stage::Ended => Err(Ended),
            })
        }
    }

    /// A thread that was admitted leaves for good. The last one completes the end.
    ///
    /// # Safety
    ///
    /// The calling thread holds the interpreter's lock, and was admitted.
    #[inline]
    pub unsafe fn leave(&self) {
        // SAFETY: the caller holds the lock.
        unsafe {
            self.with(|life| {
                life.inside -= 1;
                self.complete(life);
            });
        }
    }

    /// Begins the end; completes it if nobody is inside.
    ///
    /// # Errors
    ///
    /// [`Ended`] if it had begun before.
    ///
    /// # Safety
    ///
    /// The calling thread holds the interpreter's lock.
    pub unsafe fn end(&self) -> Result<(), Ended> {
        // SAFETY: the caller holds the lock.
        let waiting = unsafe {
            self.with(|life| {
                if life.stage != Stage::Running {
                    return Err(Ended);
                }
                life.stage = Stage::Finalizing;
                // ORDERING: LIFE_END (Relaxed), see `is_ending`.
                self.ending.fetch_or(1, LIFE_END);
                trace::emit(|| Event::Ending { interpreter: self.id });
                self.complete(life);
                Ok(core::mem::take(&mut life.waiting))
            })
        }?;
        // Whoever comes to wait after this looks at `ending` in the same critical section in which it begins to wait.
        waiting.iter().for_each(|waker| waker.wake());
        Ok(())
    }

    fn complete(&self, life: &mut Guarded) {
        if life.stage == Stage::Finalizing && life.inside == 0 {
            life.stage = Stage::Ended;
            trace::emit(|| Event::Ended { interpreter: self.id });
        }
    }

    /// A thread of this interpreter is about to leave it and wait there. Once it is back, it calls
    /// [`remove_waker`](Self::remove_waker) with the same waker.
    ///
    /// # Safety
    ///
    /// The calling thread holds the interpreter's lock.
    pub unsafe fn add_waker(&self, waker: &Waker) {
        // SAFETY: the caller holds the lock.
        unsafe { self.with(|life| life.waiting.push(Shared::clone(waker))) }
    }

    /// It has come back.
    ///
    /// # Safety
    ///
    /// The calling thread holds the interpreter's lock.
    pub unsafe fn remove_waker(&self, waker: &Waker) {
        // SAFETY: the caller holds the lock.
        let removed = unsafe {
            self.with(|life| {
                let place = life.waiting.iter().position(|other| Shared::ptr_eq(other, waker));
                place.map(|place| life.waiting.swap_remove(place))
            })
        };
        drop(removed);
    }

    /// # Safety
    ///
    /// The calling thread holds the interpreter's lock, and `work` does not come back here.
    #[inline]
    unsafe fn with<T>(&self, work: impl FnOnce(&mut Guarded) -> T) -> T {
        self.guarded.with_mut(|guarded| {
            // SAFETY: the lock makes the access exclusive, and it is not nested.
            work(unsafe { &mut *guarded })
        })
    }
}

impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Life").field("is_ending", &self.is_ending()).finish_non_exhaustive()
    }
}
