//! Where the interpreters come from, and where they go.
//!
//! ```text
//!              take                        give back
//!   free ───────────────▶ in a round ──────────────────▶ free
//!    ▲                        │                                             all are free: they end with the run
//!    │ made, if none is free  │ end: begun by the step; a thread of its own
//!    └─ by the conductor      ▼      waits for those inside, and ends it
//!                           ended
//! ```
//!
//! Making one takes some milliseconds, more than a round: so they are used again, unless a scenario has ended them.

use core::cell::Cell;
use core::ptr;
use parking_lot::Mutex;
use pyo3_ffi as ffi;
use std::collections::BTreeMap;
use std::thread::{self, JoinHandle};
use viewchan::Runtime;
use viewchan::runtime::{Ended, InterpreterId};
use viewchan_cpython::runtime::{Python, host};

thread_local! {
    /// The main interpreter's thread state of the conductor, who is attached to nobody. Null elsewhere.
    static MAIN: Cell<*mut ffi::PyThreadState> = const { Cell::new(ptr::null_mut()) };
}

/// Those that nobody uses.
static FREE: Mutex<Vec<Python>> = Mutex::new(Vec::new());

/// All that have not been ended.
static THERE: Mutex<BTreeMap<InterpreterId, Python>> = Mutex::new(BTreeMap::new());

/// The threads that end those whose end has begun.
static ENDING: Mutex<BTreeMap<InterpreterId, JoinHandle<()>>> = Mutex::new(BTreeMap::new());

/// Does the work on the thread that makes interpreters. Ends all of them afterwards, also if the work unwinds.
///
/// # Safety
///
/// `main` is the calling thread's state of the main interpreter, and the thread is attached to nobody.
pub(crate) unsafe fn conduct<T>(main: *mut ffi::PyThreadState, work: impl FnOnce() -> T) -> T {
    struct Close;
    impl Drop for Close {
        fn drop(&mut self) {
            end_all();
            MAIN.set(ptr::null_mut());
        }
    }
    MAIN.set(main);
    let _close = Close;
    work()
}

/// One that nobody uses, new if there is none. By the conductor.
pub(crate) fn take() -> Python {
    let free = FREE.lock().pop();
    free.unwrap_or_else(make)
}

/// As most scenarios say: returned buffers are collected one at a time. (One that says more allows that, too.)
const BATCH: usize = 1;

fn make() -> Python {
    let main = MAIN.get();
    assert!(!main.is_null(), "only the conductor makes interpreters");
    // SAFETY: the conductor's own, saved, and he is attached to nobody.
    unsafe { ffi::PyEval_RestoreThread(main) }
    // SAFETY: just attached to the main interpreter.
    let made = unsafe { host::create(BATCH) };
    // SAFETY: attached again with the state that is kept.
    unsafe { ffi::PyEval_SaveThread() };
    let made = made.unwrap_or_else(|why| panic!("CPython makes no interpreter: {why}"));
    THERE.lock().insert(made.id(), made.clone());
    made
}

/// Begins the end of one. The rest of it happens on a thread of its own: so it is over as soon as nobody is inside, in
/// the middle of whatever the scenario's threads still do with what it owned.
pub(crate) fn end(python: &Python) -> Result<(), Ended> {
    host::begin_end(python)?;
    THERE.lock().remove(&python.id());
    let (id, python) = (python.id(), python.clone());
    // SAFETY: the end begins once; the thread is new.
    let undertaker = thread::spawn(move || unsafe { host::end(&python) });
    ENDING.lock().insert(id, undertaker);
    Ok(())
}

/// The round is over. Nobody uses it any more.
pub(crate) fn give_back(python: Python) {
    let undertaker = ENDING.lock().remove(&python.id());
    match undertaker {
        Some(undertaker) => undertaker.join().expect("the end of an interpreter does not panic"),
        None if python.pinned() == 0 => FREE.lock().push(python),
        // Something is left over, and has been reported. It would be so again in each round.
        None => end_and_wait(&python),
    }
}

fn end_and_wait(python: &Python) {
    end(python).expect("its end had not begun");
    let undertaker = ENDING.lock().remove(&python.id()).expect("it was sent just now");
    undertaker.join().expect("the end of an interpreter does not panic");
}

fn end_all() {
    FREE.lock().clear();
    let ending = core::mem::take(&mut *ENDING.lock());
    // A panic that stays a panic: the run has failed then, and says so.
    ending.into_values().for_each(|undertaker| undertaker.join().expect("the end of an interpreter does not panic"));
    let there: Vec<Python> = THERE.lock().values().cloned().collect();
    there.iter().for_each(end_and_wait);
}
