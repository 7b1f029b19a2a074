//! A thread state that is always there.
//!
//! Two things hang on it. A visit makes a thread state, for which there may be no memory, but a release cannot fail
//! (G8): then it takes this one. And CPython 3.13 keeps the first thread state of an interpreter in the interpreter
//! itself, uses that place again when there is no other one, and makes it free only after it has taken it off its
//! list: two threads that come and go in an idle interpreter meet there (`init_threadstate: thread state already
//! initialized`). With this one on the list, nobody is ever the first.

use crate::py;
use parking_lot::{Mutex, MutexGuard};
use pyo3_ffi as ffi;

/// Null before it is made, and when it is gone.
pub(super) struct Spare(Mutex<*mut ffi::PyThreadState>);

// SAFETY: the state is used by whoever has the mutex.
unsafe impl Send for Spare {}
// SAFETY: as above.
unsafe impl Sync for Spare {}

impl Spare {
    pub(super) fn none() -> Self {
        Self(Mutex::new(core::ptr::null_mut()))
    }

    /// # Safety
    ///
    /// The interpreter is alive, and [`delete`](Self::delete) is called before it is finalized.
    pub(super) unsafe fn make(&self, interpreter: *mut ffi::PyInterpreterState) {
        // SAFETY: the caller's contract. Null if there is no memory: then there is no spare one.
        *self.0.lock() = unsafe { ffi::PyThreadState_New(interpreter) };
    }

    /// Takes it, after whoever has it.
    pub(super) fn take(&self) -> MutexGuard<'_, *mut ffi::PyThreadState> {
        self.0.lock()
    }

    /// The interpreter ends. The calling thread is attached to it. If the process is being finalized, CPython has deleted
    /// all thread states of the interpreters that were left, before anything of ours.
    pub(super) fn delete(&self) {
        let state = core::mem::replace(&mut *self.0.lock(), core::ptr::null_mut());
        if !state.is_null() && !py::is_finalizing() {
            // SAFETY: the thread is attached, with another state; nobody uses this one.
            unsafe { ffi::PyThreadState_Clear(state) }
            // SAFETY: as above.
            unsafe { ffi::PyThreadState_Delete(state) }
        }
    }
}
