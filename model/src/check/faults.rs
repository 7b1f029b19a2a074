//! The faults of a check: which to try where, and whether they are refuted.

use super::{Engine, Plan};
use crate::engine::sampling::Sampling;
use crate::fault::{CODE_FAULTS, CodeFault, Planted};
use crate::job::{self, Job, Task};
use crate::report::{FaultRun, FaultVerdict};
use crate::scenario::{Scenario, Strategy, shipped};
use crate::spec::{Fault, Rules, explore};

/// A fault to try.
pub(super) enum Attempt {
    /// On the specification, under one strategy: some shipped scenario must refute it.
    Spec(Fault, Strategy),
    /// On the scenario of the plan that names it, which must refute it under a strategy that both are for.
    Named(Fault, usize),
    /// On the real code under loom.
    Loom(CodeFault),
    /// On the real code under shuttle.
    Shuttle(CodeFault),
}

/// The faults to try: those that a scenario of the plan names, and all others if the plan says so.
pub(super) fn attempts(plan: &Plan) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    let is_planned = |strategy: &Strategy| plan.strategies.contains(strategy);
    if plan.engines.contains(&Engine::Spec) {
        let named = plan.scenarios.iter().enumerate();
        attempts.extend(named.filter_map(|(index, (_, scenario))| named_by(plan, scenario, index)));
    }
    if plan.faults && plan.engines.contains(&Engine::Spec) {
        for &fault in Fault::ALL {
            let strategies = fault.strategies().iter().copied().filter(is_planned);
            attempts.extend(strategies.map(|strategy| Attempt::Spec(fault, strategy)));
        }
    }
    let in_code = || CODE_FAULTS.iter().copied().filter(|fault| is_planned(&fault.strategy));
    if plan.faults && plan.engines.contains(&Engine::Loom) {
        attempts.extend(in_code().map(Attempt::Loom));
    }
    if plan.faults && plan.engines.contains(&Engine::Shuttle) {
        attempts.extend(in_code().filter(|fault| fault.is_seen_by_shuttle()).map(Attempt::Shuttle));
    }
    attempts
}

/// A scenario that is not checked under any strategy of the plan has nothing to demand.
fn named_by(plan: &Plan, scenario: &Scenario, index: usize) -> Option<Attempt> {
    let fault = scenario.fault.as_deref().and_then(Fault::from_name)?;
    let is_checked = scenario.strategies.iter().any(|strategy| plan.strategies.contains(strategy));
    is_checked.then_some(Attempt::Named(fault, index))
}

impl Attempt {
    /// The identifier of the guarantee that it breaks.
    pub(super) fn guarantee(&self) -> &'static str {
        match self {
            Self::Spec(fault, _) | Self::Named(fault, _) => fault.guarantee().id(),
            Self::Loom(fault) | Self::Shuttle(fault) => fault.guarantee,
        }
    }

    /// Tries the fault; with it, the guarantee that it breaks.
    pub(super) fn attempt(self, plan: &Plan) -> std::io::Result<(String, FaultRun)> {
        let guarantee = self.guarantee().to_owned();
        let tried = match self {
            Self::Spec(fault, strategy) => on_shipped(fault, strategy),
            Self::Named(fault, index) => on_its_own(fault, &plan.scenarios[index].1, &plan.strategies),
            Self::Loom(fault) => in_code(fault, Task::Fault { name: fault.name }, Engine::Loom, plan)?,
            Self::Shuttle(fault) => {
                let task = Task::Shuttle { planted: Planted::Fault(fault), sampling: Sampling::OF_FAULTS, keep: None };
                in_code(fault, task, Engine::Shuttle, plan)?
            }
        };
        Ok((guarantee, tried))
    }
}

/// Explores the shipped scenarios with the fault until one refutes it.
fn on_shipped(fault: Fault, strategy: Strategy) -> FaultRun {
    let mut scenarios = shipped();
    scenarios.retain(|scenario| scenario.strategies.contains(&strategy));
    let refuted = scenarios.iter().find_map(|scenario| refutation(fault, scenario, strategy));
    refuted.unwrap_or_else(|| survived(fault, strategy, "no scenario refutes it"))
}

/// Explores the scenario that names the fault, under the strategies that the fault, the scenario and the plan have in
/// common, until one refutes it.
fn on_its_own(fault: Fault, scenario: &Scenario, planned: &[Strategy]) -> FaultRun {
    let is_common = |strategy: &&Strategy| scenario.strategies.contains(strategy) && planned.contains(strategy);
    let common: Vec<Strategy> = fault.strategies().iter().filter(is_common).copied().collect();
    let refuted = common.iter().find_map(|&strategy| refutation(fault, scenario, strategy));
    let tried = refuted.unwrap_or_else(|| match common.first() {
        Some(&strategy) => survived(fault, strategy, "the scenario that names it does not refute it"),
        None => survived(fault, scenario.strategies[0], "no strategy of the scenario that names it can have it"),
    });
    FaultRun { scenario: scenario.name.clone(), defect: scenario.defect.clone(), ..tried }
}

/// Explores a scenario with the fault. Only its own guarantee counts.
fn refutation(fault: Fault, scenario: &Scenario, strategy: Strategy) -> Option<FaultRun> {
    let exploration = explore(&Rules::with_fault(scenario, strategy, fault), None).expect("no limit was set");
    let found = exploration.violation.filter(|found| found.violation.guarantee == fault.guarantee())?;
    Some(FaultRun {
        scenario: scenario.name.clone(),
        verdict: FaultVerdict::Refuted,
        ..survived(fault, strategy, &found.violation.to_string())
    })
}

fn survived(fault: Fault, strategy: Strategy, why: &str) -> FaultRun {
    FaultRun {
        name: fault.name().to_owned(),
        strategy: strategy.name().to_owned(),
        engine: "spec".to_owned(),
        defect: None,
        scenario: String::new(),
        verdict: FaultVerdict::Survived,
        why: why.to_owned(),
    }
}

/// Runs the fault's scenario. It must fail, and say what is expected of it.
fn in_code(fault: CodeFault, task: Task, engine: Engine, plan: &Plan) -> std::io::Result<FaultRun> {
    let scenario = job::load(fault.scenario).expect("shipped");
    let limit = task.limit();
    let job = Job { origin: fault.scenario, scenario: &scenario, strategy: fault.strategy, task };
    let run = job::run(&plan.executable, &job, limit)?;
    let said = run.violations.iter().map(|violation| violation.to_string()).find(|why| why.contains(fault.says));
    let (verdict, why) = match said {
        Some(why) => (FaultVerdict::Refuted, why),
        None => (
            FaultVerdict::Survived,
            match run.violations.first() {
                Some(other) => format!("{:?} was expected, not: {other}", fault.says),
                None => format!("all {} executions passed", run.executions),
            },
        ),
    };
    Ok(FaultRun {
        name: fault.name.to_owned(),
        strategy: fault.strategy.name().to_owned(),
        engine: engine.name().to_owned(),
        defect: None,
        scenario: fault.scenario.to_owned(),
        verdict,
        why,
    })
}
