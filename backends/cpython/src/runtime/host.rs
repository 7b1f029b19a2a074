//! For a program that makes interpreters itself, and runs threads of its own in them, as the conformance runner does.
//!
//! Beside [`Runtime`](viewchan::Runtime) this is all that such a program needs: interpreters that come and go, a thread
//! that stays in one, and memory that becomes a buffer and memory again.

use super::record::{self, Content};
use super::{Call, Python, Token, ending, registry, stay};
use crate::py::{Attached, Raised};
use crate::storage::Storage;
use core::ffi::{CStr, c_char, c_int};
use core::ptr;
use pyo3_ffi as ffi;
use std::sync::Arc;
use viewchan::Buffer;
use viewchan::ledger::Ledger;
use viewchan::runtime::{Cause, Ended};
use viewchan::trace::ObjectId;

/// `PyInterpreterConfig`, which is not part of the stable ABI, but has been the same since 3.12.
#[repr(C)]
struct Config {
    use_main_obmalloc: c_int,
    allow_fork: c_int,
    allow_exec: c_int,
    allow_threads: c_int,
    allow_daemon_threads: c_int,
    check_multi_interp_extensions: c_int,
    gil: c_int,
}

/// What CPython calls isolated: with a GIL and an allocator of its own.
static ISOLATED: Config = Config {
    use_main_obmalloc: 0,
    allow_fork: 0,
    allow_exec: 0,
    allow_threads: 1,
    allow_daemon_threads: 0,
    check_multi_interp_extensions: 1,
    gil: 2,
};

/// `PyStatus`.
#[repr(C)]
struct Status {
    kind: c_int,
    function: *const c_char,
    message: *const c_char,
    exit_code: c_int,
}

unsafe extern "C" {
    fn Py_NewInterpreterFromConfig(state: *mut *mut ffi::PyThreadState, config: *const Config) -> Status;
}

/// Makes an interpreter with a GIL of its own, to which nobody is attached. It collects `batch` returned buffers at a
/// time.
///
/// # Errors
///
/// What CPython says, if it cannot make one.
///
/// # Safety
///
/// The calling thread is attached to the main interpreter, and not by a function of this module. It is so again
/// afterwards.
pub unsafe fn create(batch: usize) -> Result<Python, String> {
    // SAFETY: the thread is attached.
    let main = unsafe { ffi::PyThreadState_Get() };
    let mut state = ptr::null_mut();
    // SAFETY: as above; both places are good.
    let status = unsafe { Py_NewInterpreterFromConfig(&raw mut state, &raw const ISOLATED) };
    if state.is_null() {
        // SAFETY: a message is a string that stays.
        let message = (!status.message.is_null()).then(|| unsafe { CStr::from_ptr(status.message) });
        return Err(message.unwrap_or(c"CPython does not say why").to_string_lossy().into_owned());
    }
    let python = announced(batch);
    // As CPython's own module does: who comes in makes a thread state of its own.
    // SAFETY: the thread is attached with this state.
    unsafe { ffi::PyThreadState_Clear(state) }
    // SAFETY: as above.
    unsafe { ffi::PyEval_SaveThread() };
    // SAFETY: it is nobody's present state any more, and cleared.
    unsafe { ffi::PyThreadState_Delete(state) }
    // SAFETY: the thread was attached with it, and is attached to nobody now.
    unsafe { ffi::PyEval_RestoreThread(main) }
    python
}

/// The handle on the new interpreter to which the thread is attached.
fn announced(batch: usize) -> Result<Python, String> {
    let (python, _) = registry::enrol_with(batch);
    // SAFETY: the caller says so.
    let attached = unsafe { Attached::assume() };
    ending::announce(attached, &python).map_err(|Raised| attached.take_text())?;
    python.start_collector().map_err(|error| error.to_string())?;
    Ok(python)
}

/// Does the work attached to an interpreter, and goes back to where the thread was. A thread that is there already just
/// does it.
///
/// The thread is attached by functions of this module, or to nobody: CPython ends the process otherwise.
///
/// # Errors
///
/// [`Ended`] if the thread is not there yet and the interpreter's end has begun; the work was not done.
pub fn attach(to: &Python, work: impl FnOnce(&mut Token<'_>)) -> Result<(), Ended> {
    stay::run(to, work)
}

/// Collects a batch of what has come back, and lets another thread in if one waits.
pub fn safepoint(token: &mut Token<'_>) {
    token.python().guarded(|| Ledger::<Python>::collect(token));
    drop(stay::Outside::let_in());
}

/// Begins the end of an interpreter, from any thread, attached to it or not. Waits for nobody who is inside. [`end`] is
/// to follow.
///
/// # Errors
///
/// [`Ended`] if it had begun before.
pub fn begin_end(python: &Python) -> Result<(), Ended> {
    stay::visit(python, Cause::Attach, ending::begin)
}

/// Ends an interpreter: waits until nobody is inside, and has CPython finalize it. Handles on it stay good.
///
/// # Safety
///
/// The interpreter was made by [`create`], this is called once for it, and the calling thread is attached to nobody.
pub unsafe fn end(python: &Python) {
    // SAFETY: the interpreter is there until it is ended below.
    let state = unsafe { ffi::PyThreadState_New(python.core().interpreter) };
    assert!(!state.is_null(), "CPython has no memory left");
    // SAFETY: new, of this thread, which is attached to nobody.
    unsafe { ffi::PyEval_RestoreThread(state) }
    {
        // SAFETY: just attached.
        let call = unsafe { Call::begin(python) };
        // It may have begun long before.
        let _first = ending::begin(&call.token());
        ending::complete(&call);
    }
    // SAFETY: the thread is attached with this state, the last one: nobody is inside, and nobody comes in any more.
    unsafe { ffi::Py_EndInterpreter(state) }
}

/// Makes a buffer of the memory, which is frozen, owned by the interpreter.
///
/// # Panics
///
/// If the memory is not frozen.
pub fn freeze(token: &Token<'_>, storage: Storage) -> Buffer<Python> {
    record::freeze(token, Content::Storage(Arc::new(storage)), false)
}

/// The memory, to be written again, if the handle is all that refers to it.
///
/// # Errors
///
/// The handle, if it is not.
///
/// # Panics
///
/// If the thread is not attached to the buffer's owner.
pub fn thaw(token: &Token<'_>, buffer: Buffer<Python>) -> Result<Storage, Buffer<Python>> {
    assert_eq!(token.python(), buffer.owner(), "the buffer belongs to another interpreter");
    let (owner, object) = buffer.into_parts();
    // SAFETY: the thread is attached to the owner, as just seen, and has what takes the GIL's place when that is over.
    match token.python().guarded(|| unsafe { object.try_into_storage(&owner) }) {
        Ok(mut storage) => {
            storage.thaw();
            Ok(storage)
        }
        // SAFETY: the handle's own parts, and its reference has not been given back.
        Err(object) => Err(unsafe { Buffer::from_parts(owner, object) }),
    }
}

/// The bytes of a buffer.
#[must_use]
pub fn bytes(buffer: &Buffer<Python>) -> &[u8] {
    buffer.object().bytes()
}

/// The identity of a buffer's object in trace events.
#[must_use]
pub fn object_id(buffer: &Buffer<Python>) -> ObjectId {
    buffer.object().id()
}
