//! The whole check: scenarios on the specification and on the real code, faults on both, one report.

mod faults;
mod shard;

pub use shard::Shard;

use crate::engine::sampling::Sampling;
use crate::engine::spec::{self as spec_engine, SecondOpinion};
use crate::fault::Planted;
use crate::golden::Golden;
use crate::job::{self, Job, Task};
use crate::report::{FaultRun, Guarantee, LockRow, Report, Run, Violation, strategies};
use crate::scenario::{Scenario, Strategy};
use crate::spec::{Exploration, Rules, Witness, Witnesses};
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

/// An engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Engine {
    /// The specification, every state.
    Spec,
    /// The real code under loom, every interleaving (needs the feature `loom`).
    Loom,
    /// The real code under shuttle, many interleavings (needs the feature `shuttle`, and not `loom`).
    Shuttle,
    /// The real code on real threads (needs a build without these features).
    Threads,
}

impl Engine {
    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spec => "spec",
            Self::Loom => "loom",
            Self::Shuttle => "shuttle",
            Self::Threads => "threads",
        }
    }

    /// Whether it can run this: only shuttle takes what is [large](Scenario::is_large).
    pub fn takes(self, scenario: &Scenario) -> bool {
        self == Self::Shuttle || !scenario.is_large()
    }

    /// The engines of this build.
    pub const AVAILABLE: &[Self] = if cfg!(feature = "loom") {
        &[Self::Spec, Self::Loom]
    } else if cfg!(feature = "shuttle") {
        &[Self::Spec, Self::Shuttle]
    } else {
        &[Self::Spec, Self::Threads]
    };
}

/// What to check.
pub struct Plan {
    /// What the scenarios are loaded from, see [`job::load`], and the scenarios.
    pub scenarios: Vec<(String, Scenario)>,
    /// The engines, all of them available.
    pub engines: Vec<Engine>,
    /// The strategies, all of them available. A scenario is checked under those that it is for.
    pub strategies: Vec<Strategy>,
    /// Whether to try all faults. Those that a scenario names are tried on it in any case.
    pub faults: bool,
    /// Whether these are all shipped scenarios and all strategies: then every witness must be reached.
    pub complete: bool,
    /// Rounds of each scenario on real threads.
    pub rounds: u64,
    /// Executions of each scenario under shuttle: one run for each of these.
    pub samplings: Vec<Sampling>,
    /// Where failing schedules of shuttle go.
    pub schedules: PathBuf,
    /// The one schedule that is replayed under shuttle, instead of all others.
    pub replay: Option<PathBuf>,
    /// Child processes at a time.
    pub jobs: usize,
    /// This program.
    pub executable: PathBuf,
    /// The counts that scenarios must have.
    pub golden: Golden,
    /// The part of all this that is to be done; all of it if there is none.
    pub shard: Option<Shard>,
}

/// Hears of progress.
pub trait Progress: Sync {
    /// So many runs are to come.
    fn planned(&self, runs: usize);
    /// A run ended.
    fn ran(&self, run: &Run);
    /// A fault was tried.
    fn tried(&self, fault: &FaultRun);
}

/// Runs the plan.
///
/// # Errors
///
/// When a child process cannot be started.
pub fn check(plan: &Plan, progress: &dyn Progress) -> std::io::Result<Report> {
    let shard::Share { runs: tasks, faults, part } = shard::share(plan);
    progress.planned(tasks.len() + faults.len());

    let pool = ThreadPoolBuilder::new().num_threads(plan.jobs).build().map_err(std::io::Error::other)?;
    let explorations = Explorations::default();
    let runs = in_parallel(&pool, tasks, |planned| {
        let run = plan.run(&planned, &explorations)?;
        progress.ran(&run);
        Ok(run)
    })?;
    let tried = in_parallel(&pool, faults, |fault| {
        let fault = fault.attempt(plan)?;
        progress.tried(&fault.1);
        Ok(fault)
    })?;

    let explorations = explorations.into_inner().expect("no panic");
    let demands_witnesses = plan.complete && plan.engines.contains(&Engine::Spec);
    Ok(Report {
        schema: 1,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        runs,
        guarantees: Guarantee::all(&tried),
        locks: locks(&explorations),
        missing_witnesses: if demands_witnesses { missing_witnesses(explorations.values()) } else { Vec::new() },
        part,
    })
}

/// What the specification's explorations found, by strategy and by the scenario's index.
type Explorations = Mutex<BTreeMap<(Strategy, usize), Exploration>>;

/// A run to do.
struct Planned {
    /// The scenario's index in the plan.
    scenario: usize,
    strategy: Strategy,
    /// `None` for the specification.
    task: Option<Task>,
}

impl Plan {
    /// The runs to do: scenario by scenario, strategy by strategy.
    fn tasks(&self) -> Vec<Planned> {
        let mut planned = Vec::new();
        for (index, (_, scenario)) in self.scenarios.iter().enumerate() {
            for &strategy in scenario.strategies.iter().filter(|strategy| self.strategies.contains(strategy)) {
                let engines = self.engines.iter().filter(|engine| engine.takes(scenario));
                let tasks = engines.flat_map(|&engine| self.tasks_on(engine));
                planned.extend(tasks.map(|task| Planned { scenario: index, strategy, task }));
            }
        }
        planned
    }

    fn tasks_on(&self, engine: Engine) -> Vec<Option<Task>> {
        match engine {
            Engine::Spec => vec![None],
            Engine::Loom => Task::LOOM.map(Some).to_vec(),
            Engine::Shuttle => match &self.replay {
                Some(file) => vec![Some(Task::Replay { file: file.clone() })],
                None => self.samplings.iter().map(|&sampling| Some(self.shuttle(sampling))).collect(),
            },
            Engine::Threads => vec![Some(Task::Threads { rounds: self.rounds })],
        }
    }

    fn shuttle(&self, sampling: Sampling) -> Task {
        Task::Shuttle { planted: Planted::Nothing, sampling, keep: Some(self.schedules.clone()) }
    }

    fn run(&self, planned: &Planned, explorations: &Explorations) -> std::io::Result<Run> {
        let &Planned { scenario: index, strategy, ref task } = planned;
        let (origin, scenario) = &self.scenarios[index];
        let mut run = match task {
            None => {
                let (run, exploration) = on_spec(scenario, strategy);
                explorations.lock().expect("no panic").insert((strategy, index), exploration);
                run
            }
            Some(task) => {
                let job = Job { origin, scenario, strategy, task: task.clone() };
                job::run(&self.executable, &job, task.limit())?
            }
        };
        // A scenario from a file may have the name of a shipped one.
        if !job::is_path(origin) {
            run.violations.extend(self.golden.complaint(&run));
        }
        Ok(run.judged())
    }
}

/// Explores the specification, twice, and compares.
fn on_spec(scenario: &Scenario, strategy: Strategy) -> (Run, Exploration) {
    let start = Instant::now();
    let rules = Rules::new(scenario, strategy);
    let (mut run, exploration) = spec_engine::explored(&rules);
    let SecondOpinion { states, violated } = spec_engine::second_opinion(rules);
    if run.violations.is_empty() && (states != run.states || !violated.is_empty()) {
        let ours = run.states;
        let why = format!("stateright disagrees: {states} states instead of {ours}, violated: {violated:?}");
        run.violations.push(Violation::unnamed(why));
    }
    (Run { seconds: start.elapsed().as_secs_f64(), ..run }.judged(), exploration)
}

/// The lock table: the rows of each strategy that was explored.
fn locks(explorations: &BTreeMap<(Strategy, usize), Exploration>) -> Vec<LockRow> {
    let explored: BTreeSet<Strategy> = explorations.keys().map(|&(strategy, _)| strategy).collect();
    let of = |strategy: Strategy| {
        let found = explorations.iter().filter(move |((of, _), _)| *of == strategy);
        strategies::rows(strategy, found.map(|(_, exploration)| exploration))
    };
    explored.into_iter().flat_map(of).collect()
}

/// The names of the witnesses that no exploration reached.
fn missing_witnesses<'a>(explorations: impl Iterator<Item = &'a Exploration>) -> Vec<String> {
    let reached = explorations.fold(Witnesses::default(), |reached, found| reached.union(found.witnesses));
    let missing = Witness::ALL.iter().filter(|witness| !reached.contains(**witness));
    missing.map(|witness| witness.name().to_owned()).collect()
}

/// Runs `work` on all items, and keeps their order.
fn in_parallel<T: Send, U: Send>(
    pool: &ThreadPool,
    items: Vec<T>,
    work: impl Fn(T) -> std::io::Result<U> + Sync + Send,
) -> std::io::Result<Vec<U>> {
    // One at a time, in order: the items are long.
    pool.install(|| items.into_par_iter().with_max_len(1).map(work).collect())
}
