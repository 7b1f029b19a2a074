//! Jobs under shuttle. A failing one leaves its schedule in a file.

use super::answer::{answer_and_exit, compare, exit_with, expect};
use super::{Arc, Run, Scenario, Strategy, Task};
use crate::engine::recording::{Recording, SHUTTLE};
use crate::engine::sampling::{Sampling, Scheduler};
use crate::engine::shuttle::{Choices, explore, is_misfit, is_over, meddling_variable, recorded};
use crate::fault::Planted;
use crate::monitor::Failure;
use crate::report::Violation;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// `None` for a task of another engine.
pub(super) fn perform(scenario: &Arc<Scenario>, strategy: Strategy, task: &Task) -> Option<Result<Run, String>> {
    let begun = task.run(scenario, strategy);
    match task {
        Task::Shuttle { planted, sampling, keep } => Some(undisturbed().and_then(|()| {
            expect(begun.clone());
            run(begun, scenario, strategy, *planted, *sampling, keep.as_deref())
        })),
        Task::Replay { file } => Some(undisturbed().and_then(|()| {
            expect(Run { schedule: Some(file.display().to_string()), ..begun.clone() });
            replay(begun, scenario, strategy, file)
        })),
        _ => None,
    }
}

/// That no variable of the environment would change what is run.
fn undisturbed() -> Result<(), String> {
    match meddling_variable() {
        Some(name) => Err(format!("{name} is set: it would change what shuttle runs; unset it")),
        None => Ok(()),
    }
}

fn run(
    begun: Run,
    scenario: &Arc<Scenario>,
    strategy: Strategy,
    planted: Planted,
    sampling: Sampling,
    keep: Option<&Path>,
) -> Result<Run, String> {
    let scratch = keep.map(|_| tempfile::tempdir()).transpose();
    let scratch = scratch.map_err(|error| format!("no directory for a failing schedule: {error}"))?;
    if let (Some(directory), Some(scratch)) = (keep, &scratch) {
        let recording = Recording {
            shuttle: SHUTTLE.to_owned(),
            scenario: scenario.name.clone(),
            strategy: strategy.name().to_owned(),
            planted: planted.name().to_owned(),
            scheduler: sampling.scheduler.to_string(),
            seed: sampling.seed,
            guarantee: None,
            why: String::new(),
            schedule: String::new(),
        };
        let kept = Kept { recording, scratch: scratch.path().to_owned(), directory: directory.to_owned() };
        KEPT.set(kept).map_err(|_| "one run in each process")?;
    }
    let choices = Choices::Of(sampling, scratch.as_ref().map(|scratch| scratch.path().to_owned()));
    let (graph, ran) = explore(planted, scenario, strategy, &choices, keep_and_exit)?;
    let mut run = compare(begun, scenario, strategy, &graph);
    run.violations.extend(miscount(sampling, ran, graph.executions()).map(Violation::unnamed));
    Ok(run.judged())
}

/// What is wrong with the number of executions: all must have been run that were asked for, and each to its end.
fn miscount(Sampling { scheduler, iterations, .. }: Sampling, ran: u64, ended: u64) -> Option<String> {
    let asked = iterations as u64;
    match scheduler {
        Scheduler::Dfs if ran > asked => {
            Some(format!("dfs did not come to its end in {asked} executions: allow more, or take a smaller scenario"))
        }
        Scheduler::Dfs if ran == ended => None,
        _ if ran == asked && ran == ended => None,
        _ => Some(format!("{asked} executions were asked for, {ran} were run, and {ended} came to their end")),
    }
}

/// Where a failing schedule is, and where it goes.
struct Kept {
    recording: Recording,
    scratch: PathBuf,
    directory: PathBuf,
}

static KEPT: OnceLock<Kept> = OnceLock::new();

/// Answers with the failure, and keeps its schedule if it is to be kept.
fn keep_and_exit(failure: Failure) -> ! {
    let Some(Kept { recording, scratch, directory }) = KEPT.get() else { answer_and_exit(failure) };
    let written = recorded(scratch).and_then(|schedule| {
        let (guarantee, why) = (failure.guarantee.map(str::to_owned), failure.why.clone());
        Recording { guarantee, why, schedule, ..recording.clone() }.write(directory)
    });
    // Nothing is dropped any more, and the directory for one file is of no use to anybody.
    let _ = std::fs::remove_dir_all(scratch);
    exit_with(|run| {
        run.violations.push(failure.into());
        match written {
            Ok(file) => run.schedule = Some(file.display().to_string()),
            Err(error) => {
                let why = format!("the schedule cannot be kept in {}: {error}", directory.display());
                run.violations.push(Violation::unnamed(why));
            }
        }
    })
}

fn replay(begun: Run, scenario: &Arc<Scenario>, strategy: Strategy, file: &Path) -> Result<Run, String> {
    let in_file = |error| format!("{}: {error}", file.display());
    let recording = Recording::read(file)?;
    recording.must_be_of(scenario, strategy).map_err(in_file)?;
    let planted = recording.planted().map_err(in_file)?;
    let choices = Choices::Recorded(&recording.schedule);
    explore(planted, scenario, strategy, &choices, answer_to_replay)?;
    Ok(passed(begun))
}

/// The recorded execution did not fail.
fn passed(run: Run) -> Run {
    Run { executions: 1, agrees_with_spec: true, schedule: None, ..run }.judged()
}

fn answer_to_replay(failure: Failure) -> ! {
    if is_over(&failure.why) {
        exit_with(|run| *run = passed(run.clone()))
    }
    if is_misfit(&failure.why) {
        let why = format!("the schedule does not fit this code: {}", failure.why);
        exit_with(|run| run.violations.push(Violation::unnamed(why)))
    }
    answer_and_exit(failure)
}

#[cfg(test)]
mod tests {
    use super::miscount;
    use crate::engine::sampling::{Sampling, Scheduler};

    /// Whatever was not run, or not to its end, is said; and dfs must not stop where it may not go on.
    #[test]
    fn executions_are_counted() {
        let of = |scheduler, ran, ended| miscount(Sampling { scheduler, iterations: 10, seed: 1 }, ran, ended);
        for scheduler in [Scheduler::Random, Scheduler::Pct { depth: 3 }, Scheduler::Urw] {
            assert_eq!(of(scheduler, 10, 10), None);
            for (ran, ended) in [(9, 9), (11, 11), (10, 9), (0, 0)] {
                let why = of(scheduler, ran, ended).expect("a wrong number");
                assert_eq!(why, format!("10 executions were asked for, {ran} were run, and {ended} came to their end"));
            }
        }
        assert_eq!(of(Scheduler::Dfs, 7, 7), None);
        assert_eq!(of(Scheduler::Dfs, 10, 10), None);
        assert!(of(Scheduler::Dfs, 7, 6).is_some());
        let why = of(Scheduler::Dfs, 11, 11).expect("it was stopped");
        assert!(why.starts_with("dfs did not come to its end in 10 executions"), "{why}");
    }
}
