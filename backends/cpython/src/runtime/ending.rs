//! What happens when CPython ends an interpreter, or the process.
//!
//! ```text
//!   Py_EndInterpreter                          Py_FinalizeEx
//!     threads of it are joined                   threads are joined
//!     atexit: `end`                              atexit: `exit`
//!     modules are cleared, garbage collected     ...
//!     its dictionary is cleared: `bury`
//!     its pools are freed
//! ```
//!
//! `end` waits for those who are inside, and takes the records out of the GIL's care: from then on they are guarded
//! by a mutex, and a visit needs no interpreter. What CPython owns of them is still the dying interpreter's, so what
//! is released now is only noted; `bury`, which runs when nothing else is left of the interpreter, gives it back, and
//! takes over what is still pinned. Nobody who has a view waits for anything (G7).

use super::{Call, Python, Token, gate::Stage, registry, stay};
use crate::py::{Attached, Raised, Result, done};
use core::ffi::CStr;
use pyo3_ffi as ffi;
use viewchan::Runtime;
use viewchan::ledger::Ledger;
use viewchan::runtime::{Cause, Ended};

/// Ends the interpreter to which the calling thread is attached: at once if it is the main one, since then the
/// process exits.
pub(crate) fn end(call: &Call<'_>) {
    let token = call.token();
    if token.python().is_main() {
        if token.python().core().gate.finalize() {
            exit(token.python());
        }
    } else if begin(&token).is_ok() {
        complete(call);
    }
}

/// Nobody comes in to run code any more, and those that wait at a channel give up. Waits for nobody.
///
/// # Errors
///
/// [`Ended`] if it had begun before.
pub(super) fn begin(token: &Token<'_>) -> core::result::Result<(), Ended> {
    if token.python().is_ending() {
        return Err(Ended);
    }
    // First, so that nobody is refused before. Who still passes the gate is sent away when it has the GIL.
    interrupt(token);
    if token.python().core().gate.finalize() { Ok(()) } else { Err(Ended) }
}

/// Waits for those who are inside, and takes the records out of the GIL's care. The end has begun, once.
pub(super) fn complete(call: &Call<'_>) {
    let token = call.token();
    let python = token.python();
    let gate = &python.core().gate;
    {
        let _outside = stay::Outside::step();
        gate.wait_for_runs();
        gate.close();
    }
    collect_all(&token);
    python.core().spare.delete();
    gate.let_go();
    registry::end(python);
}

/// Collects until nothing more comes.
pub(crate) fn collect_all(token: &Token<'_>) {
    loop {
        let pinned = token.python().pinned();
        token.python().guarded(|| Ledger::<Python>::collect(token));
        if token.python().pinned() == pinned {
            return;
        }
    }
}

/// The interpreter is about to end, and joins its threads before anything else: those that wait at a channel give up.
pub(crate) fn interrupt(token: &Token<'_>) {
    // SAFETY: the thread holds the GIL.
    let _first = unsafe { token.python().ledger().life.end() };
}

/// The process exits: nobody enters any interpreter from now on, and what is there stays as it is.
///
/// CPython may still close the others, and wants to see no thread state in them then but those of their own threads and of runs.
fn exit(main: &Python) {
    main.core().gate.abandon();
    let _outside = stay::Outside::step();
    main.core().gate.wait_for_visits();
    for python in registry::all_alive().iter().filter(|python| !python.is_main()) {
        let let_go = |_: &Token<'_>| {
            python.core().spare.delete();
            python.core().gate.abandon();
        };
        // Without a word to the ledger: behind `let_go` the GIL guards it no longer.
        stay::locked(python, Cause::Attach, let_go);
        python.core().gate.wait_for_visits();
    }
}

/// The last thing that an interpreter forgets: its dictionary is cleared when all modules are, and all garbage.
const REMAINS: &CStr = c"viewchan.remains";

/// Sees to it that [`bury`] is called. The interpreter is the one to which the calling thread is attached.
pub(crate) fn announce(attached: Attached<'_>, home: &Python) -> Result<()> {
    let handle = Box::into_raw(Box::new(home.clone()));
    // SAFETY: the pointer is not null, and the capsule takes it over.
    let capsule = unsafe { attached.owned(ffi::PyCapsule_New(handle.cast(), REMAINS.as_ptr(), Some(forgotten))) };
    let Ok(capsule) = capsule else {
        // SAFETY: made above, and given to nobody.
        drop(unsafe { Box::from_raw(handle) });
        return Err(Raised);
    };
    // SAFETY: the thread is attached; the dictionary is the interpreter's own.
    done(unsafe {
        let dictionary = ffi::PyInterpreterState_GetDict(ffi::PyInterpreterState_Get());
        ffi::PyDict_SetItemString(dictionary, REMAINS.as_ptr(), capsule.as_ptr())
    })?;
    // SAFETY: the interpreter is alive, and its end is announced.
    unsafe { home.core().spare.make(home.core().interpreter) }
    Ok(())
}

unsafe extern "C" fn forgotten(capsule: *mut ffi::PyObject) {
    // SAFETY: the capsule is ours.
    let handle = unsafe { ffi::PyCapsule_GetPointer(capsule, REMAINS.as_ptr()) }.cast::<Python>();
    // SAFETY: made in `announce`, and freed here, once.
    let home = unsafe { Box::from_raw(handle) };
    // SAFETY: CPython deallocates a capsule of this interpreter, on a thread that is attached to it.
    let call = unsafe { Call::begin(&home) };
    bury(&call);
}

/// The interpreter, to which the calling thread is attached, has nothing left.
fn bury(call: &Call<'_>) {
    // Does nothing if it was called, as it should have been.
    end(call);
    let token = call.token();
    let core = token.python().core();
    let remains = core.gate.lock_remains();
    if core.gate.stage() == Stage::Dying {
        // SAFETY: the thread is attached, and has the mutex.
        unsafe { core.records.move_out() }
        // SAFETY: as above.
        unsafe { core.records.bury() }
        core.gate.bury();
    }
    drop(remains);
}

/// The process is the child of a fork: of all threads only the calling one is here, which is inside nothing.
pub(crate) fn forget_threads() {
    for python in registry::all_alive() {
        python.core().gate.forget_visitors();
        python.core().collector.forget_thread();
    }
}
