//! Records whose content is dropped later, on the same thread.

use super::{Links, Record};
use core::cell::Cell;
use core::ptr::NonNull;

thread_local! {
    /// Records whose content is to be dropped as soon as the thread has left the owner: dropping a view visits
    /// another one.
    static FALLEN: Cell<Option<NonNull<Record>>> = const { Cell::new(None) };
    /// A function further up the stack drops them: the stack does not grow with a chain of relays.
    static IS_DROPPING: Cell<bool> = const { Cell::new(false) };
}

/// Keeps a record for [`drop_fallen`]. Allocates nothing: the link is its own.
pub(super) fn fall(mut record: Box<Record>) {
    *record.links.get_mut() = Links { previous: None, next: FALLEN.get() };
    FALLEN.set(Some(NonNull::from(Box::leak(record))));
}

/// Drops what has fallen. The thread is within no visit.
pub(in super::super) fn drop_fallen() {
    if FALLEN.get().is_none() || IS_DROPPING.replace(true) {
        return;
    }
    while let Some(place) = FALLEN.get() {
        // SAFETY: leaked in `fall`, and taken off here, once.
        let record = unsafe { Box::from_raw(place.as_ptr()) };
        // SAFETY: the record is this thread's.
        FALLEN.set(unsafe { *record.links.get() }.next);
        drop(record);
    }
    IS_DROPPING.set(false);
}
