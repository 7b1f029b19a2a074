//! The whole check: scenarios on the specification and on the real code, faults on both, one report.

use crate::engine::spec::{self as spec_engine, SecondOpinion};
use crate::fault::{CODE_FAULTS, CodeFault};
use crate::golden::Golden;
use crate::job::{self, Task};
use crate::report::{FaultRun, FaultVerdict, Guarantee, LockRow, Report, Run, Verdict, Violation};
use crate::scenario::Scenario;
use crate::spec::{self, Counterexample, Exploration, Fault, Rules, Witness, Witnesses, explore};
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// An engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Engine {
    /// The specification, every state.
    Spec,
    /// The real code under loom, every interleaving (needs the feature `loom`).
    Loom,
    /// The real code on real threads (needs a build without the feature `loom`).
    Threads,
}

impl Engine {
    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spec => "spec",
            Self::Loom => "loom",
            Self::Threads => "threads",
        }
    }

    /// The engines of this build.
    pub const AVAILABLE: &[Self] =
        if cfg!(feature = "loom") { &[Self::Spec, Self::Loom] } else { &[Self::Spec, Self::Threads] };
}

/// What to check.
pub struct Plan {
    /// What the scenarios are loaded from, see [`job::load`], and the scenarios.
    pub scenarios: Vec<(String, Scenario)>,
    /// The engines, all of them available.
    pub engines: Vec<Engine>,
    /// Whether to try the faults, too.
    pub faults: bool,
    /// Whether these are all shipped scenarios: then every witness must be reached.
    pub complete: bool,
    /// Rounds of each scenario on real threads.
    pub rounds: u64,
    /// Child processes at a time.
    pub jobs: usize,
    /// This program.
    pub executable: PathBuf,
    /// The counts that scenarios must have.
    pub golden: Golden,
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

/// How long a child may take. Far more than any needs: it ends hangs, not work.
const LIMIT: Duration = Duration::from_secs(1800);

/// Runs the plan.
///
/// # Errors
///
/// When a child process cannot be started.
pub fn check(plan: &Plan, progress: &dyn Progress) -> std::io::Result<Report> {
    let tasks = tasks(plan);
    let faults = if plan.faults { self::faults(plan) } else { Vec::new() };
    progress.planned(tasks.len() + faults.len());

    let pool = ThreadPoolBuilder::new().num_threads(plan.jobs).build().map_err(std::io::Error::other)?;
    let explorations = Mutex::new(BTreeMap::new());
    let runs = in_parallel(&pool, tasks, |(index, task)| {
        let (origin, scenario) = &plan.scenarios[index];
        let mut run = match task {
            None => {
                let (run, exploration) = on_spec(scenario);
                let mut explorations = explorations.lock().expect("no panic");
                explorations.insert(index, exploration);
                run
            }
            Some(task) => job::run(&plan.executable, origin, scenario, &task, LIMIT)?,
        };
        // A scenario from a file may have the name of a shipped one.
        if !job::is_path(origin) {
            run.violations.extend(plan.golden.complaint(&run));
        }
        if !run.violations.is_empty() {
            run.verdict = Verdict::Fail;
        }
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
        guarantees: guarantees(tried),
        locks: locks(explorations.values()),
        missing_witnesses: if demands_witnesses { missing_witnesses(explorations.values()) } else { Vec::new() },
    })
}

/// The runs to do: for each scenario its index, and the task, or `None` for the specification.
fn tasks(plan: &Plan) -> Vec<(usize, Option<Task>)> {
    let mut tasks = Vec::new();
    for index in 0..plan.scenarios.len() {
        for engine in &plan.engines {
            match engine {
                Engine::Spec => tasks.push((index, None)),
                Engine::Loom => {
                    tasks.extend(["plain", "rmw"].map(|mode| (index, Some(Task::Loom { mode }))));
                }
                Engine::Threads => tasks.push((index, Some(Task::Threads { rounds: plan.rounds }))),
            }
        }
    }
    tasks
}

/// Explores the specification, twice, and compares.
fn on_spec(scenario: &Scenario) -> (Run, Exploration) {
    let start = Instant::now();
    let rules = Rules::new(scenario);
    let exploration = explore(&rules, None).expect("no limit was set");
    let SecondOpinion { states, violated } = spec_engine::second_opinion(rules.clone());
    let mut violations: Vec<Violation> = exploration.violation.iter().map(|found| in_words(&rules, found)).collect();
    if violations.is_empty() && (states != exploration.states.len() || !violated.is_empty()) {
        let ours = exploration.states.len();
        let why = format!("stateright disagrees: {states} states instead of {ours}, violated: {violated:?}");
        violations.push(Violation { guarantee: None, why, trace: Vec::new() });
    }
    let run = Run {
        scenario: scenario.name.clone(),
        strategy: "view".to_owned(),
        tier: "exhaustive".to_owned(),
        preemptions: None,
        engine: "spec".to_owned(),
        mode: None,
        executions: exploration.transitions as u64,
        states: exploration.states.len(),
        outcomes: exploration.outcomes.iter().cloned().collect(),
        agrees_with_spec: true,
        truncated: false,
        seconds: start.elapsed().as_secs_f64(),
        verdict: if violations.is_empty() { Verdict::Pass } else { Verdict::Fail },
        violations,
    };
    (run, exploration)
}

fn in_words(rules: &Rules, found: &Counterexample) -> Violation {
    Violation {
        guarantee: Some(found.violation.guarantee.id().to_owned()),
        why: found.violation.why.clone(),
        trace: found.path.iter().map(|action| action.describe(rules.scenario())).collect(),
    }
}

/// A fault to try.
enum Attempt {
    Spec(Fault),
    Loom(CodeFault),
}

fn faults(plan: &Plan) -> Vec<Attempt> {
    let mut faults = Vec::new();
    if plan.engines.contains(&Engine::Spec) {
        faults.extend(Fault::ALL.iter().copied().map(Attempt::Spec));
    }
    if plan.engines.contains(&Engine::Loom) {
        faults.extend(CODE_FAULTS.iter().copied().map(Attempt::Loom));
    }
    faults
}

impl Attempt {
    /// Tries the fault; with it, the guarantee that it breaks.
    fn attempt(self, plan: &Plan) -> std::io::Result<(String, FaultRun)> {
        match self {
            Self::Spec(fault) => Ok((fault.guarantee().id().to_owned(), on_spec_with(fault, plan))),
            Self::Loom(fault) => Ok((fault.guarantee.to_owned(), on_loom_with(fault, plan)?)),
        }
    }
}

/// Explores scenarios with the fault until one refutes it.
fn on_spec_with(fault: Fault, plan: &Plan) -> FaultRun {
    let mut attempt = FaultRun {
        name: fault.name().to_owned(),
        engine: "spec".to_owned(),
        scenario: String::new(),
        verdict: FaultVerdict::Survived,
        why: "no scenario refutes it".to_owned(),
    };
    for (_, scenario) in &plan.scenarios {
        let rules = Rules::with_fault(scenario, fault);
        let exploration = explore(&rules, None).expect("no limit was set");
        if let Some(found) = exploration.violation.filter(|found| found.violation.guarantee == fault.guarantee()) {
            attempt.scenario.clone_from(&scenario.name);
            attempt.verdict = FaultVerdict::Refuted;
            attempt.why = found.violation.to_string();
            break;
        }
    }
    attempt
}

/// Explores the fault's scenario under loom. It must fail, and say what is expected of it.
fn on_loom_with(fault: CodeFault, plan: &Plan) -> std::io::Result<FaultRun> {
    let scenario = job::load(fault.scenario).expect("shipped");
    let run = job::run(&plan.executable, fault.scenario, &scenario, &Task::Fault { name: fault.name }, LIMIT)?;
    let said = run.violations.iter().map(|violation| violation.to_string()).find(|why| why.contains(fault.says));
    let (verdict, why) = match said {
        Some(why) => (FaultVerdict::Refuted, why),
        None => (
            FaultVerdict::Survived,
            match run.violations.first() {
                Some(other) => format!("{:?} was expected, not: {other}", fault.says),
                None => format!("all {} executions passed", run.executions),
            },
        ),
    };
    Ok(FaultRun {
        name: fault.name.to_owned(),
        engine: "loom".to_owned(),
        scenario: fault.scenario.to_owned(),
        verdict,
        why,
    })
}

fn guarantees(tried: Vec<(String, FaultRun)>) -> Vec<Guarantee> {
    let with_faults = |guarantee: &spec::Guarantee| Guarantee {
        id: guarantee.id().to_owned(),
        name: guarantee.name().to_owned(),
        faults: tried.iter().filter(|(id, _)| id == guarantee.id()).map(|(_, fault)| fault.clone()).collect(),
    };
    spec::Guarantee::ALL.iter().map(with_faults).collect()
}

/// The operations of the lock table.
const OPERATIONS: [&str; 7] = ["send", "receive", "clone", "slice", "read", "release", "last-release"];

/// The causes of foreign acquisitions for each operation, over all explorations.
fn locks<'a>(explorations: impl Iterator<Item = &'a Exploration>) -> Vec<LockRow> {
    let seen: BTreeSet<(String, String)> = explorations
        .flat_map(|exploration| &exploration.lock_table)
        .map(|(operation, cause)| (operation.name().to_owned(), cause.to_string()))
        .collect();
    let row = |operation: &str| LockRow {
        strategy: "view".to_owned(),
        operation: operation.to_owned(),
        causes: seen.iter().filter(|(of, _)| of == operation).map(|(_, cause)| cause.clone()).collect(),
    };
    if seen.is_empty() { Vec::new() } else { OPERATIONS.iter().map(|operation| row(operation)).collect() }
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
