//! A thread state that is always there.
//!
//! Two things hang on it. A visit makes a thread state, for which there may be no memory, but a release cannot fail
//! (G8): then it takes this one. And CPython 3.13 keeps the first thread state of an interpreter in the interpreter
//! itself, uses that place again when there is no other one, and makes it free only after it has taken it off its
//! list: two threads that come and go in an idle interpreter meet there (`init_threadstate: thread state already
//! initialized`). With this one on the list, nobody is ever the first.

use parking_lot::{Mutex, MutexGuard};
use pyo3_ffi as ffi;

pub(super) struct Spare(Mutex<*mut ffi::PyThreadState>);

// SAFETY: the state is used by whoever has the mutex.
unsafe impl Send for Spare {}
// SAFETY: as above.
unsafe impl Sync for Spare {}

impl Spare {
    /// # Safety
    ///
    /// The interpreter is alive, and [`delete`](Self::delete) is called before it is finalized.
    pub(super) unsafe fn new(interpreter: *mut ffi::PyInterpreterState) -> Self {
        // SAFETY: the caller's contract. Null if there is no memory: then there is no spare one.
        Self(Mutex::new(unsafe { ffi::PyThreadState_New(interpreter) }))
    }

    /// Takes it, after whoever has it.
    pub(super) fn take(&self) -> MutexGuard<'_, *mut ffi::PyThreadState> {
        self.0.lock()
    }

    /// The interpreter ends. The calling thread is attached to it.
    pub(super) fn delete(&self) {
        let state = core::mem::replace(&mut *self.0.lock(), core::ptr::null_mut());
        if !state.is_null() {
            // SAFETY: the thread is attached, with another state; nobody uses this one.
            unsafe { ffi::PyThreadState_Clear(state) }
            // SAFETY: as above.
            unsafe { ffi::PyThreadState_Delete(state) }
        }
    }
}
