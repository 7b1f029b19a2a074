//! What a job runs, and how a child process is told.

use crate::engine::sampling::Sampling;
use crate::fault::{CodeFault, Planted};
use crate::report::Run;
use crate::scenario::{Scenario, Strategy};
use std::path::PathBuf;
use std::time::Duration;

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
    /// The code under shuttle.
    Shuttle {
        /// What is put into it.
        planted: Planted,
        /// Which executions.
        sampling: Sampling,
        /// Where the schedule of one that fails is kept, if it is.
        keep: Option<PathBuf>,
    },
    /// One execution under shuttle, with what was put into the code when its schedule was recorded.
    Replay {
        /// The file with the schedule.
        file: PathBuf,
    },
}

impl Task {
    /// The shipped code under loom, in both modes.
    pub const LOOM: [Self; 2] = [Self::Loom { mode: "plain" }, Self::Loom { mode: "rmw" }];

    /// The arguments of `viewchan job` for it, behind the strategy.
    pub fn arguments(&self) -> Vec<String> {
        match self {
            Self::Loom { mode } => vec!["loom".to_owned(), (*mode).to_owned()],
            Self::Fault { name } => vec!["fault".to_owned(), (*name).to_owned()],
            Self::Control => vec!["control".to_owned()],
            Self::Threads { rounds } => vec!["threads".to_owned(), rounds.to_string()],
            Self::Shuttle { planted, sampling: Sampling { scheduler, iterations, seed }, keep } => {
                let numbers = [scheduler.to_string(), iterations.to_string(), seed.to_string()];
                let keep = keep.iter().map(|directory| directory.display().to_string());
                let words = ["shuttle".to_owned(), planted.name().to_owned()];
                words.into_iter().chain(numbers).chain(keep).collect()
            }
            Self::Replay { file } => vec!["replay".to_owned(), file.display().to_string()],
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
            ["shuttle", planted, scheduler, iterations, seed, ref keep @ ..] if keep.len() <= 1 => {
                let number = |text: &str| text.parse().map_err(|error| format!("{text:?}: {error}"));
                let iterations = usize::try_from(parse_rounds(iterations)?).map_err(|error| error.to_string())?;
                Ok(Self::Shuttle {
                    planted: Planted::from_name(planted)?,
                    sampling: Sampling { scheduler: scheduler.parse()?, iterations, seed: number(seed)? },
                    keep: keep.first().map(PathBuf::from),
                })
            }
            ["replay", file] => Ok(Self::Replay { file: PathBuf::from(file) }),
            _ => Err(format!("there is no job {arguments:?}")),
        }
    }

    /// How long it may take. Far more than it needs: this ends hangs, not work. A round on real threads is a matter of
    /// microseconds, loom's executions nobody can foretell.
    pub fn limit(&self) -> Duration {
        match self {
            Self::Threads { rounds } | Self::FlawedThreads { rounds, .. } => {
                STARVED + Duration::from_millis(rounds.saturating_mul(20)).min(DAY)
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
            Self::Shuttle { sampling, .. } => {
                Run::begun(scenario, strategy, "shuttle", Some(sampling.scheduler.name()))
            }
            Self::Replay { .. } => Run::begun(scenario, strategy, "shuttle", Some("replay")),
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

/// What a job may take beside its rounds, on a machine that has hardly any time for it: a hang is told from work by this alone.
const STARVED: Duration = Duration::from_secs(300);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::{Planted, Task};
    use crate::engine::sampling::{Sampling, Scheduler};
    use std::time::Duration;

    const SAMPLING: Sampling = Sampling { scheduler: Scheduler::Pct { depth: 3 }, iterations: 5, seed: u64::MAX };

    /// A child is told its task in arguments that mean that task.
    #[test]
    fn tasks_survive_the_command_line() {
        let tasks = [
            Task::Loom { mode: "plain" },
            Task::Loom { mode: "rmw" },
            Task::Fault { name: "double-release" },
            Task::Control,
            Task::Threads { rounds: 7 },
            Task::Replay { file: "a/b.toml".into() },
            Task::Shuttle { planted: Planted::Nothing, sampling: SAMPLING, keep: None },
            Task::Shuttle { planted: Planted::Control, sampling: SAMPLING, keep: Some("a b".into()) },
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
        assert_eq!(limit(300), Duration::from_secs(306));
        assert_eq!(limit(u64::MAX), super::STARVED + super::DAY);
        assert!(Task::parse(&["threads", "0"]).is_err());
    }
}
