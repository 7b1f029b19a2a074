//! From a scenario that failed to a smaller one that fails in the same way, in a file.

use super::Trial;
use crate::generate::Case;
use crate::job::{self, Job};
use crate::report::{Run, Verdict};
use crate::scenario::{Scenario, write};
use proptest::strategy::ValueTree;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How many smaller scenarios are tried at most.
const MOST_TRIES: usize = 1000;

/// A scenario that fails.
#[derive(Clone, Debug)]
pub struct Found {
    /// The smallest one that was found.
    pub scenario: Scenario,
    /// How it fails.
    pub run: Run,
    /// How many smaller ones were tried.
    pub tries: usize,
    /// Where it is written.
    pub file: PathBuf,
}

impl Found {
    /// Whether there may be a smaller one: trying was given up.
    pub fn is_given_up(&self) -> bool {
        self.tries == MOST_TRIES
    }
}

/// Makes a case smaller that failed with `run`, as long as it breaks the same guarantee, and writes it into the directory.
/// Each try is a process of its own, which may take as long as the limit.
///
/// # Errors
///
/// When a process cannot be started, or the file not written.
pub fn shrink(
    executable: &Path,
    case: Case,
    trial: &Trial,
    run: Run,
    limit: Duration,
    directory: &Path,
) -> io::Result<Found> {
    let scratch = tempfile::tempdir()?;
    let mut tree = case.tree();
    let mut found = (tree.current(), run);
    let mut tries = 0;
    let mut goes_on = tree.simplify();
    while goes_on && tries < MOST_TRIES {
        tries += 1;
        let candidate = tree.current();
        let run = attempt(executable, scratch.path(), &candidate, case, trial, limit)?;
        goes_on = if is_same(&run, &found.1) {
            found = (candidate, run);
            tree.simplify()
        } else {
            // On real threads even the one before may pass for once, which leaves nothing to go back to.
            tree.complicate() || tree.simplify()
        };
    }
    let (scenario, run) = found;
    std::fs::create_dir_all(directory)?;
    let scenario = Scenario { about: describe(&scenario, &run), ..scenario };
    let file = save(directory, &scenario)?;
    Ok(Found { scenario, run, tries, file })
}

/// The sentence of the file: what it is, and how it failed.
fn describe(scenario: &Scenario, run: &Run) -> String {
    let why = run.violations.first().map(ToString::to_string).unwrap_or_default();
    format!("{} It failed with: {}", scenario.about, why.lines().next().unwrap_or_default())
}

fn save(directory: &Path, scenario: &Scenario) -> io::Result<PathBuf> {
    let file = directory.join(format!("{}.toml", scenario.name));
    std::fs::write(&file, write(scenario))?;
    Ok(file)
}

fn attempt(
    executable: &Path,
    scratch: &Path,
    scenario: &Scenario,
    case: Case,
    trial: &Trial,
    limit: Duration,
) -> io::Result<Run> {
    let Trial::Real(task) = trial else {
        return trial.perform(&Arc::new(scenario.clone()), case.strategy).map_err(io::Error::other);
    };
    let file = save(scratch, scenario)?;
    let job = Job { origin: &file.to_string_lossy(), scenario, strategy: case.strategy, task: task.clone() };
    let mut run = job::run(executable, &job, limit)?;
    for _ in 1..trial.patience() {
        if run.verdict == Verdict::Fail {
            break;
        }
        run = job::run(executable, &job, limit)?;
    }
    Ok(run)
}

/// Whether two runs fail in the same way: by the same guarantee.
fn is_same(run: &Run, other: &Run) -> bool {
    let guarantee = |run: &Run| run.violations.first().map(|violation| violation.guarantee.clone());
    run.verdict == Verdict::Fail && guarantee(run) == guarantee(other)
}
