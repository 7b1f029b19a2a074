//! Memory that belongs to no interpreter: behind a `Buffer`, and behind what is copied.

use core::alloc::Layout;
use core::ptr::NonNull;
use std::alloc::{alloc_zeroed, dealloc};
use std::sync::atomic::{AtomicBool, Ordering};

/// A block of bytes, writable by whoever has it alone until it is frozen, then readable by anyone.
pub struct Storage {
    start: NonNull<u8>,
    len: usize,
    /// Nobody writes any more. Changed under the GIL of the interpreter whose `Buffer` has the storage.
    is_frozen: AtomicBool,
}

// SAFETY: the block is this one's. Shared access only reads, once it is frozen; before, only raw pointers are handed
// out.
unsafe impl Send for Storage {}
// SAFETY: as above.
unsafe impl Sync for Storage {}

/// Starts of cache lines, and of everything that NumPy and SIMD code want aligned.
const ALIGNMENT: usize = 64;

/// Of no bytes, one is allocated: an empty block has an address of its own, too.
fn layout(len: usize) -> Option<Layout> {
    Layout::from_size_align(len.max(1), ALIGNMENT).ok()
}

impl Storage {
    /// Zeroed memory. `None` if there is not so much.
    #[must_use]
    pub fn zeroed(len: usize) -> Option<Self> {
        let layout = layout(len)?;
        // SAFETY: the size is not zero.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Self { start, len, is_frozen: AtomicBool::new(false) })
    }

    /// A frozen copy. `None` if there is not so much memory.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Option<Self> {
        let mut storage = Self::zeroed(bytes.len())?;
        storage.as_mut_slice().copy_from_slice(bytes);
        storage.freeze();
        Some(storage)
    }

    /// Number of bytes.
    #[expect(clippy::len_without_is_empty, reason = "nobody asks")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Where it starts. To be written through only while it is not frozen, and under the GIL.
    pub(crate) fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// The bytes, of whoever has the storage alone.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: the block has these bytes, initialised; `&mut self` has it alone.
        unsafe { core::slice::from_raw_parts_mut(self.start.as_ptr(), self.len()) }
    }

    pub(crate) fn is_frozen(&self) -> bool {
        // ORDERING: Relaxed: read and written under one GIL; who gets the storage from there got it through a channel.
        self.is_frozen.load(Ordering::Relaxed)
    }

    /// Nobody writes from now on: no writable pointer is left.
    pub fn freeze(&self) {
        // ORDERING: Relaxed, see `is_frozen`.
        self.is_frozen.store(true, Ordering::Relaxed);
    }

    /// It may be written again. `&mut self`: nobody else has it.
    pub fn thaw(&mut self) {
        *self.is_frozen.get_mut() = false;
    }

    /// The bytes.
    ///
    /// # Panics
    ///
    /// If it is not frozen.
    pub fn frozen_bytes(&self) -> &[u8] {
        assert!(self.is_frozen(), "the storage is still writable");
        // SAFETY: the block has these bytes, initialised, and nobody writes while it is frozen; thawing takes `&mut`.
        unsafe { core::slice::from_raw_parts(self.start.as_ptr(), self.len()) }
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        let layout = layout(self.len).expect("allocated with it");
        // SAFETY: allocated in `zeroed` with this layout.
        unsafe { dealloc(self.start.as_ptr(), layout) }
    }
}
