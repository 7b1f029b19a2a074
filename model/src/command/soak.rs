//! `viewchan soak`.

use super::series::{report_failure, seed, strategies, too_big};
use std::cell::Cell;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use viewchan_model::check::Engine;
use viewchan_model::generate::Size;
use viewchan_model::scenario::Strategy;
use viewchan_model::series::soak::{Soak, Soaked};
use viewchan_model::series::{Series, Trial};

/// Runs generated and shipped scenarios on real threads, under all strategies, until the time is over.
///
/// Fails if a guarantee is broken, or if memory grows.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How long.
    #[arg(long, value_name = "N", value_parser = minutes)]
    minutes: f64,
    /// The number that decides which scenarios. One that is printed if not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Strategies, comma-separated. All of this build if none is given.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STRATEGIES")]
    strategy: Vec<Strategy>,
    /// Rounds of each scenario.
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Processes at a time. One for each processor if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Seconds between two lines of progress.
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    interval: u64,
    /// The directory for a scenario that fails.
    #[arg(long, default_value = "found", value_name = "DIR")]
    keep: PathBuf,
    /// Put this fault in, to see that it is found.
    #[arg(long, value_name = "FAULT")]
    flaw: Option<String>,
}

/// A number of minutes, perhaps a part of one.
fn minutes(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(minutes) if minutes > 0.0 && minutes <= 60.0 * 24.0 * 7.0 => Ok(minutes),
        _ => Err("expected a number above 0, at most a week".to_owned()),
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    super::refuse_missing(Engine::Threads)?;
    let strategies = strategies(&arguments.strategy, Engine::Threads, arguments.flaw.as_deref())?;
    let trials = Trial::on(Engine::Threads, arguments.rounds, arguments.flaw.as_deref())?;
    let soak = Soak {
        series: Series::new(seed(arguments.seed)?, &Size::ALL, &strategies).with_shipped(),
        trial: trials.into_iter().next().expect("one"),
        time: Duration::from_secs_f64(arguments.minutes * 60.0),
        interval: Duration::from_secs(arguments.interval),
        jobs: super::jobs(arguments.jobs),
        executable: super::executable()?,
    };
    let before = Cell::new((0, 0.0));
    let soaked = soak.run(&|soaked| {
        let (operations, seconds) = (soaked.summary.operations, soaked.summary.seconds);
        let (operations_before, seconds_before) = before.replace((operations, seconds));
        let rate = (operations - operations_before) as f64 / (seconds - seconds_before);
        eprintln!("{}, {rate:.0} operations/s", counts(soaked));
    });
    let soaked = soaked.map_err(|error| format!("cannot run the scenarios: {error}"))?;
    super::print(&format!("{}\n{}\n", counts(&soaked), memory(&soaked)))?;
    if let Some(failed) = soaked.summary.failed.first() {
        report_failure(&soak.series, failed, None, &arguments.keep)?;
    }
    super::print(if soaked.passes() { "PASS\n" } else { "FAIL\n" })?;
    Ok(if soaked.passes() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn counts(soaked: &Soaked) -> String {
    let summary = &soaked.summary;
    let memory = soaked.memory();
    format!(
        "{:.0} s: {} scenarios, {} rounds, {} operations, {} failed{}; {:.1} MiB resident, {:.2} MiB allocated",
        summary.seconds,
        summary.runs,
        summary.executions,
        summary.operations,
        summary.failed.len(),
        too_big(summary),
        mebibytes(memory.resident),
        mebibytes(memory.allocated),
    )
}

fn mebibytes(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// What became of memory, in words.
fn memory(soaked: &Soaked) -> String {
    match soaked.grown() {
        Some(grown) => grown.to_owned(),
        None if soaked.is_judged() => "memory does not grow".to_owned(),
        None => "memory was not judged: that takes a longer run".to_owned(),
    }
}
