//! What a monitor costs: the same executions with one and without, in turns, under loom or shuttle, whichever this build has.
//!
//! ```sh
//! cargo bench -p viewchan-model --features loom --bench checkers -- mutual-receive:view replaced-while-read:epoch
//! ```
//!
//! A monitored execution is one of a check: its events are made, judged by the specification, and taken into the graph. An
//! unmonitored one takes the scenario's own steps on the real code, with no recorder: no event is made. A check also compares the
//! graph with the whole specification, once, at its end; that is part of neither.
//!
//! `cargo bench --bench table` starts this for its rows, and takes what `--json` prints.

use clap::Parser;
use serde::Serialize;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use viewchan_model::load::load;
use viewchan_model::monitor::Failure;
use viewchan_model::scenario::{Scenario, Strategy};

#[cfg_attr(feature = "loom", path = "tool/loom.rs")]
#[cfg_attr(all(feature = "shuttle", not(feature = "loom")), path = "tool/shuttle.rs")]
#[cfg_attr(not(any(feature = "loom", feature = "shuttle")), path = "tool/none.rs")]
mod tool;

/// Measures executions with a monitor beside the same without.
#[derive(Parser)]
struct Arguments {
    /// What is run: SCENARIO:STRATEGY, as `viewchan list` shows them. Without one, nothing is.
    cases: Vec<String>,
    /// How often both take turns. In a turn all executions are explored.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Print a list for programs.
    #[arg(long)]
    json: bool,
    /// What `cargo bench` says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A scenario under a strategy.
struct Case {
    name: String,
    scenario: Arc<Scenario>,
    strategy: Strategy,
}

/// What was measured of a case.
#[derive(Serialize)]
struct Measured {
    case: String,
    /// In each turn, of either side.
    executions: u64,
    /// What one costs, in microseconds: the median of all rounds.
    monitored: f64,
    unmonitored: f64,
    /// The median of each round's ratio.
    ratio: f64,
    /// Between which the middle half of these ratios lay.
    ratio_from: f64,
    ratio_to: f64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.cases.is_empty() {
        println!("no case is named: nothing to measure");
        return ExitCode::SUCCESS;
    }
    let measured: Result<Vec<Measured>, String> =
        arguments.cases.iter().map(|name| measure(&case(name)?, arguments.rounds).inspect(report)).collect();
    match measured {
        Ok(measured) => {
            if arguments.json {
                println!("{}", serde_json::to_string(&measured).expect("plain data"));
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("checkers: {error}");
            ExitCode::from(2)
        }
    }
}

/// The case of this name.
fn case(name: &str) -> Result<Case, String> {
    let (scenario, strategy) = name.split_once(':').ok_or_else(|| format!("{name:?} is not SCENARIO:STRATEGY"))?;
    let scenario = load(scenario)?;
    let its = scenario.strategies.iter().find(|its| its.name() == strategy);
    let &strategy = its.ok_or_else(|| format!("{} is not for a strategy {strategy:?}", scenario.name))?;
    Ok(Case { name: name.to_owned(), scenario: Arc::new(scenario), strategy })
}

/// Both sides in turns. Who is first, alternates.
fn measure(case: &Case, rounds: u32) -> Result<Measured, String> {
    let (mut monitored, mut unmonitored, mut executions) = (Vec::new(), Vec::new(), None);
    for round in 0..rounds {
        for is_monitored in [round % 2 == 0, round % 2 == 1] {
            let start = Instant::now();
            let ran = if is_monitored { tool::monitored(case) } else { tool::unmonitored(case) }?;
            let microseconds = start.elapsed().as_secs_f64() * 1e6 / ran as f64;
            let expected = *executions.get_or_insert(tool::expected(case).unwrap_or(ran));
            assert_eq!(ran, expected, "{}: the sides differ in executions, so in what they do", case.name);
            if is_monitored { &mut monitored } else { &mut unmonitored }.push(microseconds);
        }
    }
    let ratios: Vec<f64> = monitored.iter().zip(&unmonitored).map(|(ours, peer)| ours / peer).collect();
    Ok(Measured {
        case: case.name.clone(),
        executions: executions.expect("there is a round"),
        monitored: quantile(&monitored, 0.5),
        unmonitored: quantile(&unmonitored, 0.5),
        ratio: quantile(&ratios, 0.5),
        ratio_from: quantile(&ratios, 0.25),
        ratio_to: quantile(&ratios, 0.75),
    })
}

/// The same in words, with executions per second.
fn report(measured: &Measured) {
    let Measured { case, executions, monitored, unmonitored, ratio, ratio_from, ratio_to } = measured;
    eprintln!(
        "{}, {case}: {executions} executions a turn, {:.0} a second with a monitor and {:.0} without. Its share of the time is \
         {:.0} %; the ratio is {ratio:.2} ({ratio_from:.2} to {ratio_to:.2})",
        tool::NAME,
        1e6 / monitored,
        1e6 / unmonitored,
        100.0 * (1.0 - 1.0 / ratio),
    );
}

fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * part).round() as usize]
}

/// An execution has failed: there is nothing to measure.
#[cfg_attr(not(any(feature = "loom", feature = "shuttle")), allow(dead_code, reason = "nothing is run"))]
fn fail(failure: Failure) -> ! {
    eprintln!("checkers: an execution failed: {}", failure.why);
    std::process::exit(1)
}
