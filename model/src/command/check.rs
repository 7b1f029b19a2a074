//! `viewchan check`.

use super::verdict::{self, Output};
use super::{once, refuse_idle, refuse_meddling, refuse_missing};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use viewchan_model::check::{Engine, Plan, Progress, Shard, check};
use viewchan_model::engine::strategy::available;
use viewchan_model::golden::Golden;
use viewchan_model::job::load;
use viewchan_model::report::{FaultRun, Run, Verdict, table};
use viewchan_model::scenario::{Strategy, shipped};

/// Explores scenarios on the specification and on the real code, tries the faults, and prints the verdict.
///
/// Without names: every shipped scenario, and every fault on every engine that it lives in.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Shipped scenarios (see `viewchan list`), or paths of scenario files. All shipped ones if none is given.
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
    verdict::tell(&report, json)
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
    Ok(Plan {
        scenarios: origins.into_iter().map(load).collect::<Result<_, _>>()?,
        engines: if arguments.engine.is_empty() { Engine::AVAILABLE.to_vec() } else { once(&arguments.engine) },
        faults: complete || arguments.faults,
        complete: complete && strategies == available(),
        strategies,
        rounds: arguments.rounds,
        jobs: super::jobs(arguments.jobs),
        executable: super::executable()?,
        golden: if arguments.write_golden.is_some() { Golden::none() } else { Golden::shipped() },
        shard: arguments.shard,
    })
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
