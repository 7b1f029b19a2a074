//! CPython's interpreters as a [`Runtime`]: what the protocol of `viewchan` runs on, and nothing of the protocol.
//!
//! | file | what |
//! | --- | --- |
//! | `stay` | where a thread stands; entering and leaving a GIL |
//! | `gate` | who may enter; the end of an interpreter |
//! | `record` | reference counts of what was sent |
//! | `spare` | a thread state that is always there |
//! | `stack` | where a thread's stack is |
//! | `collector` | the thread that runs errands |
//! | `registry` | interpreters by their id |
//! | [`host`] | for programs that make interpreters themselves |
//! | `ending` | the hooks that CPython calls when an interpreter or the process ends |

mod collector;
pub(crate) mod ending;
mod gate;
pub mod host;
pub(crate) mod record;
pub(crate) mod registry;
mod spare;
mod stack;
mod stay;

pub use record::{Export, Object};
pub use stay::Token;
pub(crate) use stay::{Call, run};

use collector::Collector;
use core::fmt;
use gate::Gate;
use pyo3_ffi as ffi;
use record::Records;
use spare::Spare;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use viewchan::Runtime;
use viewchan::ledger::{Batches, Errands, Ledger};
use viewchan::runtime::{Cause, Ended, InterpreterId, Waker};
use viewchan::trace::{self, Event};

/// A handle on an interpreter of CPython. It may be kept by any thread, also when the interpreter is gone.
#[derive(Clone)]
pub struct Python(Arc<Core>);

/// What the handles share.
pub(crate) struct Core {
    id: InterpreterId,
    /// Valid as long as the gate lets anybody in.
    interpreter: *mut ffi::PyInterpreterState,
    is_main: bool,
    gate: Gate,
    ledger: Ledger<Python>,
    records: Records,
    collector: Collector,
    spare: Spare,
    /// Indexed by cause; written under the GIL.
    acquisitions: [AtomicU64; Cause::ALL.len()],
}

// SAFETY: `interpreter` is used as the gate allows; everything else is `Send`.
unsafe impl Send for Core {}
// SAFETY: as above; `records` is guarded by the interpreter's lock, says its documentation.
unsafe impl Sync for Core {}

/// How many returned buffers are collected at a time. Freeing a `bytes` object takes well below a microsecond, and a
/// visit to a busy interpreter costs its whole switch interval, 5 ms.
const BATCH: usize = 1024;

impl Python {
    /// # Safety
    ///
    /// `interpreter` is alive and has this id; its end is announced to [`ending`].
    unsafe fn new(interpreter: *mut ffi::PyInterpreterState, id: u64, batch: usize) -> Self {
        // CPython's word for the main one.
        let is_main = id == 0;
        let id = InterpreterId(id);
        Self(Arc::new(Core {
            id,
            interpreter,
            is_main,
            gate: Gate::new(),
            ledger: Ledger::with_batches(id, Batches { collected: batch, released: 1, kept: 0 }),
            records: Records::new(),
            collector: Collector::new(),
            spare: Spare::none(),
            acquisitions: Default::default(),
        }))
    }

    fn core(&self) -> &Core {
        &self.0
    }

    /// Whether it is the main interpreter, which lives as long as the process.
    pub(crate) fn is_main(&self) -> bool {
        self.0.is_main
    }

    /// Whether the calling thread, which is attached to some interpreter, is attached to this one.
    pub(crate) fn is_present(&self) -> bool {
        // SAFETY: the thread is attached, as the caller says.
        unsafe { ffi::PyInterpreterState_Get() == self.0.interpreter }
    }

    /// Whether its end has begun.
    fn is_ending(&self) -> bool {
        self.0.gate.stage() != gate::Stage::Open
    }

    /// Whether the process exits, and this one is not main, which goes last.
    fn is_abandoned(&self) -> bool {
        !self.is_main() && self.0.gate.stage() == gate::Stage::Abandoned
    }

    /// Whether it is gone, so that it cannot own anything new.
    pub(crate) fn is_gone(&self) -> bool {
        self.0.gate.stage() == gate::Stage::Gone
    }

    /// How often the protocol acquired this interpreter's GIL with this cause. Counts may be read while others count.
    #[must_use]
    pub fn acquisitions(&self, cause: Cause) -> u64 {
        // ORDERING: Relaxed: a figure for people; who needs a final one has joined the threads.
        self.0.acquisitions[cause as usize].load(Ordering::Relaxed)
    }

    /// How many buffers of it are pinned.
    #[must_use]
    pub fn pinned(&self) -> usize {
        self.0.records.number()
    }

    /// Runs one step of the protocol on a thread of this interpreter, with what takes the GIL's place when that is over.
    pub(crate) fn guarded<T>(&self, work: impl FnOnce() -> T) -> T {
        let _remains = self.0.gate.lock_remains();
        work()
    }

    /// Makes sure that somebody collects what comes back under `deferred`.
    pub(crate) fn start_collector(&self) -> std::io::Result<()> {
        self.0.collector.start()
    }

    /// The thread has acquired the GIL.
    fn count(&self, cause: Cause) {
        // ORDERING: Relaxed: see `acquisitions`.
        self.0.acquisitions[cause as usize].fetch_add(1, Ordering::Relaxed);
        trace::emit(|| Event::Entered { interpreter: self.0.id, cause });
    }
}

impl PartialEq for Python {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl fmt::Debug for Python {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Python").field(&self.0.id.0).finish()
    }
}

// SAFETY: by the numbers of `Runtime`:
// 1. A GIL is a mutex, and so is what takes its place; the change from one to the other is made under both. Tokens
//    are made in `stay`, behind either, and stay on their thread.
// 2. `visit` steps outside before it enters the gate, `outside` and `wait` before their work; guards undo that.
// 3. A record is there while its count is not zero, and its content, which keeps the bytes where they are, is not
//    touched before. `bytes` objects are immutable; a `Storage` refuses to be written while a record refers to it; a
//    view is a view.
// 4. Records outlive their interpreter, whose handle keeps them: CPython frees no object that has a reference, and no
//    pool in which one is left. `visit` never says `Ended`: what is left is adopted.
// 5. Handles share a core; CPython never uses the id of an interpreter again.
// 6. `visit` tells the ledger of each acquisition and release; runs, calls and ways back are not announced, so nobody
//    attends in them. Errands are handed over wherever a thread leaves or returns to Python, to a thread that is
//    attached to nobody.
unsafe impl Runtime for Python {
    type Token<'a> = Token<'a>;
    type Object = Object;
    type Export = Export;

    fn id(&self) -> InterpreterId {
        self.0.id
    }

    fn ledger(&self) -> &Ledger<Self> {
        &self.0.ledger
    }

    fn with_current<T>(work: impl FnOnce(Option<&Self>) -> T) -> T {
        stay::with_current(work)
    }

    fn with_errands<T>(work: impl FnOnce(&Errands<Self>) -> T) -> T {
        stay::with_errands(work)
    }

    fn here<'a>(token: &'a Token<'_>) -> &'a Self {
        token.python()
    }

    unsafe fn visit<T>(&self, cause: Cause, work: impl FnOnce(&Token<'_>) -> T) -> Result<T, Ended> {
        Ok(stay::visit(self, cause, work))
    }

    unsafe fn outside<T>(work: impl FnOnce() -> T) -> T {
        let _outside = stay::Outside::step();
        work()
    }

    unsafe fn wait<T>(waker: &Waker, work: impl FnOnce(Option<&Self>) -> T) -> T {
        stay::with_current(|here| {
            // Dropped in reverse order: the wait is over when the thread is back.
            let _waiting = here.map(|here| stay::Waiting::begin(here, waker));
            let outside = stay::Outside::step();
            work(outside.from())
        })
    }

    unsafe fn incref(_token: &Token<'_>, object: &Object) -> Object {
        // SAFETY: the caller's contract.
        unsafe { object.incref() }
    }

    unsafe fn decref(token: &Token<'_>, object: Object) {
        // SAFETY: the caller's contract.
        unsafe { object.decref(token) }
    }

    unsafe fn export(_token: &Token<'_>, object: Object) -> Export {
        // SAFETY: the caller's contract.
        unsafe { object.export() }
    }

    unsafe fn reexport(_token: &Token<'_>, export: &Export) -> Export {
        // SAFETY: the caller's contract.
        unsafe { export.again() }
    }

    fn address(object: &Object) -> usize {
        object.address()
    }

    unsafe fn unexport(_token: &Token<'_>, export: Export) -> Object {
        // SAFETY: the caller's contract.
        unsafe { export.unexport() }
    }
}
