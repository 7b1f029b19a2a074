//! `viewchan check`.

use super::verdict::{self, Output};
use super::{once, refuse_idle, refuse_meddling, refuse_missing};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use viewchan_model::check::{Engine, Plan, Progress, Shard, check};
use viewchan_model::engine::recording::Recording;
use viewchan_model::engine::sampling::{Sampling, Scheduler};
use viewchan_model::engine::strategy::available;
use viewchan_model::golden::Golden;
use viewchan_model::job::load;
use viewchan_model::report::{FaultRun, Run, Verdict, table};
use viewchan_model::scenario::{MOST_LOOM_THREADS, MOST_STEPS, Scenario, Strategy, shipped};

/// Explores scenarios on the specification and on the real code, tries the faults, and prints the verdict.
///
/// Without names: every shipped scenario, and every fault on every engine that it lives in.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Shipped scenarios (see `viewchan list`), or paths of scenario files; or, for shuttle, `crowd-INTERPRETERS-MESSAGES`,
    /// such as `crowd-16-1000`. All shipped ones if none is given.
    scenarios: Vec<String>,
    /// Engines to use, comma-separated. All of this build if none is given.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "ENGINES")]
    engine: Vec<Engine>,
    /// Strategies to check, comma-separated. All that a scenario is for if none is given.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STRATEGIES")]
    strategy: Vec<Strategy>,
    /// Try all faults as well, although scenarios are named. Faults that a scenario names are tried in any case.
    #[arg(long)]
    faults: bool,
    /// Rounds of each scenario on real threads.
    #[arg(long, default_value_t = 300, value_name = "N", value_parser = rounds)]
    rounds: u64,
    /// Schedulers of shuttle, comma-separated: a run for each. random, pct and urw if none is given; `dfs` is for tiny
    /// scenarios.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SCHEDULERS")]
    scheduler: Vec<Chooser>,
    /// Executions of each scenario under each scheduler of shuttle. For `dfs` the most that there may be, with more the run
    /// fails; 1000000 if not given. 300 for the others.
    #[arg(long, value_name = "N", value_parser = rounds)]
    iterations: Option<u64>,
    /// The depth of the scheduler `pct`: ordering constraints that a fault may need. 3 if not given.
    #[arg(long, value_name = "D", value_parser = clap::value_parser!(u16).range(1..))]
    depth: Option<u16>,
    /// Where chance begins in the schedulers `random`, `pct` and `urw`. 1 if not given.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// The directory for the schedule of a run that fails under shuttle.
    #[arg(long, value_name = "DIRECTORY", default_value = "target/schedules")]
    schedules: PathBuf,
    /// Replay the schedule in this file under shuttle, on the one scenario and strategy that it is of.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scheduler", "iterations", "depth", "seed", "faults"])]
    replay: Option<PathBuf>,
    /// Runs at a time. One for each processor if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Do the K-th of N parts only, on as many machines: `viewchan merge` makes one verdict of their reports.
    #[arg(long, value_name = "K/N", requires = "json")]
    shard: Option<Shard>,
    /// Write the report to this file, as JSON (the schema is in the README of viewchan-model).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the counts to this file instead of comparing them with the golden ones. For maintainers.
    #[arg(long, value_name = "FILE", hide = true, conflicts_with = "shard")]
    write_golden: Option<PathBuf>,
}

/// A number of rounds: none would show nothing.
fn rounds(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err("expected at least 1".to_owned()),
        Ok(rounds) => Ok(rounds),
        Err(error) => Err(format!("{error}; expected a whole number, at least 1")),
    }
}

/// A scheduler, on the command line.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Chooser {
    Random,
    Pct,
    Urw,
    Dfs,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let plan = plan(arguments)?;
    let json = arguments.json.as_ref().map(Output::create).transpose()?;
    let golden = arguments.write_golden.as_ref().map(Output::create).transpose()?;
    let (bar, lines) = (Bar::new(), Lines);
    let progress: &dyn Progress = if std::io::stderr().is_terminal() { &bar } else { &lines };
    let report = check(&plan, progress).map_err(|error| format!("cannot run the check: {error}"))?;
    bar.0.finish_and_clear();
    if let Some(golden) = golden {
        golden.write(&Golden::of(&report.runs).to_json())?;
    }
    verdict::tell(&report, &plan.scenarios, json)
}

fn plan(arguments: &Arguments) -> Result<Plan, String> {
    arguments.engine.iter().try_for_each(|&engine| refuse_missing(engine))?;
    refuse_meddling()?;
    let strategies = super::strategies(&arguments.strategy)?;
    let complete = arguments.scenarios.is_empty();
    let origins: Vec<String> = if complete {
        shipped().into_iter().map(|scenario| scenario.name).collect()
    } else {
        once(&arguments.scenarios)
    };
    let load = |origin: String| {
        let scenario = load(&origin)?;
        if !complete {
            refuse_idle(&scenario, &strategies)?;
        }
        Ok::<_, String>((origin, scenario))
    };
    let scenarios: Vec<_> = origins.into_iter().map(load).collect::<Result<_, _>>()?;
    let engines = if arguments.engine.is_empty() { Engine::AVAILABLE.to_vec() } else { once(&arguments.engine) };
    refuse_large(&scenarios, &engines, !arguments.engine.is_empty())?;
    let samplings = samplings(arguments, &engines)?;
    if let Some(file) = &arguments.replay {
        refuse_replay(file, &engines, &scenarios, &strategies)?;
    }
    Ok(Plan {
        scenarios,
        engines,
        faults: complete || arguments.faults,
        complete: complete && strategies == available(),
        strategies,
        rounds: arguments.rounds,
        samplings,
        schedules: arguments.schedules.clone(),
        replay: arguments.replay.clone(),
        jobs: super::jobs(arguments.jobs),
        executable: super::executable()?,
        golden: if arguments.write_golden.is_some() { Golden::none() } else { Golden::shipped() },
        shard: arguments.shard,
    })
}

/// Refuses a scenario that is too large for the engines that were asked for, or for all if none was.
fn refuse_large(scenarios: &[(String, Scenario)], engines: &[Engine], asked: bool) -> Result<(), String> {
    for (origin, scenario) in scenarios {
        let idle = engines.iter().find(|engine| !engine.takes(scenario));
        if let Some(idle) = idle.filter(|_| asked || !engines.contains(&Engine::Shuttle)) {
            let (threads, timeouts) = (scenario.threads.len(), scenario.timeouts());
            return Err(format!(
                "{origin} is too large for the engine {}: it has {threads} threads and {timeouts} steps with a deadline, \
                 where {MOST_LOOM_THREADS} together can be explored, and {MOST_STEPS} steps in a thread; \
                 --engine shuttle runs it, in a build with --features shuttle",
                idle.name()
            ));
        }
    }
    Ok(())
}

/// The runs under shuttle. A flag that nothing heeds is refused: it would seem to have had an effect.
fn samplings(arguments: &Arguments, engines: &[Engine]) -> Result<Vec<Sampling>, String> {
    let Arguments { scheduler, iterations, depth, seed, .. } = arguments;
    let chance = [Chooser::Random, Chooser::Pct, Chooser::Urw];
    let choosers = if scheduler.is_empty() { chance.to_vec() } else { once(scheduler) };
    let given = [
        ("--scheduler", !scheduler.is_empty()),
        ("--iterations", iterations.is_some()),
        ("--depth", depth.is_some()),
        ("--seed", seed.is_some()),
    ];
    let given = given.into_iter().find(|&(_, is_given)| is_given);
    if let Some((flag, _)) = given.filter(|_| !engines.contains(&Engine::Shuttle)) {
        return Err(format!("{flag} is for the engine shuttle, which is not used here"));
    }
    if depth.is_some() && !choosers.contains(&Chooser::Pct) {
        return Err("--depth is for the scheduler pct, which is not used here".to_owned());
    }
    if seed.is_some() && choosers == [Chooser::Dfs] {
        return Err("--seed is for schedulers that leave something to chance, and dfs does not".to_owned());
    }
    let depth = depth.map_or(3, usize::from);
    let sampling = |chooser| {
        let (scheduler, default) = match chooser {
            Chooser::Random => (Scheduler::Random, 300),
            Chooser::Pct => (Scheduler::Pct { depth }, 300),
            Chooser::Urw => (Scheduler::Urw, 300),
            Chooser::Dfs => (Scheduler::Dfs, 1_000_000),
        };
        let iterations = usize::try_from(iterations.unwrap_or(default)).map_err(|error| error.to_string())?;
        Ok(Sampling { scheduler, iterations, seed: seed.unwrap_or(1) })
    };
    choosers.into_iter().map(sampling).collect()
}

/// Refuses to replay a schedule on anything but what it is of.
fn refuse_replay(
    file: &Path,
    engines: &[Engine],
    scenarios: &[(String, Scenario)],
    strategies: &[Strategy],
) -> Result<(), String> {
    let recording = Recording::read(file)?;
    let ([(_, scenario)], [strategy], [Engine::Shuttle]) = (scenarios, strategies, engines) else {
        let Recording { scenario, strategy, .. } = recording;
        let file = file.display();
        return Err(format!(
            "a schedule is of one scenario and strategy: check {scenario} --strategy {strategy} --engine shuttle \
             --replay {file}"
        ));
    };
    let checked = recording.must_be_of(scenario, *strategy).and_then(|()| recording.planted());
    checked.map(|_| ()).map_err(|error| format!("{}: {error}", file.display()))
}

/// For a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::no_length();
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}").expect("a constant");
        Self(bar.with_style(style))
    }
}

impl Progress for Bar {
    fn planned(&self, runs: usize) {
        self.0.set_length(runs as u64);
    }

    fn ran(&self, run: &Run) {
        if run.verdict == Verdict::Fail {
            self.0.println(table::line(run));
        }
        self.0.set_message(run.scenario.clone());
        self.0.inc(1);
    }

    fn tried(&self, fault: &FaultRun) {
        self.0.set_message(fault.name.clone());
        self.0.inc(1);
    }
}

/// For a log: plain lines.
struct Lines;

impl Progress for Lines {
    fn planned(&self, runs: usize) {
        eprintln!("{}", table::count(runs as u64, "run"));
    }

    fn ran(&self, run: &Run) {
        eprintln!("{}", table::line(run));
    }

    fn tried(&self, fault: &FaultRun) {
        eprintln!("fault {}, {} on {}: {:?}", fault.name, fault.strategy, fault.engine, fault.verdict);
    }
}
