//! Who may enter an interpreter, and what becomes of that when it ends.
//!
//! ```text
//!           finalize              close                 let_go            bury
//!   Open ─────────────▶ Finalizing ─────────▶ Closing ─────────▶ Dying ─────────▶ Gone
//!     │                 no new runs           no new visits;
//!     │                 those inside go on    who comes waits
//!     └──────────────────────────────────────────────────────▶ Abandoned
//!                          abandon: the process exits
//! ```
//!
//! A *visit* is one step of the protocol and short; a *run* is somebody else's code. CPython aborts when an
//! interpreter is finalized while other thread states are left, so its end waits for the runs first, while visits
//! still come and go, and then for the visits. Nobody within a visit waits at another gate: so the second wait ends,
//! whatever the others do.
//!
//! | stage | the records of its buffers are guarded by | CPython's part of them |
//! | --- | --- | --- |
//! | `Open`, `Finalizing`, `Closing` | its GIL | as ever |
//! | `Dying` | the mutex `remains` | belongs to the interpreter, which is being finalized |
//! | `Gone` | the mutex `remains` | ours: nobody else is left |
//! | `Abandoned` | the mutex `remains` | nobody's: it stays until the process is gone |

use parking_lot::{Condvar, Mutex, MutexGuard};
use viewchan::runtime::Ended;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Open,
    Finalizing,
    Closing,
    Dying,
    Gone,
    Abandoned,
}

impl Stage {
    /// Whether the GIL guards the records no more.
    fn is_over(self) -> bool {
        matches!(self, Self::Dying | Self::Gone | Self::Abandoned)
    }
}

struct State {
    stage: Stage,
    runs: usize,
    visits: usize,
}

pub(super) struct Gate {
    /// Held for nanoseconds, and never while waiting for anything.
    state: Mutex<State>,
    /// Somebody has left, or the stage is another.
    changed: Condvar,
    /// Takes the place of the GIL when that is over.
    remains: Mutex<()>,
}

/// How a visitor was let in.
pub(super) enum Entry<'a> {
    /// Take the GIL. The interpreter stays until [`Gate::leave_visit`].
    Counted,
    /// It is over, and this is the lock.
    Over(#[allow(dead_code, reason = "it is held")] MutexGuard<'a, ()>),
}

impl Gate {
    pub(super) fn new() -> Self {
        let state = State { stage: Stage::Open, runs: 0, visits: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new(), remains: Mutex::new(()) }
    }

    pub(super) fn stage(&self) -> Stage {
        self.state.lock().stage
    }

    /// Lets a visitor in, who holds no GIL. Waits only for the end of [`Stage::Closing`].
    pub(super) fn enter_visit(&self) -> Entry<'_> {
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, |state| state.stage == Stage::Closing);
        if state.stage.is_over() {
            drop(state);
            return Entry::Over(self.remains.lock());
        }
        state.visits += 1;
        Entry::Counted
    }

    /// A counted visitor has left: the interpreter may be finalized from here on.
    pub(super) fn leave_visit(&self) {
        self.state.lock().visits -= 1;
        self.changed.notify_all();
    }

    /// What a thread needs beside the GIL of this interpreter, which it holds, to touch the records: nothing while
    /// that lives.
    pub(super) fn lock_remains(&self) -> Option<MutexGuard<'_, ()>> {
        self.stage().is_over().then(|| self.remains.lock())
    }

    /// Lets somebody in who comes to run code.
    pub(super) fn enter_run(&self) -> Result<(), Ended> {
        let mut state = self.state.lock();
        if state.stage != Stage::Open {
            return Err(Ended);
        }
        state.runs += 1;
        Ok(())
    }

    pub(super) fn leave_run(&self) {
        self.state.lock().runs -= 1;
        self.changed.notify_all();
    }

    /// Begins the end. `false` if it had begun before.
    pub(super) fn finalize(&self) -> bool {
        let mut state = self.state.lock();
        let begins = state.stage == Stage::Open;
        if begins {
            state.stage = Stage::Finalizing;
        }
        begins
    }

    /// Waits for the runs. The calling thread does not hold the GIL: they need it.
    pub(super) fn wait_for_runs(&self) {
        self.changed.wait_while(&mut self.state.lock(), |state| state.runs > 0);
    }

    /// Lets no visitor in any more, and waits for those inside. The calling thread does not hold the GIL: they need it.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        if !state.stage.is_over() {
            state.stage = Stage::Closing;
        }
        drop(state);
        self.wait_for_visits();
    }

    /// From now on the records are guarded by the mutex. The calling thread holds the GIL, and has closed the gate.
    pub(super) fn let_go(&self) {
        self.state.lock().stage = Stage::Dying;
        self.changed.notify_all();
    }

    /// Nobody but us refers to what is left. The calling thread holds the GIL and the mutex of the remains.
    pub(super) fn bury(&self) {
        self.state.lock().stage = Stage::Gone;
    }

    /// The process is the child of a fork: whoever was inside is not here.
    pub(super) fn forget_visitors(&self) {
        let mut state = self.state.lock();
        (state.runs, state.visits) = (0, 0);
    }

    /// The process exits, and the interpreter may stay where it is. The calling thread holds its GIL: who does a step of the
    /// protocol under it has done so before, or takes the mutex as well, also one who was waiting for the GIL.
    pub(super) fn abandon(&self) {
        let mut state = self.state.lock();
        if matches!(state.stage, Stage::Open | Stage::Finalizing) {
            state.stage = Stage::Abandoned;
        }
    }

    /// Waits for the visits, after the gate was closed to others. The calling thread does not hold the GIL: they need it.
    pub(super) fn wait_for_visits(&self) {
        self.changed.wait_while(&mut self.state.lock(), |state| state.visits > 0);
    }
}
