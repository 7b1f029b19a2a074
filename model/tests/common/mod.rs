//! What the test files share: the real command, run so that nothing around it matters.
#![allow(dead_code, reason = "each test file uses its share")]

use assert_cmd::Command;
use std::path::Path;
use std::process::Output;
use std::time::Duration;
use tempfile::TempDir;
use viewchan_model::engine::strategy::available;
use viewchan_model::job::{self, Job, Task};
use viewchan_model::report::{Run, Verdict};
use viewchan_model::scenario::{Scenario, Strategy, shipped};

/// The command under test.
pub(crate) const VIEWCHAN: &str = env!("CARGO_BIN_EXE_viewchan");

/// A run takes longer only if it hangs. Far more than any needs, on any machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(1500);

/// The command with these arguments. Backtraces are on, so that a panic cannot be mistaken for a message.
pub(crate) fn viewchan(arguments: &[&str]) -> Command {
    let mut command = Command::new(VIEWCHAN);
    command.args(arguments).env("RUST_BACKTRACE", "1").timeout(LIMIT);
    command
}

/// One run of a shipped scenario, or of a file, with the default strategy, in a process of its own.
pub(crate) fn run(origin: &str, task: &Task) -> Run {
    run_for(LIMIT, origin, task)
}

/// The same with another strategy.
pub(crate) fn run_under(strategy: Strategy, origin: &str, task: &Task) -> Run {
    run_job(LIMIT, strategy, origin, task)
}

/// The same with another limit.
pub(crate) fn run_for(limit: Duration, origin: &str, task: &Task) -> Run {
    run_job(limit, Strategy::View, origin, task)
}

fn run_job(limit: Duration, strategy: Strategy, origin: &str, task: &Task) -> Run {
    let scenario = job::load(origin).unwrap_or_else(|error| panic!("{error}"));
    let job = Job { origin, scenario: &scenario, strategy, task: task.clone() };
    job::run(Path::new(VIEWCHAN), &job, limit).expect("the command starts")
}

/// Every shipped scenario with each strategy of this build that it is for, in the order of a check.
pub(crate) fn pairs() -> Vec<(Scenario, Strategy)> {
    let of = |scenario: Scenario| {
        let strategies = available().into_iter().filter(|strategy| scenario.strategies.contains(strategy));
        strategies.map(|strategy| (scenario.clone(), strategy)).collect::<Vec<_>>()
    };
    shipped().into_iter().flat_map(of).collect()
}

/// The violations of a failed run, in words.
#[track_caller]
pub(crate) fn complaints(run: &Run) -> Vec<String> {
    assert_eq!(run.verdict, Verdict::Fail, "{run:#?}");
    run.violations.iter().map(ToString::to_string).collect()
}

/// What a process wrote, as text.
pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// Asserts that the command refused its input: exit status 2, nothing on standard output, and on standard error a message
/// that says all of `says`.
#[track_caller]
pub(crate) fn assert_refused(output: &Output, says: &[&str]) {
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_eq!(stdout, "", "nothing was asked for");
    assert!(stderr.starts_with("error: "), "the message comes first, and nothing runs before it: {stderr:?}");
    for part in says {
        assert!(stderr.contains(part), "{part:?} is missing in {stderr:?}");
    }
    for trace in ["panicked at", "stack backtrace", "RUST_BACKTRACE"] {
        assert!(!stderr.contains(trace), "a panic is no message: {stderr}");
    }
}

/// A well-formed scenario file, `t.toml`.
pub(crate) const TEMPLATE: &str = r#"name = "t"
about = "A buffer goes from A to nobody."
tier = "exhaustive"
interpreters = ["A"]

[[buffer]]
name = "x"
owner = "A"

[[thread]]
name = "lone"
in = "A"
holds = ["x"]
steps = ["read x"]
"#;

/// A directory with one file in it.
pub(crate) fn directory_with(name: &str, content: impl AsRef<[u8]>) -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(directory.path().join(name), content).expect("written");
    directory
}

/// Runs the command with arguments separated by blanks and expects a refusal that says `says`.
#[track_caller]
pub(crate) fn refuses(arguments: &str, says: &[&str]) {
    refuses_in(Path::new("."), &arguments.split(' ').collect::<Vec<_>>(), says);
}

#[track_caller]
pub(crate) fn refuses_in(directory: &Path, arguments: &[&str], says: &[&str]) {
    let output = viewchan(arguments).current_dir(directory).output().expect("the command starts");
    assert_refused(&output, says);
}

/// Standard output of a command that succeeds without a word on standard error.
#[track_caller]
pub(crate) fn prints(arguments: &[&str]) -> String {
    let output = viewchan(arguments).output().expect("the command starts");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    text(&output.stdout).to_owned()
}
