//! The subcommands, a file each. Each returns the exit status, or the text of an error for exit status 2.

pub(crate) mod batch;
pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod generate;
pub(crate) mod job;
pub(crate) mod list;
pub(crate) mod litmus;
pub(crate) mod merge;
mod series;
pub(crate) mod soak;
pub(crate) mod strategies;
pub(crate) mod vectors;
mod verdict;

use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use viewchan_model::check::Engine;
use viewchan_model::engine::strategy::available;
use viewchan_model::scenario::{Scenario, Strategy};

/// Loom reads its limits from the environment, and shuttle its seed: a variable there would make the claim of the result
/// false.
fn refuse_meddling() -> Result<(), String> {
    #[cfg(feature = "loom")]
    if let Some(name) = viewchan_model::engine::loom::meddling_variable() {
        return Err(format!("{name} is set, which changes what loom explores: unset it"));
    }
    #[cfg(all(feature = "shuttle", not(feature = "loom")))]
    if let Some(name) = viewchan_model::engine::shuttle::meddling_variable() {
        return Err(format!("{name} is set, which changes what shuttle runs: unset it"));
    }
    Ok(())
}

/// Refuses an engine that this build has not got.
fn refuse_missing(engine: Engine) -> Result<(), String> {
    if Engine::AVAILABLE.contains(&engine) {
        return Ok(());
    }
    let hint = match engine {
        Engine::Loom => "build with --features loom",
        Engine::Shuttle => "build with --features shuttle, and without --features loom",
        _ => "build without --features loom and --features shuttle",
    };
    Err(format!("this build has no engine {}: {hint}", engine.name()))
}

/// This program, to be started again.
fn executable() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))
}

/// How many processes run at a time: one for each processor if nothing else was asked for.
fn jobs(asked: Option<u16>) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    asked.map_or(processors, usize::from)
}

/// The strategies that were asked for, each once and all of this build; all that it has if none was asked for.
fn strategies(asked: &[Strategy]) -> Result<Vec<Strategy>, String> {
    let available = available();
    if let Some(missing) = asked.iter().find(|strategy| !available.contains(strategy)) {
        return Err(format!("this build has no strategy {}: it has {}", missing.name(), names(&available)));
    }
    Ok(if asked.is_empty() { available } else { once(asked) })
}

/// Refuses a scenario that none of the strategies is for: it would seem to have passed.
fn refuse_idle(scenario: &Scenario, strategies: &[Strategy]) -> Result<(), String> {
    if scenario.strategies.iter().any(|strategy| strategies.contains(strategy)) {
        return Ok(());
    }
    let (name, own, asked) = (&scenario.name, names(&scenario.strategies), names(strategies));
    Err(format!("{name} is not for the strategy {asked}, but for {own}: choose one of these with --strategy"))
}

/// Names with commas between them.
fn names(strategies: &[Strategy]) -> String {
    strategies.iter().map(|strategy| strategy.name()).collect::<Vec<_>>().join(", ")
}

/// Each thing once, where it stands first.
fn once<T: Clone + PartialEq>(things: &[T]) -> Vec<T> {
    let mut kept = Vec::new();
    for thing in things {
        if !kept.contains(thing) {
            kept.push(thing.clone());
        }
    }
    kept
}

/// Prints a long text. A reader that has seen enough of it, such as `head`, is no error.
fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("cannot print: {error}")),
        _ => Ok(()),
    }
}
