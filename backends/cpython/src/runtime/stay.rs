//! Where a thread stands, and the guards that change it: the only code that takes or gives up a GIL.
//!
//! ```text
//!              Outside::step               Inside::visit(s), Inside::run(s)
//!   in r ───────────────────▶ in nobody ─────────────────────────────▶ in s
//!        ◀───────────────────           ◀─────────────────────────────
//!         drop (cause: return)             drop
//! ```
//!
//! No arrow leads from one interpreter to another: a thread waits for a GIL with empty hands (G4). Between two calls
//! of ours a thread of Python is attached without our knowledge, and CPython's eval loop gives its GIL up and takes
//! it again as it pleases. So what is known here is known for the time of a call: [`Call`] says where the thread is
//! when it comes in.

use super::Python;
use super::gate::{Entry, Gate};
use super::stack;
use core::cell::Cell;
use core::marker::PhantomData;
use core::ptr::NonNull;
use parking_lot::MutexGuard;
use pyo3_ffi as ffi;
use viewchan::Runtime;
use viewchan::ledger::Errands;
use viewchan::runtime::{Cause, Ended, Waker};
use viewchan::trace::{self, Event};

thread_local! {
    /// The interpreter to which the thread is attached. A guard further up the stack keeps the handle.
    static HERE: Cell<Option<NonNull<Python>>> = const { Cell::new(None) };
    static ERRANDS: Errands<Python> = const { Errands::new() };
    /// It is in an interpreter by a run: no thread of that interpreter, which does not wait for it when the process exits.
    static IS_GUEST: Cell<bool> = const { Cell::new(false) };
}

pub(super) fn with_current<T>(work: impl FnOnce(Option<&Python>) -> T) -> T {
    // SAFETY: a guard further up this thread's stack borrows or owns the handle.
    work(HERE.get().map(|here| unsafe { here.as_ref() }))
}

fn is_here(python: &Python) -> bool {
    with_current(|here| here.is_some_and(|here| here == python))
}

pub(super) fn with_errands<T>(work: impl FnOnce(&Errands<Python>) -> T) -> T {
    ERRANDS.with(work)
}

/// Hands the thread's errands to those who run them: a thread of Python does not come by here again soon, or ever.
pub(super) fn hand_errands_over() {
    while let Some(errand) = with_errands(Errands::take) {
        let owner = errand.owner().clone();
        owner.core().collector.accept(errand);
    }
}

/// Proof that the calling thread is attached to an interpreter, or holds what takes the place of its GIL.
pub struct Token<'a> {
    python: &'a Python,
    /// Neither `Send` nor `Sync`: the GIL is this thread's.
    _thread: PhantomData<*mut ()>,
}

impl<'a> Token<'a> {
    fn new(python: &'a Python) -> Self {
        Self { python, _thread: PhantomData }
    }

    /// The interpreter.
    #[must_use]
    pub fn python(&self) -> &'a Python {
        self.python
    }
}

/// A call from Python, by a thread that is attached to an interpreter: known to be so until this is dropped.
pub(crate) struct Call<'a> {
    python: &'a Python,
    before: Option<NonNull<Python>>,
}

impl<'a> Call<'a> {
    /// # Safety
    ///
    /// The calling thread is attached to `python`, and is again whenever a guard that is made within is gone.
    pub(crate) unsafe fn begin(python: &'a Python) -> Self {
        Self { python, before: HERE.replace(Some(NonNull::from(python))) }
    }

    pub(crate) fn token(&self) -> Token<'a> {
        Token::new(self.python)
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        super::record::drop_fallen();
        hand_errands_over();
        HERE.set(self.before);
    }
}

/// The thread is attached to nobody, and goes back to where it was when this is dropped.
pub(super) struct Outside {
    from: Option<(NonNull<Python>, *mut ffi::PyThreadState)>,
    cause: Cause,
}

impl Outside {
    pub(super) fn step() -> Self {
        Self::leave(Cause::Return)
    }

    /// For a moment, so that somebody else may come in.
    pub(super) fn let_in() -> Self {
        Self::leave(Cause::Safepoint)
    }

    /// The thread is back with this cause.
    fn leave(cause: Cause) -> Self {
        let Some(from) = HERE.take() else { return Self { from: None, cause } };
        hand_errands_over();
        // SAFETY: as in `with_current`.
        trace::emit(|| Event::Leaving { interpreter: unsafe { from.as_ref() }.id() });
        // SAFETY: HERE said that this thread is attached.
        Self { from: Some((from, unsafe { ffi::PyEval_SaveThread() })), cause }
    }

    pub(super) fn from(&self) -> Option<&Python> {
        // SAFETY: as in `with_current`: the guard that keeps the handle outlives this one.
        self.from.as_ref().map(|(from, _)| unsafe { from.as_ref() })
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        super::record::drop_fallen();
        // A stay that has ended out here may have left some.
        hand_errands_over();
        let Some((from, state)) = self.from else { return };
        // SAFETY: as in `with_current`.
        if IS_GUEST.get() && unsafe { from.as_ref() }.is_abandoned() {
            // The process exits, and the interpreter may be gone already. CPython does the same with a thread that is late.
            loop {
                std::thread::park();
            }
        }
        // SAFETY: `leave` saved it on this thread, whose interpreter is not finalized before it is back: its own threads are
        // joined before, and runs are waited for, except when the process exits, as just seen.
        unsafe { ffi::PyEval_RestoreThread(state) }
        HERE.set(Some(from));
        // SAFETY: as in `with_current`.
        unsafe { from.as_ref() }.count(self.cause);
    }
}

/// The thread is attached to an interpreter, with a thread state made for the occasion, until this is dropped.
struct Inside<'a> {
    python: &'a Python,
    state: *mut ffi::PyThreadState,
    /// There was no memory for a state: this one is the spare one.
    spare: Option<MutexGuard<'a, *mut ffi::PyThreadState>>,
    /// How it leaves the gate.
    leave: fn(&Gate),
}

impl<'a> Inside<'a> {
    /// The thread is attached to nobody, and the gate has let it in, for a visit or a run: it leaves as it came.
    fn enter(python: &'a Python, cause: Cause, leave: fn(&Gate)) -> Self {
        // SAFETY: the gate keeps the interpreter from being finalized; no GIL is needed.
        let mut state = unsafe { ffi::PyThreadState_New(python.core().interpreter) };
        let spare = state.is_null().then(|| python.core().spare.take());
        if let Some(spare) = &spare {
            state = **spare;
            assert!(!state.is_null(), "there has been no memory for a thread state from the beginning");
        }
        // SAFETY: new, or the spare one, and this thread's.
        unsafe { stack::tell(state) }
        // SAFETY: as above; the thread is attached to nobody.
        unsafe { ffi::PyEval_RestoreThread(state) }
        HERE.set(Some(NonNull::from(python)));
        python.count(cause);
        Self { python, state, spare, leave }
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        trace::emit(|| Event::Leaving { interpreter: self.python.id() });
        if self.spare.is_none() {
            // SAFETY: the thread is attached with this state; clearing it may run code of that interpreter, which is
            // why it is still HERE.
            unsafe { ffi::PyThreadState_Clear(self.state) }
        }
        HERE.set(None);
        // SAFETY: as above.
        unsafe { ffi::PyEval_SaveThread() };
        if self.spare.take().is_none() {
            // SAFETY: it is nobody's present state any more, and cleared.
            unsafe { ffi::PyThreadState_Delete(self.state) }
        }
        (self.leave)(&self.python.core().gate);
    }
}

/// Runs one step of the protocol with the lock of an interpreter: its GIL, or what takes its place when it is over.
pub(super) fn visit<T>(python: &Python, cause: Cause, work: impl FnOnce(&Token<'_>) -> T) -> T {
    if is_here(python) {
        let _remains = python.core().gate.lock_remains();
        return work(&Token::new(python));
    }
    locked(python, cause, |token| {
        let _announced = Announced::arrive(token, cause);
        work(token)
    })
}

/// Runs `work` with the lock of an interpreter, in which the thread is not yet; its ledger hears nothing of that.
pub(super) fn locked<T>(python: &Python, cause: Cause, work: impl FnOnce(&Token<'_>) -> T) -> T {
    // Dropped in reverse order, also by a panic: this one is left before the former one is taken again (G4).
    let _outside = Outside::step();
    let entry = python.core().gate.enter_visit();
    let inside = matches!(entry, Entry::Counted).then(|| Inside::enter(python, cause, Gate::leave_visit));
    // The process may have begun to exit while the thread waited for the GIL: others do without it from then on.
    let _remains = inside.as_ref().and_then(|_| python.core().gate.lock_remains());
    work(&Token::new(python))
}

/// The ledger knows that the thread is here.
struct Announced<'a> {
    python: &'a Python,
    cause: Cause,
}

impl<'a> Announced<'a> {
    fn arrive(token: &Token<'a>, cause: Cause) -> Self {
        // SAFETY: the thread has just come, the token is of this stay, and `depart` is called when this is dropped.
        unsafe { token.python.ledger().arrive(cause, token) }
        Self { python: token.python, cause }
    }
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        // SAFETY: the thread is about to leave; the same cause.
        unsafe { self.python.ledger().depart(self.cause, self.python) }
    }
}

/// Runs somebody's code in an interpreter. Nobody attends to the return list for that: Python code may run for ever.
///
/// # Errors
///
/// [`Ended`] if the interpreter is ending; `work` has not run.
pub(crate) fn run<T>(python: &Python, work: impl FnOnce(&mut Token<'_>) -> T) -> Result<T, Ended> {
    let mut token = Token::new(python);
    if is_here(python) {
        return Ok(work(&mut token));
    }
    let _outside = Outside::step();
    python.core().gate.enter_run()?;
    let _inside = Inside::enter(python, Cause::Attach, Gate::leave_run);
    // The end begins under the GIL, for which this thread has waited. The gate was only the first to be asked.
    if python.is_ending() {
        return Err(Ended);
    }
    let _guest = Guest { before: IS_GUEST.replace(true) };
    Ok(work(&mut token))
}

/// The thread is a guest until this is dropped.
struct Guest {
    before: bool,
}

impl Drop for Guest {
    fn drop(&mut self) {
        IS_GUEST.set(self.before);
    }
}

/// Waits are known to the interpreter until this is dropped, back inside.
pub(super) struct Waiting<'a> {
    python: &'a Python,
    waker: &'a Waker,
}

impl<'a> Waiting<'a> {
    /// The thread is attached to `python`.
    pub(super) fn begin(python: &'a Python, waker: &'a Waker) -> Self {
        // SAFETY: the thread holds the GIL.
        unsafe { python.ledger().life.add_waker(waker) }
        Self { python, waker }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // SAFETY: the `Outside` of the wait has come back, so the thread holds the GIL.
        unsafe { self.python.ledger().life.remove_waker(self.waker) }
    }
}
