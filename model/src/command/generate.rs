//! `viewchan generate`.

use super::series::{report_failure, seed, strategies, too_big};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use viewchan_model::check::Engine;
use viewchan_model::generate::Size;
use viewchan_model::scenario::Strategy;
use viewchan_model::series::{Campaign, Series, Summary, Trial};

/// Generates scenarios, runs them on an engine, and holds them against the specification.
///
/// The first one that fails is made smaller and written to a file, with the command that replays it.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The engine.
    #[arg(long, value_enum)]
    engine: Engine,
    /// How many scenarios.
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    cases: u64,
    /// How big they may be. Those that are tiny loom explores exhaustively, those that are larger with 2 preemptions.
    #[arg(long, value_enum, default_value = "small")]
    size: Size,
    /// The number that decides them all. One that is printed if not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Strategies to generate for in turn, comma-separated. All of this build if none is given.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STRATEGIES")]
    strategy: Vec<Strategy>,
    /// Rounds of each scenario on real threads, or executions under shuttle.
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// A scenario that takes longer has failed.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// The directory for a scenario that fails.
    #[arg(long, default_value = "found", value_name = "DIR")]
    keep: PathBuf,
    /// Processes at a time. One for each processor if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Put this fault in, to see that it is found.
    #[arg(long, value_name = "FAULT")]
    flaw: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let campaign = campaign(arguments)?;
    let summary = campaign.run(&|summary| eprintln!("{}", counts(summary)));
    let summary = summary.map_err(|error| format!("cannot run the scenarios: {error}"))?;
    super::print(&format!("{}\n{}\n", counts(&summary), summary.coverage))?;
    if let Some(failed) = summary.failed.first() {
        report_failure(&campaign.series, failed, campaign.limit, &arguments.keep)?;
        return Ok(ExitCode::from(1));
    }
    let expected = arguments.cases * campaign.trials.len() as u64;
    if summary.runs != expected {
        return Err(format!("{} runs came to an end, of {expected}", summary.runs));
    }
    super::print(&format!("PASS: {} scenarios\n", arguments.cases))?;
    Ok(ExitCode::SUCCESS)
}

fn campaign(arguments: &Arguments) -> Result<Campaign, String> {
    let Arguments { engine, size, .. } = *arguments;
    super::refuse_missing(engine)?;
    super::refuse_meddling()?;
    let is_explored = matches!(engine, Engine::Spec | Engine::Loom);
    if is_explored && !size.is_explorable() {
        let (engine, size) = (engine.name(), size.name());
        return Err(format!("{size} scenarios are too big for the engine {engine}: choose a smaller --size"));
    }
    let strategies = strategies(&arguments.strategy, engine, arguments.flaw.as_deref())?;
    Ok(Campaign {
        series: Series::new(seed(arguments.seed)?, &[size], &strategies),
        cases: arguments.cases,
        trials: Trial::on(engine, arguments.rounds, arguments.flaw.as_deref())?,
        limit: arguments.limit.map(Duration::from_secs),
        jobs: super::jobs(arguments.jobs),
        executable: super::executable()?,
    })
}

fn counts(summary: &Summary) -> String {
    let Summary { runs, executions, operations, seconds, .. } = summary;
    let failed = summary.failed.len();
    let mut line = format!("{runs} runs, {executions} executions, {operations} operations, {failed} failed");
    line += &too_big(summary);
    if *seconds > 0.0 {
        line += &format!(", {seconds:.1} s");
    }
    line
}
