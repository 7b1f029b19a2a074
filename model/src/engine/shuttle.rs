//! The real code under shuttle: interleavings that a scheduler chooses, each execution followed by a monitor.
//!
//! It is for what is too large for loom, and a second opinion on what is not. What it cannot see: all atomics are
//! sequentially consistent, and nobody checks cells. Executions are counted, and all that were asked for must have been
//! done; `dfs` must have come to its end. No limit ends a run quietly: shuttle's own are set here, and the environment
//! variables that would change what is run are refused.
//!
//! A failure ends the process, with the schedule in a file: see [`Failed`].

use super::execution::{self, execution, fail_on_panic, passed};
use super::sampling::{Sampling, Scheduler};
use super::strategy::{Work, with_strategy};
use crate::fault::Planted;
use crate::monitor::{Failure, Graph};
use crate::scenario::{self, Scenario};
use shuttle::scheduler::{
    DfsScheduler, PctScheduler, RandomScheduler, ReplayScheduler, Scheduler as Choice, UrwRandomScheduler,
};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner, UngracefulShutdownConfig, thread};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use viewchan::Interpreter;
use viewchan::strategy::Strategy;

/// The stack of a thread. The monitor runs on it, and so does what a failing process does at last.
const STACK_BYTES: usize = 1 << 20;
/// More steps than this in one execution mean a livelock: shuttle panics, and the run fails.
const MAX_STEPS: usize = 1_000_000;

/// The first variable of the environment that would change what shuttle runs.
pub fn meddling_variable() -> Option<String> {
    let harmless = ["SHUTTLE_CAPTURE_BACKTRACE", "SHUTTLE_SILENCE_WARNINGS"];
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.into_iter().find(|name| name.starts_with("SHUTTLE_") && !harmless.contains(&name.as_str()))
}

/// What is to be run.
#[derive(Clone, Debug)]
pub enum Choices<'a> {
    /// The executions of a scheduler. The schedule of one that fails goes into a new file in this directory, if there is one.
    Of(Sampling, Option<PathBuf>),
    /// One execution: this schedule, as shuttle has written it.
    Recorded(&'a str),
}

/// Runs a scenario with something put into the code, or with what ships. Returns what all executions visited, and how many
/// there were.
///
/// Calls `fail` with the first failure and expects it to end the process. A recorded schedule that is over without one does
/// the same, with what shuttle says about it: see [`is_over`].
///
/// # Errors
///
/// If that cannot be put into that strategy.
///
/// # Panics
///
/// If a `SHUTTLE_*` variable is set that changes what is run.
pub fn explore(
    planted: Planted,
    scenario: &Arc<Scenario>,
    strategy: scenario::Strategy,
    choices: &Choices<'_>,
    fail: fn(Failure) -> !,
) -> Result<(Graph, u64), String> {
    assert_eq!(meddling_variable(), None, "this variable changes what shuttle runs; unset it");
    planted.run(strategy, Explore { scenario, strategy, choices, fail })
}

struct Explore<'a> {
    scenario: &'a Arc<Scenario>,
    strategy: scenario::Strategy,
    choices: &'a Choices<'a>,
    fail: fn(Failure) -> !,
}

impl Work for Explore<'_> {
    type Outcome = (Graph, u64);

    fn with<S: Strategy<Interpreter>>(self) -> (Graph, u64) {
        let graph = Arc::new(Mutex::new(Graph::new(self.scenario, self.strategy)));
        fail_on_panic(self.fail);
        let model = {
            let (scenario, graph) = (Arc::clone(self.scenario), Arc::clone(&graph));
            move || beside_another(&scenario, || execution::<S>(&scenario, &graph))
        };
        let ran = self.choices.run(model);
        (passed(graph), ran as u64)
    }
}

/// Does it beside a thread that does nothing, if there would be one thread only: `pct` refuses to run that.
fn beside_another(scenario: &Scenario, run: impl FnOnce()) {
    let is_alone = scenario.threads.len() + scenario.timeouts() == 1;
    let bystander = is_alone.then(|| thread::spawn(|| ()));
    run();
    bystander.into_iter().for_each(|bystander| bystander.join().expect("it does nothing"));
}

/// Runs the executions that [`explore`] runs of what ships, and lets nobody judge them: it shows nothing about the code. Returns
/// how many there were.
///
/// It is what a monitored run is measured against, so it gives nothing that could be taken for a check: no graph, and hence no
/// verdict. There is no recorder, so that no event is made; what is left of tracing is a look whether there is one.
///
/// # Errors
///
/// If this build has not got the strategy.
///
/// # Panics
///
/// As [`explore`]; and where shuttle itself objects, since nobody else is told.
pub fn unmonitored(
    scenario: &Arc<Scenario>,
    strategy: scenario::Strategy,
    choices: &Choices<'_>,
) -> Result<u64, String> {
    assert_eq!(meddling_variable(), None, "this variable changes what shuttle runs; unset it");
    let model = Arc::clone(scenario);
    let ran = with_strategy!(strategy, S => {
        choices.run(move || beside_another(&model, || execution::unmonitored::<S>(&model)))
    });
    Ok(ran? as u64)
}

impl Choices<'_> {
    fn run(&self, model: impl Fn() + Send + Sync + 'static) -> usize {
        let (Sampling { scheduler, iterations, seed }, directory) = match self {
            Self::Of(sampling, directory) => (*sampling, directory.as_deref()),
            Self::Recorded(schedule) => return run(ReplayScheduler::new_from_encoded(schedule), None, model),
        };
        match scheduler {
            Scheduler::Random => run(RandomScheduler::new_from_seed(seed, iterations), directory, model),
            Scheduler::Pct { depth } => run(PctScheduler::new_from_seed(seed, depth, iterations), directory, model),
            Scheduler::Urw => run(UrwRandomScheduler::new_from_seed(seed, iterations), directory, model),
            // One more than there may be, so that more than that are noticed.
            Scheduler::Dfs => run(DfsScheduler::new(Some(iterations.saturating_add(1)), false), directory, model),
        }
    }
}

/// Runs all executions of a scheduler, and counts them.
fn run(choice: impl Choice + 'static, directory: Option<&Path>, model: impl Fn() + Send + Sync + 'static) -> usize {
    Runner::new(choice, config(directory)).run(model)
}

fn config(directory: Option<&Path>) -> Config {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config.failure_persistence = match directory {
        Some(directory) => FailurePersistence::File(Some(directory.to_owned())),
        None => FailurePersistence::None,
    };
    config.max_steps = MaxSteps::FailAfter(MAX_STEPS);
    config.max_time = None;
    // About orderings, and about statics: both are known, and said above and in SPEC.md.
    config.silence_warnings = true;
    config.record_steps_in_span = false;
    config.ungraceful_shutdown_config = UngracefulShutdownConfig::new();
    config
}

/// The schedule that shuttle has put into the directory.
///
/// # Errors
///
/// When there is none.
pub fn recorded(directory: &Path) -> std::io::Result<String> {
    std::fs::read_to_string(directory.join("schedule000.txt"))
}

/// Whether this is what is said when a recorded schedule is over, and nothing has failed.
pub fn is_over(why: &str) -> bool {
    why.starts_with("schedule ended early")
}

/// Whether this is what is said when a recorded schedule does not fit the code.
pub fn is_misfit(why: &str) -> bool {
    why.starts_with("scheduled task is not runnable")
        || why.starts_with("expected ")
        || why.starts_with("invalid schedule")
}
