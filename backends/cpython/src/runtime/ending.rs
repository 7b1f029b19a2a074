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
//! `end` waits for those who are inside, and takes the records out of the GIL's care: from then on they are guarded by a mutex,
//! and a visit needs no interpreter. What CPython owns of them is still the dying interpreter's, so what is released now is
//! only noted; `bury`, which runs when nothing else is left of the interpreter, gives it back, and takes over what is still
//! pinned. Nothing is copied, and nobody who has a view waits for anything (G7).

use super::{Call, Python, Token, gate::Stage, registry, stay};
use viewchan::Runtime;
use viewchan::ledger::Ledger;

/// Ends the interpreter to which the calling thread is attached: at once if it is the main one, since then the process exits.
pub(crate) fn end(call: &Call<'_>) {
    let token = call.token();
    let python = token.python();
    let gate = &python.core().gate;
    if !gate.finalize() {
        return;
    }
    if python.is_main() {
        return exit();
    }
    interrupt(call);
    {
        let _outside = stay::Outside::step();
        gate.wait_for_runs();
        gate.close();
    }
    collect_all(&token);
    // SAFETY: the thread is attached, and the gate is closed.
    unsafe { python.core().records.move_out() }
    python.core().spare.delete();
    gate.let_go();
    registry::end(python);
}

/// Collects until nothing more comes.
pub(crate) fn collect_all(token: &Token<'_>) {
    loop {
        let pinned = token.python().pinned();
        Ledger::<Python>::collect(token);
        if token.python().pinned() == pinned {
            return;
        }
    }
}

/// The interpreter is about to end, and joins its threads before anything else: those that wait at a channel give up.
pub(crate) fn interrupt(call: &Call<'_>) {
    // SAFETY: the thread holds the GIL.
    let _first = unsafe { call.token().python().ledger().life.end() };
}

/// The process exits: nobody enters any interpreter from now on, and what is there stays as it is.
fn exit() {
    let _outside = stay::Outside::step();
    registry::all_alive().iter().for_each(|python| python.core().gate.abandon());
}

/// The interpreter, to which the calling thread is attached, has nothing left.
pub(crate) fn bury(call: &Call<'_>) {
    // Does nothing if it was called, as it should have been.
    end(call);
    let token = call.token();
    let core = token.python().core();
    let remains = core.gate.lock_remains();
    if core.gate.stage() == Stage::Dying {
        // SAFETY: the thread is attached, and has the mutex.
        unsafe { core.records.bury() }
        core.gate.bury();
    }
    drop(remains);
}

/// The process is the child of a fork: of all threads only the calling one is here.
pub(crate) fn forget_threads() {
    registry::all_alive().iter().for_each(|python| python.core().collector.forget_thread());
}
