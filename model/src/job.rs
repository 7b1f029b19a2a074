//! One run of the real code, in a process of its own.
//!
//! A failing loom model can abort its process, a deadlocked one on real threads never ends. So the command runs each as
//! a child: `viewchan job …`, which prints one [`Run`] as JSON, and nothing else, on its standard output.

use crate::fault::CodeFault;
use crate::report::{Run, Verdict, Violation};
use crate::scenario::{Scenario, Tier, parse, shipped};
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
}

impl Task {
    /// The arguments of `viewchan job` for it, behind the scenario.
    pub fn arguments(&self) -> Vec<String> {
        match self {
            Self::Loom { mode } => vec!["loom".to_owned(), (*mode).to_owned()],
            Self::Fault { name } => vec!["fault".to_owned(), (*name).to_owned()],
            Self::Control => vec!["control".to_owned(), "-".to_owned()],
            Self::Threads { rounds } => vec!["threads".to_owned(), rounds.to_string()],
        }
    }

    fn engine(&self) -> &'static str {
        if matches!(self, Self::Threads { .. }) { "threads" } else { "loom" }
    }

    fn mode(&self) -> Option<&'static str> {
        match self {
            Self::Loom { mode } => Some(mode),
            Self::Fault { .. } | Self::Control => Some("rmw"),
            Self::Threads { .. } => None,
        }
    }

    /// Whether a child that ended so has answered this task: what was asked, and, if it says that all is well, it must
    /// have ended well itself. A child that passes and then dies has not passed.
    fn is_answered_by(&self, run: &Run, scenario: &Scenario, ended: Option<ExitStatus>) -> bool {
        let asked = self.run(scenario);
        let is_asked = (&run.scenario, &run.engine, &run.mode, &run.tier)
            == (&asked.scenario, &asked.engine, &asked.mode, &asked.tier);
        is_asked && (run.verdict == Verdict::Fail || ended.is_some_and(|status| status.success()))
    }

    /// A run with nothing in it yet.
    pub fn run(&self, scenario: &Scenario) -> Run {
        let (tier, preemptions) = match scenario.tier {
            Tier::Exhaustive => ("exhaustive", None),
            Tier::Bounded { preemptions } => ("bounded", Some(preemptions)),
        };
        let on_loom = self.engine() == "loom";
        Run {
            scenario: scenario.name.clone(),
            strategy: "view".to_owned(),
            tier: if on_loom { tier } else { "bounded" }.to_owned(),
            preemptions: preemptions.filter(|_| on_loom),
            engine: self.engine().to_owned(),
            mode: self.mode().map(str::to_owned),
            executions: 0,
            states: 0,
            outcomes: Vec::new(),
            agrees_with_spec: false,
            truncated: false,
            seconds: 0.0,
            verdict: Verdict::Fail,
            violations: Vec::new(),
        }
    }
}

/// Runs a task on a scenario in a child process, and kills it when `limit` has passed.
///
/// `origin` is what the child loads the scenario from: see [`load`]. A child that dies without an answer has failed; the
/// end of its standard error says why.
///
/// # Errors
///
/// When the child cannot be started.
pub fn run(executable: &Path, origin: &str, scenario: &Scenario, task: &Task, limit: Duration) -> std::io::Result<Run> {
    let start = Instant::now();
    let mut child = Command::new(executable)
        .args(["job", origin])
        .args(task.arguments())
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
    if let Some(run) = answer.filter(|run| task.is_answered_by(run, scenario, ended)) {
        return Ok(Run { seconds: start.elapsed().as_secs_f64(), ..run });
    }
    let (guarantee, why) = match ended {
        None => (Some("G6"), format!("still running after {} s", limit.as_secs())),
        Some(status) => (None, format!("the process ended without an answer ({status}): {}", tail(&complaint))),
    };
    let violation = Violation { guarantee: guarantee.map(str::to_owned), why, trace: Vec::new() };
    let seconds = start.elapsed().as_secs_f64();
    Ok(Run { seconds, violations: vec![violation], ..task.run(scenario) })
}

/// Whether an origin is the path of a scenario file, rather than a shipped scenario's name.
pub fn is_path(origin: &str) -> bool {
    origin.ends_with(".toml")
}

/// Loads a scenario: a shipped one by its name, any other from its file, whose path ends in `.toml`.
///
/// # Errors
///
/// When there is no such scenario, the file cannot be read, or it is malformed. The message says which and where.
pub fn load(origin: &str) -> Result<Scenario, String> {
    if is_path(origin) {
        let text = std::fs::read_to_string(origin).map_err(|error| format!("{origin}: {error}"))?;
        return parse(origin, &text).map_err(|error| error.to_string());
    }
    let shipped = shipped().into_iter().find(|scenario| scenario.name == origin);
    shipped.ok_or_else(|| {
        format!("no shipped scenario is named {origin:?}; `viewchan list` shows them, a path ends in .toml")
    })
}

fn read_all(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    // What was read before an error is still worth reporting.
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(5)..].join(" / ")
}

impl Task {
    /// The task that `viewchan job` was given.
    ///
    /// # Errors
    ///
    /// When there is no such task.
    pub fn parse(engine: &str, detail: &str) -> Result<Self, String> {
        match (engine, detail) {
            ("loom", "plain") => Ok(Self::Loom { mode: "plain" }),
            ("loom", "rmw") => Ok(Self::Loom { mode: "rmw" }),
            ("control", "-") => Ok(Self::Control),
            ("fault", name) => {
                let fault = CodeFault::from_name(name).ok_or_else(|| format!("no fault {name:?} lives in the code"))?;
                Ok(Self::Fault { name: fault.name })
            }
            ("threads", rounds) => {
                let rounds = rounds.parse().map_err(|error| format!("rounds {rounds:?}: {error}"))?;
                Ok(Self::Threads { rounds })
            }
            _ => Err(format!("there is no job {engine:?} {detail:?}")),
        }
    }
}

/// Performs a task in this process, which may die of it: see [`run`].
///
/// # Errors
///
/// When this build has not got the engine.
#[cfg(not(feature = "loom"))]
pub fn perform(scenario: &Arc<Scenario>, task: &Task) -> Result<Run, String> {
    use crate::engine::threads;
    use crate::spec::{Rules, explore};

    let Task::Threads { rounds } = *task else {
        return Err("this build has no loom: build with --features loom".to_owned());
    };
    let specified = explore(&Rules::new(scenario), None).expect("no limit was set");
    let mut run = task.run(scenario);
    run.executions = rounds;
    match threads::repeat::<viewchan::strategy::View>(scenario, rounds, &specified.outcomes) {
        Ok(outcomes) => {
            run.outcomes = outcomes.into_iter().collect();
            run.agrees_with_spec = true;
            run.verdict = Verdict::Pass;
        }
        Err(failure) => run.violations.push(failure.into()),
    }
    Ok(run)
}

/// Performs a task in this process, which may die of it: see [`run`].
///
/// # Errors
///
/// When this build has not got the engine.
#[cfg(feature = "loom")]
pub fn perform(scenario: &Arc<Scenario>, task: &Task) -> Result<Run, String> {
    under_loom::perform(scenario, task)
}

#[cfg(feature = "loom")]
mod under_loom {
    use super::{Arc, CodeFault, Run, Scenario, Task, Verdict, Violation};
    use crate::engine::loom::{self, Mode};
    use crate::fault;
    use crate::monitor::{Failure, Graph};
    use crate::scenario::Tier;
    use crate::spec::{Rules, explore};
    use std::sync::Mutex;
    use viewchan::strategy::View;

    /// What to answer with when a failure ends the process.
    static ANSWER: Mutex<Option<Run>> = Mutex::new(None);

    pub(super) fn perform(scenario: &Arc<Scenario>, task: &Task) -> Result<Run, String> {
        if let Some(name) = loom::meddling_variable() {
            return Err(format!("{name} is set: it would change what loom explores; unset it"));
        }
        *ANSWER.lock().expect("first use") = Some(task.run(scenario));
        let graph = match *task {
            Task::Loom { mode } => {
                let mode = if mode == "rmw" { Mode::Rmw } else { Mode::Plain };
                loom::explore::<View>(scenario, mode, answer_and_exit)
            }
            Task::Fault { name } => {
                let fault = CodeFault::from_name(name).expect("parsed");
                fault::explore(fault, scenario, answer_and_exit)
            }
            Task::Control => fault::control(scenario, answer_and_exit),
            Task::Threads { .. } => {
                return Err("a loom build has no real threads: build without --features loom".into());
            }
        };
        Ok(compare(scenario, task, &graph))
    }

    fn compare(scenario: &Arc<Scenario>, task: &Task, graph: &Graph) -> Run {
        let specified = explore(&Rules::new(scenario), None).expect("no limit was set");
        let agreement = graph.agreement(&specified.states, &specified.outcomes);
        let mut run = task.run(scenario);
        run.executions = graph.executions();
        run.states = graph.visited();
        run.outcomes = graph.outcomes().iter().cloned().collect();
        run.agrees_with_spec = match scenario.tier {
            Tier::Exhaustive => agreement.is_exact(),
            Tier::Bounded { .. } => agreement.is_subset(),
        };
        if run.agrees_with_spec {
            run.verdict = Verdict::Pass;
        } else {
            let why = format!("code and specification differ: {agreement:?}");
            run.violations.push(Violation { guarantee: None, why, trace: Vec::new() });
        }
        run
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
    use super::{Task, tail};

    /// A child is told its task in arguments that mean that task.
    #[test]
    fn tasks_survive_the_command_line() {
        let tasks = [
            Task::Loom { mode: "plain" },
            Task::Loom { mode: "rmw" },
            Task::Fault { name: "double-release" },
            Task::Control,
            Task::Threads { rounds: 7 },
        ];
        for task in tasks {
            let arguments = task.arguments();
            let [engine, detail] = arguments.as_slice() else { panic!("{arguments:?}") };
            assert_eq!(Task::parse(engine, detail), Ok(task));
        }
    }

    /// Of what a child complained about, the end is kept: the last five lines that say something.
    #[test]
    fn the_end_of_a_complaint_is_kept() {
        assert_eq!(tail("one\n\ntwo\n  \nthree\n"), "one / two / three");
        assert_eq!(tail("1\n2\n3\n4\n5\n6\n7"), "3 / 4 / 5 / 6 / 7");
        assert_eq!(tail("\n"), "");
    }
}
