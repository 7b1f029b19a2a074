//! Interpreters that have imported the module, by their id.

use super::Python;
use parking_lot::Mutex;
use pyo3_ffi as ffi;
use std::collections::BTreeMap;
use viewchan::Runtime;
use viewchan::runtime::InterpreterId;

/// Each from its first import to its end.
static INTERPRETERS: Mutex<BTreeMap<u64, Python>> = Mutex::new(BTreeMap::new());

/// The handle on the interpreter to which the calling thread is attached, and whether it is new.
pub(crate) fn present() -> (Python, bool) {
    // SAFETY: the thread is attached, as the caller says.
    let interpreter = unsafe { ffi::PyInterpreterState_Get() };
    // SAFETY: as above.
    let id = unsafe { ffi::PyInterpreterState_GetID(interpreter) };
    let id = u64::try_from(id).expect("the id of an interpreter is not negative");
    let mut is_new = false;
    let mut interpreters = INTERPRETERS.lock();
    let python = interpreters.entry(id).or_insert_with(|| {
        is_new = true;
        // SAFETY: the thread is attached, so it is alive; the caller announces its end.
        unsafe { Python::new(interpreter, id, super::BATCH) }
    });
    (python.clone(), is_new)
}

/// The interpreter with this id, if it has imported the module and has not ended.
pub(crate) fn find(id: u64) -> Option<Python> {
    INTERPRETERS.lock().get(&id).cloned()
}

pub(super) fn all() -> Vec<Python> {
    INTERPRETERS.lock().values().cloned().collect()
}

/// The interpreter ends.
pub(super) fn forget(python: &Python) {
    let InterpreterId(id) = python.id();
    // Dropped without the mutex: it may be the last handle.
    let forgotten = INTERPRETERS.lock().remove(&id);
    drop(forgotten);
}
