//! Every shipped scenario under each of its strategies, on real interpreters of every CPython there is; and what must
//! be refused.
//!
//! A trial is called `VERSION::STRATEGY` or `VERSION::refuses-FLAW`; a part of that chooses. What these variables say:
//!
//! - `VIEWCHAN_PYTHONS`, `VIEWCHAN_STAGE`: as for the tests of the package `viewchan-cpython`.
//! - `VIEWCHAN_ROUNDS`: how many rounds of each, 20 if not given.

#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../src/report.rs"]
mod report;

use common::{Python, built, pythons, run_within, stage};
use libtest_mimic::{Arguments, Failed, Trial};
use report::{Checked, Report, Row};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use viewchan_model::report::Verdict;
use viewchan_model::scenario::{Strategy, shipped};

/// So many scenarios share a process.
const CHUNK: usize = 30;

/// How long a process may take, beside its rounds, and for each of these: far more than any needs, on any machine.
const LIMIT: Duration = Duration::from_secs(60);
const LIMIT_OF_A_ROUND: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let Some(pythons) = pythons() else { return ExitCode::FAILURE };
    let runner = Arc::new(Runner::lay_out());
    let trials = pythons.iter().flat_map(|python| trials(python, &runner)).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    runner.print_totals();
    conclusion.exit_code()
}

fn trials(python: &Python, runner: &Arc<Runner>) -> Vec<Trial> {
    let all = Strategy::ALL.into_iter().map(|strategy| {
        let (python, runner) = (python.clone(), Arc::clone(runner));
        let title = format!("{}::{}", python.version, strategy.name());
        Trial::test(title, move || runner.conform(&python, strategy))
    });
    let refused = FLAWS.iter().map(|flaw| {
        let (python, runner) = (python.clone(), Arc::clone(runner));
        let title = format!("{}::refuses-{}", python.version, flaw.name);
        Trial::test(title, move || runner.refuse(&python, flaw))
    });
    all.chain(refused).collect()
}

/// A mistake that must be noticed.
struct Flaw {
    name: &'static str,
    /// Where it shows.
    pair: &'static str,
    rounds: u64,
    refusal: Refusal,
}

/// How it is noticed.
enum Refusal {
    /// By the guarantee that is broken, if one can be named, and by what is said.
    Violation(Option<&'static str>, &'static str),
    /// A round never ends: the process is over its limit, which is this one.
    Hang(Duration),
}

const FLAWS: [Flaw; 6] = [
    Flaw {
        name: "lock-at-clone",
        pair: "clones-made-while-dropped/view",
        rounds: 20,
        refusal: Refusal::Violation(Some("G1"), "which is not in the row of view"),
    },
    Flaw {
        name: "release-forgotten",
        pair: "one-message/view",
        rounds: 1,
        refusal: Refusal::Violation(Some("G3"), "1 more buffers were frozen than freed or thawed"),
    },
    Flaw {
        name: "errand-forgotten",
        pair: "one-message/deferred",
        rounds: 1,
        refusal: Refusal::Violation(Some("G3"), "1 more buffers were frozen than freed or thawed"),
    },
    Flaw {
        name: "end-refuses-nobody",
        pair: "end-twice/view",
        rounds: 1,
        refusal: Refusal::Violation(None, "the specification does not allow the outcome \"lone: ended ended x0\""),
    },
    Flaw {
        name: "end-wakes-nobody",
        pair: "end-interrupts-a-receiver/view",
        rounds: 20,
        refusal: Refusal::Hang(Duration::from_secs(10)),
    },
    Flaw {
        name: "lock-kept-while-detached",
        pair: "detach-lets-neighbour-in/view",
        rounds: 1000,
        refusal: Refusal::Violation(Some("G1"), "foreign lock for return in operation receive"),
    },
];

/// What was run under one version, together.
#[derive(Default)]
struct Totals {
    runs: usize,
    rounds: u64,
    outcomes: usize,
    allowed_outcomes: usize,
    rows: usize,
    seconds: f64,
}

/// The extension module, laid out, and what has been seen.
struct Runner {
    place: TempDir,
    rounds: u64,
    totals: Mutex<BTreeMap<String, Totals>>,
}

impl Runner {
    fn lay_out() -> Self {
        let place = stage();
        let module = place.path().join("_viewchan_conformance.abi3.so");
        fs::copy(built("viewchan_conformance"), module).expect("the module is copied");
        let rounds = std::env::var("VIEWCHAN_ROUNDS").map_or(20, |rounds| rounds.parse().expect("a number of rounds"));
        Self { place, rounds, totals: Mutex::default() }
    }

    /// What a process says of these scenarios.
    fn run(&self, python: &Python, limit: Duration, rounds: u64, flaw: &str, pairs: &[String]) -> Result<Report, Why> {
        const SCRIPT: &str = "import sys; sys.path.insert(0, sys.argv[1]); import _viewchan_conformance as runner
print(runner.run(sys.argv[2:]))";
        let place = self.place.path().to_str().expect("a path in UTF-8");
        let rounds = rounds.to_string();
        let mut arguments = vec!["-I", "-S", "-X", "faulthandler", "-c", SCRIPT, place, &rounds, flaw];
        arguments.extend(pairs.iter().map(String::as_str));
        let (ended, said) = run_within(python.command(&arguments), limit).map_err(Why::Failed)?;
        match ended {
            // Before it, on the standard error, stands which scenario was run when.
            Some(status) if status.success() => match said.lines().last().map(serde_json::from_str) {
                Some(Ok(report)) => Ok(report),
                other => Err(Why::Failed(format!("no report: {other:?}\n{said}").into())),
            },
            Some(status) => Err(Why::Failed(format!("{status}\n{said}").into())),
            None => Err(Why::Hangs(said)),
        }
    }

    /// All scenarios of a strategy.
    fn conform(&self, python: &Python, strategy: Strategy) -> Result<(), Failed> {
        let pairs: Vec<String> = shipped()
            .iter()
            .filter(|scenario| scenario.strategies.contains(&strategy))
            .map(|scenario| format!("{}/{}", scenario.name, strategy.name()))
            .collect();
        let start = Instant::now();
        let mut runs: Vec<Checked> = Vec::new();
        for pairs in pairs.chunks(CHUNK) {
            let limit = LIMIT + LIMIT_OF_A_ROUND * u32::try_from(self.rounds * pairs.len() as u64)?;
            let report = self.run(python, limit, self.rounds, "none", pairs).map_err(Failed::from)?;
            runs.extend(report.runs);
        }
        self.add(python, &runs, start.elapsed());
        let done: Vec<String> =
            runs.iter().map(|Checked { run, .. }| format!("{}/{}", run.scenario, run.strategy)).collect();
        let mut complaints: Vec<String> = runs.iter().flat_map(|checked| self.complaints(checked)).collect();
        if done != pairs {
            complaints.push(format!("{pairs:?} were to be run, not {done:?}"));
        }
        complaints.extend(complaint_about_rows(strategy, &runs));
        if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n").into()) }
    }

    fn complaints(&self, Checked { run, .. }: &Checked) -> Vec<String> {
        let mut complaints: Vec<String> = run.violations.iter().map(ToString::to_string).collect();
        if (run.verdict, run.executions, run.engine.as_str()) != (Verdict::Pass, self.rounds, "cpython") {
            complaints.push(format!("{:?} after {} rounds on {}", run.verdict, run.executions, run.engine));
        }
        complaints.iter().map(|why| format!("{}: {why}", run.scenario)).collect()
    }

    /// A mistake in the host or the strategy is noticed.
    fn refuse(&self, python: &Python, flaw: &Flaw) -> Result<(), Failed> {
        let limit = if let Refusal::Hang(limit) = flaw.refusal { limit } else { LIMIT };
        let seen = self.run(python, limit, flaw.rounds, flaw.name, &[flaw.pair.to_owned()]);
        match (&flaw.refusal, seen) {
            (Refusal::Hang(_), Err(Why::Hangs(_))) => Ok(()),
            (Refusal::Violation(guarantee, says), Ok(report)) => {
                let mut violations = report.runs.iter().flat_map(|checked| &checked.run.violations);
                let is_it =
                    violations.any(|found| found.guarantee.as_deref() == *guarantee && found.why.contains(says));
                let is_refused = is_it && report.runs.iter().all(|checked| checked.run.verdict == Verdict::Fail);
                if is_refused { Ok(()) } else { Err(format!("not refused like this: {:?}", report.runs).into()) }
            }
            (_, Ok(report)) => Err(format!("it passed: {:?}", report.runs).into()),
            (_, Err(why)) => Err(why.into()),
        }
    }

    fn add(&self, python: &Python, runs: &[Checked], took: Duration) {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let totals = totals.entry(python.version.clone()).or_default();
        totals.runs += runs.len();
        totals.rounds += runs.iter().map(|checked| checked.run.executions).sum::<u64>();
        totals.outcomes += runs.iter().map(|checked| checked.run.outcomes.len()).sum::<usize>();
        totals.allowed_outcomes += runs.iter().map(|checked| checked.allowed_outcomes).sum::<usize>();
        totals.rows += rows(runs, |checked| &checked.rows).len();
        totals.seconds += took.as_secs_f64();
    }

    fn print_totals(&self) {
        for (version, totals) in &*self.totals.lock().unwrap_or_else(PoisonError::into_inner) {
            let Totals { runs, rounds, outcomes, allowed_outcomes, rows, seconds } = totals;
            println!(
                "CPython {version}: {runs} scenarios x strategies, {rounds} rounds, {outcomes} of {allowed_outcomes} \
                 outcomes seen, {rows} lock rows, {seconds:.1} s of work"
            );
        }
    }
}

/// Threads acquired foreign locks for exactly what exploration says, over all scenarios of a strategy: nothing else,
/// says the runner; and all of it, so that nothing is allowed for want of looking.
fn complaint_about_rows(strategy: Strategy, runs: &[Checked]) -> Option<String> {
    let seen = rows(runs, |checked| &checked.rows);
    // Under `shared` each drop of a view says that no clone is left.
    let is_told = |(operation, _): &Row| strategy != Strategy::Shared || operation != "release";
    let unseen: Vec<Row> =
        rows(runs, |checked| &checked.allowed_rows).difference(&seen).filter(|row| is_told(row)).cloned().collect();
    let why = format!("no thread was seen to acquire a foreign lock for {unseen:?}: seen were {seen:?}");
    (seen.is_empty() || !unseen.is_empty()).then_some(why)
}

fn rows(runs: &[Checked], of: impl Fn(&Checked) -> &Vec<Row>) -> BTreeSet<Row> {
    runs.iter().flat_map(of).cloned().collect()
}

/// Why there is no report.
enum Why {
    Hangs(String),
    Failed(Failed),
}

impl From<Why> for Failed {
    fn from(why: Why) -> Self {
        match why {
            Why::Hangs(said) => format!("it hangs; this is what it said:\n{said}").into(),
            Why::Failed(failed) => failed,
        }
    }
}
