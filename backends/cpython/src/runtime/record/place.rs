//! Where the bytes of a record are.
//!
//! Large `bytes` objects lie in memory from `malloc` and outlive their interpreter. Small ones lie in its pools,
//! which are freed with it, or never if anything is left in them. So when the interpreter ends, those that nobody has
//! looked at yet are moved out:
//!
//! ```text
//!                 first look
//!   Unread ────────────────────▶ Read      the address is known somewhere: the bytes stay where they are
//!      │
//!      └───────────────────────▶ Moved     whoever looks from now on sees the copy
//!         the interpreter ends
//! ```

use core::cell::UnsafeCell;
use core::ptr::NonNull;
use std::sync::atomic::{AtomicU8, Ordering};

/// Where the bytes of a record are.
pub(super) struct Place {
    state: AtomicU8,
    bytes: NonNull<[u8]>,
    moved: UnsafeCell<Option<NonNull<[u8]>>>,
}

const UNREAD: u8 = 0;
const READ: u8 = 1;
const MOVED: u8 = 2;

impl Place {
    pub(super) fn new(bytes: NonNull<[u8]>) -> Self {
        Self { state: AtomicU8::new(UNREAD), bytes, moved: UnsafeCell::new(None) }
    }

    /// The bytes, which stay where they are from now on.
    pub(super) fn look(&self) -> &[u8] {
        // ORDERING: Acquire, pairs with the Release in `move_to`: if they were moved, `moved` is readable, and the
        // copy is.
        let mut state = self.state.load(Ordering::Acquire);
        if state == UNREAD {
            // ORDERING: Relaxed if it succeeds: it publishes nothing, and only forbids the move; Acquire if not, as
            // above.
            let looked = self.state.compare_exchange(UNREAD, READ, Ordering::Relaxed, Ordering::Acquire);
            state = looked.map_or_else(|now| now, |_| READ);
        }
        let bytes = match state {
            // SAFETY: written before the state said so, and never again.
            MOVED => unsafe { *self.moved.get() }.expect("written before"),
            _ => self.bytes,
        };
        // SAFETY: the content, which keeps its bytes, is given back only when no reference is left.
        unsafe { bytes.as_ref() }
    }

    /// Moves the bytes, unless somebody has looked.
    ///
    /// # Safety
    ///
    /// Nobody else does so, and `bytes` are a copy that is there as long as the record.
    pub(super) unsafe fn move_to(&self, bytes: NonNull<[u8]>) -> bool {
        // SAFETY: nobody reads it before the state says that it is there.
        unsafe { *self.moved.get() = Some(bytes) };
        // ORDERING: Release, pairs with the Acquire in `look`. Relaxed if it fails: then nothing has been done.
        self.state.compare_exchange(UNREAD, MOVED, Ordering::Release, Ordering::Relaxed).is_ok()
    }
}
