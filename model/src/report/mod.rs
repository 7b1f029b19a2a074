//! What a check found: the report that `check --json` writes, and what a person sees.

pub mod diagram;
pub mod merge;
pub mod strategies;
pub mod table;
pub mod vectors;

use crate::scenario::{Scenario, Strategy, Tier};
use crate::spec::{self, Counterexample};
use serde::{Deserialize, Serialize};

/// The whole report. Schema 1, documented in the README of this package.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// 1.
    pub schema: u32,
    /// The version of this package.
    pub version: String,
    /// One for each scenario, strategy, engine and mode.
    pub runs: Vec<Run>,
    /// All nine, each with the faults that break it.
    pub guarantees: Vec<Guarantee>,
    /// Which operation acquires a foreign lock under which strategy, and why; from exploration.
    pub locks: Vec<LockRow>,
    /// Witnesses that no scenario reached, though all shipped ones were explored. In a part of a check: that none of this part
    /// reached.
    pub missing_witnesses: Vec<String>,
    /// Which part of a check this is, if it is not a whole one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
}

impl Report {
    /// Whether everything is as it must be. What a part does not reach, another part may.
    pub fn passes(&self) -> bool {
        let faults = self.guarantees.iter().flat_map(|guarantee| &guarantee.faults);
        self.runs.iter().all(|run| run.verdict == Verdict::Pass)
            && faults.into_iter().all(|fault| fault.verdict == FaultVerdict::Refuted)
            && (self.missing_witnesses.is_empty() || self.part.is_some())
    }
}

/// A part of a check, and of which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// From 1 to `of`.
    pub shard: usize,
    /// How many parts there are.
    pub of: usize,
    /// The check that was split.
    pub whole: Whole,
    /// Where in the whole each run of this report stands.
    pub runs: Vec<usize>,
    /// Where among the faults of the whole each fault of this report stands, in the order of the guarantees.
    pub faults: Vec<usize>,
}

/// A check that is split. Parts belong together if these are equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {
    /// Of all scenarios and of the golden counts.
    pub digest: String,
    /// The names of the engines.
    pub engines: Vec<String>,
    /// The names of the strategies.
    pub strategies: Vec<String>,
    /// Rounds on real threads.
    pub rounds: u64,
    /// What shuttle runs of each scenario.
    pub samplings: Vec<String>,
    /// How many runs it has.
    pub runs: usize,
    /// How many faults it tries.
    pub faults: usize,
}

/// One scenario on one engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// The scenario's name.
    pub scenario: String,
    /// The strategy's name.
    pub strategy: String,
    /// `exhaustive` or `bounded`.
    pub tier: String,
    /// The preemption bound of a bounded loom run.
    pub preemptions: Option<usize>,
    /// `spec`, `loom`, `shuttle` or `threads`, or that of a backend, see [`Host`](crate::engine::host::Host).
    pub engine: String,
    /// `plain` or `rmw` for loom; the scheduler's name for shuttle, or `replay`.
    pub mode: Option<String>,
    /// Executions of the real code; for `spec`, transitions explored.
    pub executions: u64,
    /// Steps that the threads came to, in all executions; 0 where nobody counts them.
    #[serde(default)]
    pub operations: u64,
    /// Abstract states visited.
    pub states: usize,
    /// Outcomes seen, sorted.
    pub outcomes: Vec<String>,
    /// On the exhaustive tier: whether outcomes and states equal the specification's. Else: whether they are among them.
    pub agrees_with_spec: bool,
    /// Whether anything was cut short. Always false: a run that would have to be cut short fails.
    pub truncated: bool,
    /// Wall-clock time.
    pub seconds: f64,
    /// `pass` or `fail`.
    pub verdict: Verdict,
    /// What went wrong.
    pub violations: Vec<Violation>,
    /// The file with the schedule that shuttle failed on.
    #[serde(default)]
    pub schedule: Option<String>,
}

impl Run {
    /// A run with nothing in it yet, which has failed. Only loom has bounds on preemptions: the specification is always
    /// explored completely, as shuttle's `dfs` explores, and everything else never is.
    pub fn begun(scenario: &Scenario, strategy: Strategy, engine: &str, mode: Option<&str>) -> Self {
        let (tier, preemptions) = match (engine, scenario.tier(strategy)) {
            ("spec", _) | ("loom", Tier::Exhaustive) => ("exhaustive", None),
            ("shuttle", _) if mode == Some("dfs") => ("exhaustive", None),
            ("loom", Tier::Bounded { preemptions }) => ("bounded", Some(preemptions)),
            _ => ("bounded", None),
        };
        Self {
            scenario: scenario.name.clone(),
            strategy: strategy.name().to_owned(),
            tier: tier.to_owned(),
            preemptions,
            engine: engine.to_owned(),
            mode: mode.map(str::to_owned),
            executions: 0,
            operations: 0,
            states: 0,
            outcomes: Vec::new(),
            agrees_with_spec: false,
            truncated: false,
            seconds: 0.0,
            verdict: Verdict::Fail,
            violations: Vec::new(),
            schedule: None,
        }
    }

    /// The run with its verdict: it passes if nothing is violated. A run in which nothing happened shows nothing, and
    /// has failed, whatever its engine.
    #[must_use]
    pub fn judged(mut self) -> Self {
        if self.executions == 0 && self.violations.is_empty() {
            self.violations.push(Violation::unnamed("nothing was executed"));
        }
        self.verdict = if self.violations.is_empty() { Verdict::Pass } else { Verdict::Fail };
        self
    }
}

/// Whether a run passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing was violated.
    Pass,
    /// Something was.
    Fail,
}

/// Something that must not happen, and how it came about.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Violation {
    /// The guarantee that is broken, if one can be named.
    pub guarantee: Option<String>,
    /// What happened.
    pub why: String,
    /// The steps up to there.
    pub trace: Vec<String>,
}

impl Violation {
    /// A violation that belongs to no guarantee, and has no trace.
    pub(crate) fn unnamed(why: impl Into<String>) -> Self {
        Self { guarantee: None, why: why.into(), trace: Vec::new() }
    }

    /// What exploration found on the specification of a scenario, with the way there.
    pub(crate) fn found(scenario: &Scenario, found: &Counterexample) -> Self {
        Self {
            guarantee: Some(found.violation.guarantee.id().to_owned()),
            why: found.violation.why.clone(),
            trace: found.path.iter().map(|action| action.describe(scenario)).collect(),
        }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.guarantee {
            Some(guarantee) => write!(f, "{guarantee}: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

/// A guarantee and the faults that its checks refute.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Guarantee {
    /// `G1` to `G9`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The faults that break it.
    pub faults: Vec<FaultRun>,
}

impl Guarantee {
    /// All of them, with what was tried: each fault with the identifier of the guarantee that it breaks.
    pub(crate) fn all(tried: &[(String, FaultRun)]) -> Vec<Self> {
        let with_faults = |guarantee: &spec::Guarantee| Self {
            id: guarantee.id().to_owned(),
            name: guarantee.name().to_owned(),
            faults: tried.iter().filter(|(id, _)| id == guarantee.id()).map(|(_, fault)| fault.clone()).collect(),
        };
        spec::Guarantee::ALL.iter().map(with_faults).collect()
    }
}

/// A fault on one engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FaultRun {
    /// The fault's name.
    pub name: String,
    /// The strategy under which it was tried.
    pub strategy: String,
    /// `spec`, `loom` or `shuttle`.
    pub engine: String,
    /// The defect of CPython that it reproduces, if the scenario demands it: `D1` to `D14`.
    pub defect: Option<String>,
    /// The scenario on which it was tried.
    pub scenario: String,
    /// `refuted` or `survived`.
    pub verdict: FaultVerdict,
    /// What refuted it.
    pub why: String,
}

/// Whether the checks noticed a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultVerdict {
    /// They did.
    Refuted,
    /// They did not: the check is worthless.
    Survived,
}

/// For one operation, the causes with which it acquires locks of other interpreters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockRow {
    /// The strategy's name.
    pub strategy: String,
    /// send, receive, clone, slice, read, release, last-release.
    pub operation: String,
    /// Empty if the operation acquires none.
    pub causes: Vec<String>,
}

impl From<crate::monitor::Failure> for Violation {
    fn from(failure: crate::monitor::Failure) -> Self {
        Self { guarantee: failure.guarantee.map(str::to_owned), why: failure.why, trace: failure.trace }
    }
}
