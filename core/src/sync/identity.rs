//! What is the same in every backend because no protocol step depends on it: identities, statistics, and the memory of
//! interpreters and channels themselves. Taken from the standard library everywhere, so that model checkers need not
//! explore it. (What a channel or interpreter *does* at its end hangs on counts guarded by its lock, not on these.)

use core::sync::atomic::{AtomicU64, Ordering};

/// Shared ownership of an interpreter's or a channel's memory.
pub(crate) type Shared<T> = std::sync::Arc<T>;
/// The weak companion of [`Shared`].
pub(crate) type WeakShared<T> = std::sync::Weak<T>;

/// An identity that the process has not seen before.
pub(crate) fn fresh_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // ORDERING: Relaxed. Only uniqueness matters, and a read-modify-write gives it.
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A statistic with one writer at a time (the holder of a lock) and any number of readers.
#[derive(Debug, Default)]
pub(crate) struct Tally(AtomicU64);

impl Tally {
    /// Adds one. The caller holds the lock that makes it the only writer.
    #[inline]
    pub(crate) fn increment(&self) {
        // ORDERING: Relaxed, and no read-modify-write: the lock orders writers, and readers want a number, not an order.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// The present value.
    pub(crate) fn get(&self) -> u64 {
        // ORDERING: Relaxed: a statistic.
        self.0.load(Ordering::Relaxed)
    }
}
