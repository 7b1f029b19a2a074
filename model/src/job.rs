//! One run of the real code, in a process of its own.
//!
//! A failing loom model can abort its process, a deadlocked one on real threads never ends. So the command runs each as
//! a child: `viewchan job …`, which prints one [`Run`] as JSON, and nothing else, on its standard output.

use crate::fault::{CodeFault, Planted};
pub use crate::load::{is_path, load};
use crate::report::{Run, Verdict, Violation};
use crate::scenario::{Scenario, Strategy};
use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wait_timeout::ChildExt;

/// What a job runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// The shipped code under loom; `rmw` is the mode's name, or `plain`.
    Loom {
        /// `plain` or `rmw`.
        mode: &'static str,
    },
    /// A fault under loom.
    Fault {
        /// Its name.
        name: &'static str,
    },
    /// The flawless strategy of the faults under loom.
    Control,
    /// The shipped code on real threads.
    Threads {
        /// How often.
        rounds: u64,
    },
    /// A strategy with a flaw, or the flawless one, on real threads: for sanitizers, which see what it does to memory.
    FlawedThreads {
        /// The flaw.
        flaw: Planted,
        /// How often.
        rounds: u64,
    },
}

impl Task {
    /// The arguments of `viewchan job` for it, behind the strategy.
    pub fn arguments(&self) -> Vec<String> {
        match self {
            Self::Loom { mode } => vec!["loom".to_owned(), (*mode).to_owned()],
            Self::Fault { name } => vec!["fault".to_owned(), (*name).to_owned()],
            Self::Control => vec!["control".to_owned()],
            Self::Threads { rounds } => vec!["threads".to_owned(), rounds.to_string()],
            Self::FlawedThreads { flaw, rounds } => {
                vec!["flawed-threads".to_owned(), flaw.name().to_owned(), rounds.to_string()]
            }
        }
    }

    /// The task that `viewchan job` was given in these arguments.
    ///
    /// # Errors
    ///
    /// When there is no such task.
    pub fn parse(arguments: &[&str]) -> Result<Self, String> {
        match *arguments {
            ["loom", "plain"] => Ok(Self::Loom { mode: "plain" }),
            ["loom", "rmw"] => Ok(Self::Loom { mode: "rmw" }),
            ["control"] => Ok(Self::Control),
            ["fault", name] => {
                let fault = CodeFault::from_name(name).ok_or_else(|| format!("no fault {name:?} lives in the code"))?;
                Ok(Self::Fault { name: fault.name })
            }
            ["threads", rounds] => Ok(Self::Threads { rounds: parse_rounds(rounds)? }),
            ["flawed-threads", flaw, rounds] => {
                Ok(Self::FlawedThreads { flaw: Planted::from_name(flaw)?, rounds: parse_rounds(rounds)? })
            }
            _ => Err(format!("there is no job {arguments:?}")),
        }
    }

    /// How long it may take. Far more than it needs: this ends hangs, not work. A round on real threads is a matter of
    /// microseconds, loom's executions nobody can foretell.
    pub fn limit(&self) -> Duration {
        match self {
            Self::Threads { rounds } | Self::FlawedThreads { rounds, .. } => {
                Duration::from_secs(60) + Duration::from_millis(rounds.saturating_mul(20)).min(DAY)
            }
            _ => Duration::from_secs(1800),
        }
    }

    /// A run with nothing in it yet.
    pub fn run(&self, scenario: &Scenario, strategy: Strategy) -> Run {
        match self {
            Self::Loom { mode } => Run::begun(scenario, strategy, "loom", Some(mode)),
            Self::Fault { .. } | Self::Control => Run::begun(scenario, strategy, "loom", Some("rmw")),
            Self::Threads { .. } | Self::FlawedThreads { .. } => Run::begun(scenario, strategy, "threads", None),
        }
    }
}

fn parse_rounds(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err("rounds \"0\": expected at least 1".to_owned()),
        Ok(rounds) => Ok(rounds),
        Err(error) => Err(format!("rounds {text:?}: {error}")),
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

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

/// Performs a task in this process, which may die of it: see [`run`].
///
/// # Errors
///
/// When this build has not got the engine or the strategy.
#[cfg(not(feature = "loom"))]
pub fn perform(scenario: &Arc<Scenario>, strategy: Strategy, task: &Task) -> Result<Run, String> {
    use crate::engine::{conformance, host::Reference};

    match *task {
        Task::Threads { rounds } => conformance::check::<Reference>(scenario, strategy, rounds),
        Task::FlawedThreads { flaw, rounds } => conformance::check_planted(flaw, scenario, strategy, rounds),
        _ => Err("this build has no loom: build with --features loom".to_owned()),
    }
}

/// Performs a task in this process, which may die of it: see [`run`].
///
/// # Errors
///
/// When this build has not got the engine or the strategy.
#[cfg(feature = "loom")]
pub fn perform(scenario: &Arc<Scenario>, strategy: Strategy, task: &Task) -> Result<Run, String> {
    under_loom::perform(scenario, strategy, task)
}

#[cfg(feature = "loom")]
mod under_loom {
    use super::{Arc, Planted, Run, Scenario, Strategy, Task, Violation};
    use crate::engine::loom::{self, Mode};
    use crate::monitor::{Failure, Graph};
    use crate::scenario::Tier;
    use crate::spec::{Rules, explore};
    use std::sync::Mutex;

    /// What to answer with when a failure ends the process.
    static ANSWER: Mutex<Option<Run>> = Mutex::new(None);

    pub(super) fn perform(scenario: &Arc<Scenario>, strategy: Strategy, task: &Task) -> Result<Run, String> {
        if let Some(name) = loom::meddling_variable() {
            return Err(format!("{name} is set: it would change what loom explores; unset it"));
        }
        *ANSWER.lock().expect("first use") = Some(task.run(scenario, strategy));
        let graph = match *task {
            Task::Loom { mode } => {
                let mode = if mode == "rmw" { Mode::Rmw } else { Mode::Plain };
                loom::explore_planted(Planted::Nothing, scenario, strategy, mode, answer_and_exit)?
            }
            Task::Fault { name } => {
                loom::explore_planted(Planted::from_name(name)?, scenario, strategy, Mode::Rmw, answer_and_exit)?
            }
            Task::Control => loom::explore_planted(Planted::Control, scenario, strategy, Mode::Rmw, answer_and_exit)?,
            Task::Threads { .. } | Task::FlawedThreads { .. } => {
                return Err("a loom build has no real threads: build without --features loom".into());
            }
        };
        Ok(compare(scenario, strategy, task, &graph))
    }

    fn compare(scenario: &Arc<Scenario>, strategy: Strategy, task: &Task, graph: &Graph) -> Run {
        let specified = explore(&Rules::new(scenario, strategy), None).expect("no limit was set");
        let agreement = graph.agreement(&specified.states, &specified.outcomes);
        let mut run = task.run(scenario, strategy);
        run.executions = graph.executions();
        run.states = graph.visited();
        run.outcomes = graph.outcomes().iter().cloned().collect();
        run.agrees_with_spec = match scenario.tier(strategy) {
            Tier::Exhaustive => agreement.is_exact(),
            Tier::Bounded { .. } => agreement.is_subset(),
        };
        if !run.agrees_with_spec {
            run.violations.push(Violation::unnamed(format!("code and specification differ: {agreement:?}")));
        }
        run.judged()
    }

    /// Answers with the failure. Nothing is unwound and nothing dropped: the model is broken.
    fn answer_and_exit(failure: Failure) -> ! {
        let mut run = ANSWER.lock().expect("never poisoned: nobody panics with it").take().expect("set before");
        run.violations.push(failure.into());
        println!("{}", serde_json::to_string(&run).expect("plain data"));
        std::process::exit(0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Planted, Task, tail};
    use std::time::Duration;

    /// A child is told its task in arguments that mean that task.
    #[test]
    fn tasks_survive_the_command_line() {
        let tasks = [
            Task::Loom { mode: "plain" },
            Task::Loom { mode: "rmw" },
            Task::Fault { name: "double-release" },
            Task::Control,
            Task::Threads { rounds: 7 },
            Task::FlawedThreads { flaw: Planted::Control, rounds: 7 },
            Task::FlawedThreads { flaw: Planted::from_name("double-release").expect("a fault"), rounds: 7 },
        ];
        for task in tasks {
            let arguments = task.arguments();
            let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
            assert_eq!(Task::parse(&words), Ok(task));
        }
    }

    /// Rounds on real threads have a short limit that grows with them, up to a day; none is no task.
    #[test]
    fn rounds_are_limited() {
        let limit = |rounds| Task::Threads { rounds }.limit();
        assert_eq!(limit(300), Duration::from_secs(66));
        assert_eq!(limit(u64::MAX), Duration::from_secs(60) + super::DAY);
        assert!(Task::parse(&["threads", "0"]).is_err());
    }

    /// Of what a child complained about, the end is kept: the last five lines that say something.
    #[test]
    fn the_end_of_a_complaint_is_kept() {
        assert_eq!(tail("one\n\ntwo\n  \nthree\n"), "one / two / three");
        assert_eq!(tail("1\n2\n3\n4\n5\n6\n7"), "3 / 4 / 5 / 6 / 7");
        assert_eq!(tail("\n"), "");
    }
}
