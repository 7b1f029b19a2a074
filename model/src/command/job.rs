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
    /// loom, fault, control or threads.
    engine: String,
    /// The mode, the fault, nothing (`-`), or the number of rounds.
    detail: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let scenario = load(&arguments.scenario)?;
    let task = Task::parse(&arguments.engine, &arguments.detail)?;
    let run = perform(&Arc::new(scenario), arguments.strategy, &task)?;
    println!("{}", serde_json::to_string(&run).expect("plain data"));
    Ok(ExitCode::SUCCESS)
}
