//! One run of the real code, in a process of its own.
//!
//! A failing loom model can abort its process, a deadlocked one on real threads never ends. So the command runs each as
//! a child: `viewchan job …`, which prints one [`Run`] as JSON, and nothing else, on its standard output.

mod perform;
mod task;

pub use self::perform::perform;
pub use self::task::Task;
pub use crate::load::{is_path, load};
use crate::report::{Run, Verdict, Violation};
use crate::scenario::{Scenario, Strategy};
use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use wait_timeout::ChildExt;

/// A task, and on what.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    /// What the child loads the scenario from: see [`load`].
    pub origin: &'a str,
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The strategy.
    pub strategy: Strategy,
    /// The task.
    pub task: Task,
}

impl Job<'_> {
    /// A run with nothing in it yet.
    fn begun(&self) -> Run {
        self.task.run(self.scenario, self.strategy)
    }

    /// Whether a child that ended so has answered this job: what was asked, and, if it says that all is well, it must
    /// have ended well itself. A child that passes and then dies has not passed.
    fn is_answered_by(&self, run: &Run, ended: Option<ExitStatus>) -> bool {
        let asked = self.begun();
        let is_asked = (&run.scenario, &run.strategy, &run.engine, &run.mode, &run.tier)
            == (&asked.scenario, &asked.strategy, &asked.engine, &asked.mode, &asked.tier);
        is_asked && (run.verdict == Verdict::Fail || ended.is_some_and(|status| status.success()))
    }
}

/// What it is to have no answer, from a child that has ended or had to be.
pub(crate) fn unanswered(begun: Run, ended: Option<ExitStatus>, limit: Duration, complaint: &str) -> Run {
    let violation = match ended {
        None => Violation {
            guarantee: Some("G6".to_owned()),
            ..Violation::unnamed(format!("still running after {} s", limit.as_secs()))
        },
        Some(status) => {
            Violation::unnamed(format!("the process ended without an answer ({status}): {}", tail(complaint)))
        }
    };
    Run { violations: vec![violation], ..begun }
}

/// Runs a job in a child process, and kills it when `limit` has passed; [`Task::limit`] is a sensible one.
///
/// A child that dies without an answer has failed; the end of its standard error says why.
///
/// # Errors
///
/// When the child cannot be started.
pub fn run(executable: &Path, job: &Job<'_>, limit: Duration) -> std::io::Result<Run> {
    let start = Instant::now();
    let mut child = Command::new(executable)
        .args(["job", job.origin, job.strategy.name()])
        .args(job.task.arguments())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdout = child.stdout.take().expect("piped");
    let mut stderr = child.stderr.take().expect("piped");
    let answer = std::thread::spawn(move || read_all(&mut stdout));
    let complaint = std::thread::spawn(move || read_all(&mut stderr));
    let ended = child.wait_timeout(limit)?;
    if ended.is_none() {
        child.kill()?;
        child.wait()?;
    }
    let answer = answer.join().expect("reading does not panic");
    let complaint = complaint.join().expect("reading does not panic");
    let answer = answer.lines().last().and_then(|line| serde_json::from_str::<Run>(line).ok());
    let run = answer.filter(|run| job.is_answered_by(run, ended));
    let run = run.unwrap_or_else(|| unanswered(job.begun(), ended, limit, &complaint));
    Ok(Run { seconds: start.elapsed().as_secs_f64(), ..run })
}

pub(crate) fn read_all(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    // What was read before an error is still worth reporting.
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(5)..].join(" / ")
}

#[cfg(test)]
mod tests {
    use super::tail;

    /// Of what a child complained about, the end is kept: the last five lines that say something.
    #[test]
    fn the_end_of_a_complaint_is_kept() {
        assert_eq!(tail("one\n\ntwo\n  \nthree\n"), "one / two / three");
        assert_eq!(tail("1\n2\n3\n4\n5\n6\n7"), "3 / 4 / 5 / 6 / 7");
        assert_eq!(tail("\n"), "");
    }
}
