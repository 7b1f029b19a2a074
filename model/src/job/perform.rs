//! A job, done in this process, which may die of it.

use super::Task;
use crate::report::Run;
use crate::scenario::{Scenario, Strategy};
use std::sync::Arc;

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod answer;
#[cfg(feature = "loom")]
#[path = "perform/loom.rs"]
mod engine;
#[cfg(all(feature = "shuttle", not(feature = "loom")))]
#[path = "perform/shuttle.rs"]
mod engine;
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
#[path = "perform/threads.rs"]
mod engine;

/// Performs a task in this process, which may die of it: see [`run`](super::run).
///
/// # Errors
///
/// When this build has not got the engine or the strategy, or a variable of the environment would change what is run.
pub fn perform(scenario: &Arc<Scenario>, strategy: Strategy, task: &Task) -> Result<Run, String> {
    engine::perform(scenario, strategy, task).ok_or_else(|| missing(task))?
}

/// The message about an engine that this build has not got.
fn missing(task: &Task) -> String {
    match task {
        Task::Loom { .. } | Task::Fault { .. } | Task::Control => "this build has no loom: build with --features loom",
        Task::Shuttle { .. } | Task::Replay { .. } => "this build has no shuttle: build with --features shuttle alone",
        Task::Threads { .. } | Task::FlawedThreads { .. } => {
            "this build has no real threads: build without --features loom and --features shuttle"
        }
    }
    .to_owned()
}
