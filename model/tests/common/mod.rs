//! What the test files share: the real command, run so that nothing around it matters.
#![allow(dead_code, reason = "each test file uses its share")]

use assert_cmd::Command;
use std::path::Path;
use std::process::Output;
use std::time::Duration;
use viewchan_model::job::{self, Task};
use viewchan_model::report::{Run, Verdict};

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

/// One run of a shipped scenario, or of a file, in a process of its own.
pub(crate) fn run(origin: &str, task: &Task) -> Run {
    run_for(LIMIT, origin, task)
}

/// The same with another limit.
pub(crate) fn run_for(limit: Duration, origin: &str, task: &Task) -> Run {
    let scenario = job::load(origin).unwrap_or_else(|error| panic!("{error}"));
    job::run(Path::new(VIEWCHAN), origin, &scenario, task, limit).expect("the command starts")
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
