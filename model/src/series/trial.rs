//! What is done with each scenario of a series.

use crate::check::Engine;
use crate::engine::sampling::{Sampling, Scheduler};
use crate::engine::spec::explored;
use crate::fault::Planted;
use crate::job::{self, Task};
use crate::report::Run;
use crate::scenario::{Scenario, Strategy};
use crate::spec::{Fault, Rules};
use std::sync::Arc;
use std::time::Duration;

/// What is done with a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trial {
    /// The specification is explored, with a fault if there is one.
    Spec(Option<Fault>),
    /// The real code runs.
    Real(Task),
}

impl Trial {
    /// All that is done with a scenario on an engine, with a flaw if there is one.
    ///
    /// # Errors
    ///
    /// When the engine has no such flaw.
    pub fn on(engine: Engine, rounds: u64, flaw: Option<&str>) -> Result<Vec<Self>, String> {
        let Some(flaw) = flaw else {
            return Ok(match engine {
                Engine::Spec => vec![Self::Spec(None)],
                Engine::Loom => Task::LOOM.map(Self::Real).to_vec(),
                Engine::Shuttle => vec![Self::under_shuttle(Planted::Nothing, rounds)],
                Engine::Threads => vec![Self::Real(Task::Threads { rounds })],
            });
        };
        let trial = match engine {
            Engine::Shuttle => Planted::from_name(flaw).map(|planted| Self::under_shuttle(planted, rounds)),
            Engine::Spec => Self::parse(&["spec", flaw]),
            Engine::Loom => Self::parse(&["fault", flaw]),
            Engine::Threads => Self::parse(&["flawed-threads", flaw, &rounds.to_string()]),
        };
        trial.map(|trial| vec![trial])
    }

    /// So many executions, about equally likely. The scenarios differ, their schedules need no seed of their own.
    fn under_shuttle(planted: Planted, rounds: u64) -> Self {
        let iterations = usize::try_from(rounds).unwrap_or(usize::MAX);
        Self::Real(Task::Shuttle {
            planted,
            sampling: Sampling { scheduler: Scheduler::Urw, iterations, seed: 1 },
            keep: None,
        })
    }

    /// What a child process is told.
    pub fn arguments(&self) -> Vec<String> {
        match self {
            Self::Spec(fault) => ["spec"].into_iter().chain(fault.map(Fault::name)).map(str::to_owned).collect(),
            Self::Real(task) => task.arguments(),
        }
    }

    /// The trial that a child process was told of.
    ///
    /// # Errors
    ///
    /// When there is no such trial.
    pub fn parse(words: &[&str]) -> Result<Self, String> {
        match *words {
            ["spec"] => Ok(Self::Spec(None)),
            ["spec", name] => match Fault::from_name(name) {
                Some(fault) => Ok(Self::Spec(Some(fault))),
                None => Err(format!("the specification has no fault {name:?}")),
            },
            _ => Task::parse(words).map(Self::Real),
        }
    }

    /// How long it may take: see [`Task::limit`].
    pub fn limit(&self) -> Duration {
        match self {
            Self::Spec(_) => Duration::from_secs(1800),
            Self::Real(task) => task.limit(),
        }
    }

    /// How often it must pass to have passed: real threads do not always do what they can do.
    pub(super) fn patience(&self) -> usize {
        match self {
            Self::Real(Task::Threads { .. } | Task::FlawedThreads { .. }) => 3,
            _ => 1,
        }
    }

    /// A run with nothing in it yet.
    pub fn begun(&self, scenario: &Scenario, strategy: Strategy) -> Run {
        match self {
            Self::Spec(_) => Run::begun(scenario, strategy, "spec", None),
            Self::Real(task) => task.run(scenario, strategy),
        }
    }

    /// Does it in this process, which may die of it.
    ///
    /// # Errors
    ///
    /// When this build has not got the engine or the strategy.
    pub fn perform(&self, scenario: &Arc<Scenario>, strategy: Strategy) -> Result<Run, String> {
        match self {
            Self::Spec(fault) => Ok(on_spec(scenario, strategy, *fault)),
            Self::Real(task) => job::perform(scenario, strategy, task),
        }
    }

    /// The command that repeats it on a file.
    pub fn replay(&self, file: &str, strategy: Strategy) -> String {
        let strategy = strategy.name();
        match self {
            Self::Spec(Some(fault)) => {
                format!("viewchan explain {} --scenario {file} --strategy {strategy}", fault.name())
            }
            Self::Spec(None) => format!("viewchan check {file} --engine spec --strategy {strategy}"),
            Self::Real(Task::Loom { .. }) => format!("viewchan check {file} --engine loom --strategy {strategy}"),
            Self::Real(Task::Threads { rounds }) => {
                format!("viewchan check {file} --engine threads --strategy {strategy} --rounds {rounds}")
            }
            Self::Real(Task::Shuttle { planted: Planted::Nothing, sampling, .. }) => format!(
                "viewchan check {file} --engine shuttle --strategy {strategy} --scheduler {} --iterations {} --seed {}",
                sampling.scheduler, sampling.iterations, sampling.seed
            ),
            Self::Real(task) => format!("viewchan job {file} {strategy} {}", task.arguments().join(" ")),
        }
    }
}

fn on_spec(scenario: &Scenario, strategy: Strategy, fault: Option<Fault>) -> Run {
    let rules = match fault {
        Some(fault) => Rules::with_fault(scenario, strategy, fault),
        None => Rules::new(scenario, strategy),
    };
    explored(&rules).0
}
