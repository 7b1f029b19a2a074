//! Broadcast slots on the real code: a reading is kept beside the reader that it borrows.
#![allow(unsafe_code, reason = "a scenario keeps a reading in a variable, as nobody else does: it borrows")]

use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use viewchan::Runtime;
use viewchan::strategy::epoch::{Reader, Reading, Subscriber};

/// A reading, and its reader.
pub(in crate::engine) struct Kept<R: Runtime> {
    /// Borrows the reader. Dropped before it.
    reading: ManuallyDrop<Reading<'static, R>>,
    reader: NonNull<Reader<R>>,
}

// SAFETY: none is ever sent. A worker moves to its thread before it makes the first, and dies there with the last.
unsafe impl<R: Runtime> Send for Kept<R> {}

impl<R: Runtime> Kept<R> {
    /// Reads the current value with a reader of its own. `None` if nothing was published; then the reader is gone.
    pub(super) fn peek(subscriber: &Subscriber<R>) -> Option<Self> {
        let reader = NonNull::from(Box::leak(Box::new(subscriber.reader())));
        // SAFETY: the reader is freed only where the reading is gone: below, and in `drop`.
        let borrowed: &'static Reader<R> = unsafe { reader.as_ref() };
        match borrowed.read() {
            Some(reading) => Some(Self { reading: ManuallyDrop::new(reading), reader }),
            None => {
                // SAFETY: it was leaked above, and nobody borrows it.
                drop(unsafe { Box::from_raw(reader.as_ptr()) });
                None
            }
        }
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.reading
    }
}

impl<R: Runtime> Drop for Kept<R> {
    fn drop(&mut self) {
        // SAFETY: this is the drop: nobody uses the field afterwards.
        unsafe { ManuallyDrop::drop(&mut self.reading) };
        // SAFETY: it was leaked in `peek`, and the reading that borrowed it is gone.
        drop(unsafe { Box::from_raw(self.reader.as_ptr()) });
    }
}
