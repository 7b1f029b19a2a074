//! What is measured: rows of the table, each with ours and the peers that it is held against. `rows.rs` gives them to criterion,
//! `table` measures them side by side and judges.
//!
//! Costs are compared within one run only: machines are noisy, and the host moves the virtual cores between near and far.

pub(crate) mod busy;
pub(crate) mod channel;
pub(crate) mod peer;
pub(crate) mod ping_pong;
pub(crate) mod readers;
pub(crate) mod single;

use std::fmt;
use std::hint::black_box;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use viewchan::{Batches, Interpreter};

/// Whether this build can be timed. One with tracing in, as a plain `cargo bench` makes it because the model is built beside it, is
/// not what ships: then this runs the benchmark `bench` again, built by itself, and ends with it.
pub(crate) fn is_to_be_timed(bench: &str) -> bool {
    if viewchan::sync::BACKEND != "std" {
        eprintln!("this is a build with the backend {}: nothing to time", viewchan::sync::BACKEND);
        return false;
    }
    if !viewchan::trace::ENABLED {
        return true;
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = std::env::args_os().skip(1).filter(|argument| argument != "--bench");
    let ended = Command::new(cargo)
        .args(["bench", "--package", "viewchan-suite", "--bench", bench, "--"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo can be started: it started this");
    std::process::exit(ended.code().unwrap_or(1));
}

/// An interpreter that receives, made for many messages: what its threads release of another's buffers goes on the owner's return
/// list 32 at a time, with one read-modify-write of a line that all receivers share instead of 32. The price: up to 31 buffers
/// stay pinned, so their owner can neither thaw nor free them, until the batch is full, or the thread leaves the interpreter or
/// passes a safepoint. By default none waits: see `Batches`.
pub(crate) fn receiver_in_batches() -> Interpreter {
    Interpreter::with_batches(Batches { released: 32, ..Batches::default() })
}

/// Something that is done many times over.
pub(crate) struct Work {
    pub name: &'static str,
    /// Does it so many times, and says how long that took, without what it needs around it.
    pub run: Box<dyn FnMut(u64) -> Duration>,
}

impl Work {
    pub(crate) fn new(name: &'static str, run: impl FnMut(u64) -> Duration + 'static) -> Self {
        Self { name, run: Box::new(run) }
    }

    /// One operation after the other, and nothing else.
    pub(crate) fn each<T>(name: &'static str, mut operation: impl FnMut() -> T + 'static) -> Self {
        Self::new(name, move |times| {
            timed(|| {
                for _ in 0..times {
                    black_box(operation());
                }
            })
        })
    }
}

/// How long it takes. A function of its own: what is inside is what `.ci/instructions` counts.
#[inline(never)]
pub(crate) fn timed(job: impl FnOnce()) -> Duration {
    let start = Instant::now();
    job();
    start.elapsed()
}

/// Does both at once, each on a core of its own. How long the second took.
pub(crate) fn on_two_cores(first: impl FnOnce() + Send, second: impl FnOnce() -> Duration + Send) -> Duration {
    thread::scope(|scope| {
        scope.spawn(|| {
            stay_on_a_core(true);
            first();
        });
        let second = scope.spawn(|| {
            stay_on_a_core(false);
            second()
        });
        second.join().expect("it does not panic")
    })
}

/// Keeps the calling thread on a core of its side, where the system lets it.
pub(crate) fn stay_on_a_core(is_first: bool) {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    if let Some(core) = if is_first { cores.first() } else { cores.last() } {
        core_affinity::set_for_current(*core);
    }
}

/// What the ratio of ours to the peer must be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// Of costs: ours in peers.
    AtMost(f64),
    /// Of rates: how many of the peer's.
    AtLeast(f64),
}

impl Goal {
    pub(crate) fn is_met(self, ratio: f64) -> bool {
        match self {
            Self::AtMost(limit) => ratio <= limit,
            Self::AtLeast(limit) => ratio >= limit,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(f, "at most {limit}"),
            Self::AtLeast(limit) => write!(f, "at least {limit}"),
        }
    }
}

/// One row of the table.
pub(crate) struct Row {
    pub name: &'static str,
    pub ours: Work,
    /// What it is held against: the best of them.
    pub peers: Vec<Work>,
    pub goal: Goal,
}

/// All rows, in the order of the table.
pub(crate) fn rows() -> Vec<Row> {
    [single::rows(), readers::rows(), channel::rows(), ping_pong::rows()].into_iter().flatten().collect()
}
