//! Jobs under loom.

use super::answer::{answer_and_exit, compare, expect};
use super::{Arc, Run, Scenario, Strategy, Task};
use crate::engine::loom::{Mode, explore, meddling_variable};
use crate::fault::Planted;

/// `None` for a task of another engine.
pub(super) fn perform(scenario: &Arc<Scenario>, strategy: Strategy, task: &Task) -> Option<Result<Run, String>> {
    let (planted, mode) = match *task {
        Task::Loom { mode: "plain" } => (Ok(Planted::Nothing), Mode::Plain),
        Task::Loom { .. } => (Ok(Planted::Nothing), Mode::Rmw),
        Task::Fault { name } => (Planted::from_name(name), Mode::Rmw),
        Task::Control => (Ok(Planted::Control), Mode::Rmw),
        _ => return None,
    };
    let explored = || {
        if let Some(name) = meddling_variable() {
            return Err(format!("{name} is set: it would change what loom explores; unset it"));
        }
        let run = task.run(scenario, strategy);
        expect(run.clone());
        let graph = explore(planted?, scenario, strategy, mode, answer_and_exit)?;
        Ok(compare(run, scenario, strategy, &graph))
    };
    Some(explored())
}
