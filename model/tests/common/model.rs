//! Models that run on loom directly, where a scenario cannot say what they are about.
#![allow(dead_code, reason = "each test file uses its share")]

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use viewchan::sync::LOADS_AS_RMW;

/// What the executions of a model came to, together.
pub(crate) struct Explored<T> {
    pub(crate) executions: u64,
    pub(crate) outcomes: BTreeSet<T>,
}

/// Both ways in which loads are explored: as loads, and as read-modify-writes.
pub(crate) const MODES: [bool; 2] = [false, true];

/// Explores every interleaving, with at most so many preemptions if there is a bound.
pub(crate) fn explore<T: Ord + Send + 'static>(
    preemptions: Option<usize>,
    as_rmw: bool,
    model: impl Fn() -> T + Send + Sync + 'static,
) -> Explored<T> {
    /// The switch for loads is one for the process.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    LOADS_AS_RMW.store(as_rmw, Ordering::Relaxed);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.max_branches = 10_000;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.checkpoint_file = None;
    let executions = Arc::new(AtomicU64::new(0));
    let outcomes = Arc::new(Mutex::new(BTreeSet::new()));
    let (count, seen) = (Arc::clone(&executions), Arc::clone(&outcomes));
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        let outcome = model();
        seen.lock().expect("nobody panics here").insert(outcome);
    });
    let outcomes = std::mem::take(&mut *outcomes.lock().expect("nobody panics here"));
    Explored { executions: executions.load(Ordering::Relaxed), outcomes }
}

/// A model that must fail: an ignored test of this binary, and what is said then.
pub(crate) struct Broken {
    pub(crate) test: &'static str,
    pub(crate) says: &'static str,
}

/// Each is refuted, by what it breaks. In processes of their own: a failing model may abort.
#[track_caller]
pub(crate) fn assert_refuted(broken: &[Broken]) {
    let this = std::env::current_exe().expect("this test binary");
    for Broken { test, says } in broken {
        let arguments = ["--exact", test, "--ignored", "--nocapture"];
        let output = Command::new(&this).args(arguments).output().expect("the test binary starts");
        let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success(), "{test} passes: {said}");
        assert!(said.contains(says), "{test} does not fail by {says:?}: {said}");
    }
}
