//! Jobs on real threads.

use super::{Arc, Run, Scenario, Strategy, Task};
use crate::engine::conformance;
use crate::engine::host::Reference;

/// `None` for a task of another engine.
pub(super) fn perform(scenario: &Arc<Scenario>, strategy: Strategy, task: &Task) -> Option<Result<Run, String>> {
    Some(match *task {
        Task::Threads { rounds } => conformance::check::<Reference>(scenario, strategy, rounds),
        Task::FlawedThreads { flaw, rounds } => conformance::check_planted(flaw, scenario, strategy, rounds),
        _ => return None,
    })
}
