//! `viewchan job`: one run of the real code, for a parent process. Prints one run as JSON.

use std::process::ExitCode;
use std::sync::Arc;
use viewchan_model::job::{Task, load, perform};
use viewchan_model::scenario::Strategy;

/// One run of the real code, as a child process of `check`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A shipped scenario, or the path of a scenario file.
    scenario: String,
    /// The strategy.
    #[arg(value_enum)]
    strategy: Strategy,
    /// loom MODE; fault NAME; control; threads ROUNDS; flawed-threads NAME ROUNDS; shuttle NAME SCHEDULER ITERATIONS SEED
    /// and perhaps a DIRECTORY; replay FILE. A NAME is a fault's, or `none` for the strategy of the flaws without one, or `-` for what
    /// ships. A schedule of shuttle that fails is kept in the DIRECTORY.
    #[arg(required = true)]
    task: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let scenario = load(&arguments.scenario)?;
    let words: Vec<&str> = arguments.task.iter().map(String::as_str).collect();
    let task = Task::parse(&words)?;
    let run = perform(&Arc::new(scenario), arguments.strategy, &task)?;
    println!("{}", serde_json::to_string(&run).expect("plain data"));
    Ok(ExitCode::SUCCESS)
}
