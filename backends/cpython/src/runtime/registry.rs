//! Interpreters that have imported the module, by their id.

use super::{Core, Python};
use parking_lot::Mutex;
use pyo3_ffi as ffi;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use viewchan::Runtime;
use viewchan::runtime::{Cause, InterpreterId};

/// How often each GIL was acquired, by cause.
pub(crate) type Numbers = [u64; Cause::ALL.len()];

enum Entry {
    /// From its first import to its end.
    Alive(Python),
    /// Something of it may still be pinned.
    Ended(Weak<Core>),
    /// Nothing is left but numbers.
    Gone(Numbers),
}

static INTERPRETERS: Mutex<BTreeMap<u64, Entry>> = Mutex::new(BTreeMap::new());

/// What is known of an interpreter.
pub(crate) enum Found {
    Handle(Python),
    Gone(Numbers),
}

/// The handle on the interpreter to which the calling thread is attached, and whether it is new.
pub(crate) fn enrol() -> (Python, bool) {
    enrol_with(super::BATCH)
}

/// The same; a new one collects so many at a time.
pub(super) fn enrol_with(batch: usize) -> (Python, bool) {
    if let Some(python) = present() {
        return (python, false);
    }
    // SAFETY: the thread is attached, so the interpreter is alive; the caller announces its end.
    let python = unsafe { Python::new(ffi::PyInterpreterState_Get(), present_id(), batch) };
    INTERPRETERS.lock().insert(present_id(), Entry::Alive(python.clone()));
    (python, true)
}

/// The handle on the interpreter to which the calling thread is attached, if the module has been imported there.
pub(crate) fn present() -> Option<Python> {
    find_alive(present_id())
}

fn present_id() -> u64 {
    // SAFETY: the thread is attached, as the caller says.
    let id = unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) };
    u64::try_from(id).expect("the id of an interpreter is not negative")
}

/// The interpreter with this id, if it has imported the module and has not ended.
pub(crate) fn find_alive(id: u64) -> Option<Python> {
    match INTERPRETERS.lock().get(&id) {
        Some(Entry::Alive(python)) => Some(python.clone()),
        _ => None,
    }
}

/// What is known of the interpreter with this id, if it ever imported the module.
pub(crate) fn find(id: u64) -> Option<Found> {
    match INTERPRETERS.lock().get(&id)? {
        Entry::Alive(python) => Some(Found::Handle(python.clone())),
        // Without a handle, the numbers are about to be here: nothing is pinned.
        Entry::Ended(core) => {
            Some(core.upgrade().map_or(Found::Gone(Numbers::default()), |core| Found::Handle(Python(core))))
        }
        Entry::Gone(numbers) => Some(Found::Gone(*numbers)),
    }
}

pub(super) fn all_alive() -> Vec<Python> {
    let alive = |entry: &Entry| if let Entry::Alive(python) = entry { Some(python.clone()) } else { None };
    INTERPRETERS.lock().values().filter_map(alive).collect()
}

/// The interpreter has not imported the module after all.
pub(crate) fn withdraw(python: &Python) {
    let InterpreterId(id) = python.id();
    let withdrawn = INTERPRETERS.lock().remove(&id);
    drop(withdrawn);
}

/// The interpreter ends.
pub(super) fn end(python: &Python) {
    let InterpreterId(id) = python.id();
    let entry = Entry::Ended(Arc::downgrade(&python.0));
    // Dropped without the mutex: it may be the last handle but one.
    let alive = INTERPRETERS.lock().insert(id, entry);
    drop(alive);
}

impl Drop for Core {
    fn drop(&mut self) {
        let numbers = self.acquisitions.each_mut().map(|number| *number.get_mut());
        INTERPRETERS.lock().insert(self.id.0, Entry::Gone(numbers));
    }
}
