//! Who collects what comes back under `deferred`: a thread for each interpreter that has sent anything so.
//!
//! A thread of Python is attached without our knowledge, so nobody attends to a return list between two calls of
//! ours, and a buffer that is put on an empty list is always the releaser's errand. The releaser cannot run it: it is
//! attached to its own interpreter, and may compute there for an hour. It hands the errand over, to this thread,
//! which is attached to nobody.
//!
//! ```text
//!               errand                      run: visits the owner          linger: 1 ms
//!   asleep ────────────────▶ awake ──────────────────────────────▶ awake ─────────────────▶ asleep
//!          the releaser        ▲                                     │      nothing came
//!          wakes it            └─────────────────────────────────────┘
//!                                 an errand came meanwhile: no wake-up is paid for it
//! ```
//!
//! A wake-up costs the releaser more than everything else in a release together; lingering makes that at most a
//! thousand a second. There is a thread for each interpreter so that an owner that keeps its GIL for long delays
//! nobody else's.

use super::Python;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use viewchan::ledger::Errand;

const LINGER: Duration = Duration::from_millis(1);

pub(super) struct Collector {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// A return list is one thread's errand at a time.
    errand: Option<Errand<Python>>,
    is_running: bool,
    /// It looks again soon, without being woken.
    is_lingering: bool,
    /// The interpreter's last handle is gone.
    is_over: bool,
}

impl Collector {
    pub(super) fn new() -> Self {
        Self { shared: Arc::default() }
    }

    /// Starts the thread, unless it runs. An owner does that before it sends, so that a release need not.
    pub(super) fn start(&self) -> std::io::Result<()> {
        let mut state = self.shared.state.lock();
        if !state.is_running {
            let shared = Arc::clone(&self.shared);
            thread::Builder::new().name("viewchan-collector".to_owned()).spawn(move || shared.work())?;
            state.is_running = true;
        }
        Ok(())
    }

    /// Takes an errand over.
    pub(super) fn accept(&self, errand: Errand<Python>) {
        // Without a thread the errand waits for the next that starts one.
        let _ = self.start();
        let mut state = self.shared.state.lock();
        debug_assert!(state.errand.is_none(), "a return list is one thread's errand at a time");
        state.errand = Some(errand);
        if !state.is_lingering {
            self.shared.changed.notify_one();
        }
    }

    /// The process is the child of a fork, and the thread is not in it. An errand that waited for it has another one now.
    pub(super) fn forget_thread(&self) {
        // Of who waits there, nothing but the entry in the queue is left: it shall not take the next wake-up.
        self.shared.changed.notify_all();
        let mut state = self.shared.state.lock();
        (state.is_running, state.is_lingering) = (false, false);
        let is_needed = state.errand.is_some();
        drop(state);
        if is_needed {
            // Without a thread the errand waits for the next that starts one.
            let _ = self.start();
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.shared.state.lock().is_over = true;
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn work(&self) {
        while let Some(errand) = self.next() {
            errand.run();
            super::record::drop_fallen();
            self.linger();
        }
    }

    fn next(&self) -> Option<Errand<Python>> {
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, |state| state.errand.is_none() && !state.is_over);
        state.errand.take()
    }

    fn linger(&self) {
        let until = Instant::now() + LINGER;
        let mut state = self.state.lock();
        state.is_lingering = true;
        while !state.is_over && !self.changed.wait_until(&mut state, until).timed_out() {}
        state.is_lingering = false;
    }
}
