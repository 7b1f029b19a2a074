//! `viewchan vectors`: what an implementation in another language needs to check itself.

use super::{once, print, refuse_idle};
use std::path::PathBuf;
use std::process::ExitCode;
use viewchan_model::job::load;
use viewchan_model::report::vectors::Vectors;
use viewchan_model::scenario::{Strategy, shipped};

/// Writes scenarios and their allowed outcomes as JSON, to check other implementations with.
///
/// An implementation in any language runs the threads of a scenario, a step at a time, and notes for each thread what
/// came of its steps. What it notes must be one of the scenario's `outcomes`, which are complete: every interleaving is
/// in them. `locks` tells which operations may acquire the lock of an interpreter that the thread is not attached to.
///
/// A step is a verb and its operands, as in a scenario file; the module `scenario::parse` of viewchan-model documents
/// all of them, `report::vectors` documents the JSON.
#[derive(clap::Args)]
#[command(
    after_help = "Exit status: 0 if the vectors are written, 1 if a scenario breaks the specification, 2 for bad \
                        input."
)]
pub(crate) struct Arguments {
    /// Shipped scenarios (see `viewchan list`), or paths of scenario files. All shipped ones if none is given.
    scenarios: Vec<String>,
    /// Strategies whose outcomes to write, comma-separated. All that a scenario is for if none is given.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STRATEGIES")]
    strategy: Vec<Strategy>,
    /// Write to this file instead of the standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let strategies = super::strategies(&arguments.strategy)?;
    let scenarios = if arguments.scenarios.is_empty() {
        shipped()
    } else {
        let load = |origin: &String| {
            let scenario = load(origin)?;
            refuse_idle(&scenario, &strategies).map(|()| scenario)
        };
        once(&arguments.scenarios).iter().map(load).collect::<Result<_, _>>()?
    };
    let vectors = match Vectors::of(&scenarios, &strategies) {
        Ok(vectors) => vectors.to_json(),
        Err(broken) => {
            eprintln!("{broken}");
            return Ok(ExitCode::from(1));
        }
    };
    match &arguments.out {
        Some(path) => {
            std::fs::write(path, vectors).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
        None => print(&vectors)?,
    }
    Ok(ExitCode::SUCCESS)
}
