//! The real code under loom: every interleaving of a scenario's threads, each execution followed by a monitor.
//!
//! A failure ends the process: loom cannot unwind out of a broken model safely (it may panic twice, or abort on a
//! deadlock). So [`explore`] is meant for a child process of its own, and reports through a callback before it dies.
//!
//! Each model runs twice, see [`Mode`]. Nothing is ever truncated: all of loom's limits are set here, and the environment
//! variables that would change them are refused.

use super::execution::{self, execution, fail_on_panic, passed};
use super::strategy::{Work, with_strategy};
use crate::fault::Planted;
use crate::monitor::{Failure, Graph};
use crate::scenario::{self, MOST_LOOM_THREADS, Scenario, ThreadDecl, Tier};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use viewchan::Interpreter;
use viewchan::strategy::Strategy;
use viewchan::sync::{LOADS_AS_RMW, MODEL_UNWINDS};

/// How atomic loads are modelled. loom does not race a thread's own earlier loads, so one way alone is not enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As loads: they may read stale values.
    Plain,
    /// As read-modify-writes that add zero: they race with everything.
    Rmw,
}

impl Mode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Plain, Self::Rmw];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Rmw => "rmw",
        }
    }
}

/// More branches than this in one execution mean a livelock: loom panics, and the run fails.
const MAX_BRANCHES: usize = 10_000;

/// The first variable of the environment that would change what loom explores.
pub fn meddling_variable() -> Option<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.into_iter().find(|name| name.starts_with("LOOM_") && name != "LOOM_LOG")
}

/// Explores a scenario with something put into the code, or with what ships, and returns what all executions visited.
///
/// Calls `fail` with the first failure and expects it to end the process.
///
/// # Errors
///
/// If that cannot be put into that strategy.
///
/// # Panics
///
/// If a `LOOM_*` variable is set that changes what loom explores: the claim of the result would be false. If the scenario is
/// [large](Scenario::is_large).
pub fn explore(
    planted: Planted,
    scenario: &Arc<Scenario>,
    strategy: scenario::Strategy,
    mode: Mode,
    fail: fn(Failure) -> !,
) -> Result<Graph, String> {
    prepare(scenario, mode);
    planted.run(strategy, Explore { scenario, strategy, fail })
}

struct Explore<'a> {
    scenario: &'a Arc<Scenario>,
    strategy: scenario::Strategy,
    fail: fn(Failure) -> !,
}

impl Work for Explore<'_> {
    type Outcome = Graph;

    fn with<S: Strategy<Interpreter>>(self) -> Graph {
        let graph = Arc::new(Mutex::new(Graph::new(self.scenario, self.strategy)));
        fail_on_panic(self.fail);
        let model = {
            let (scenario, graph) = (Arc::clone(self.scenario), Arc::clone(&graph));
            move || execution::<S>(&scenario, &graph)
        };
        builder(self.scenario.tier(self.strategy)).check(model);
        passed(graph)
    }
}

/// Explores what [`explore`] explores of what ships, and lets nobody judge it: it shows nothing about the code. Returns how many
/// executions there were.
///
/// It is what a monitored exploration is measured against, so it gives nothing that could be taken for a check: no graph, and
/// hence no verdict. The scenario's own steps are taken on the real code, under the same limits. There is no recorder, so that
/// no event is made; what is left of tracing is a look whether there is one.
///
/// # Errors
///
/// If this build has not got the strategy.
///
/// # Panics
///
/// As [`explore`]; and where loom itself objects, since nobody else is told.
pub fn unmonitored(scenario: &Arc<Scenario>, strategy: scenario::Strategy, mode: Mode) -> Result<u64, String> {
    prepare(scenario, mode);
    let ran = Arc::new(AtomicU64::new(0));
    let (model, count) = (Arc::clone(scenario), Arc::clone(&ran));
    with_strategy!(strategy, S => builder(scenario.tier(strategy)).check(move || {
        execution::unmonitored::<S>(&model);
        count.fetch_add(1, Ordering::Relaxed);
    }))?;
    Ok(ran.load(Ordering::Relaxed))
}

/// What loom must know of a scenario before it begins.
fn prepare(scenario: &Scenario, mode: Mode) {
    assert_eq!(meddling_variable(), None, "this variable changes what loom explores; unset it");
    assert!(!scenario.is_large(), "{} is too large for loom", scenario.name);
    LOADS_AS_RMW.store(mode == Mode::Rmw, Ordering::Relaxed);
    let mut steps = scenario.threads.iter().flat_map(ThreadDecl::preorder);
    MODEL_UNWINDS.store(steps.any(|located| located.step.panics()), Ordering::Relaxed);
}

fn builder(tier: Tier) -> loom::model::Builder {
    let mut builder = loom::model::Builder::new();
    builder.max_threads = MOST_LOOM_THREADS;
    builder.max_branches = MAX_BRANCHES;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.preemption_bound = match tier {
        Tier::Exhaustive => None,
        Tier::Bounded { preemptions } => Some(preemptions),
    };
    builder.checkpoint_file = None;
    builder.checkpoint_interval = usize::MAX;
    builder.expect_explicit_explore = false;
    builder.location = false;
    builder.log = false;
    builder
}

#[cfg(test)]
mod tests {
    use super::{Mode, unmonitored};
    use crate::golden::Golden;
    use crate::load::load;
    use std::sync::Arc;

    /// What nobody judges is what is checked otherwise: as many executions.
    #[test]
    fn unmonitored_is_the_same_exploration() {
        let (golden, scenario) = (Golden::shipped(), Arc::new(load("peek-against-publish").expect("it ships")));
        let strategy = scenario.strategies[0];
        let counts = golden.of_run(&scenario.name, strategy).expect("it has counts");
        for mode in Mode::ALL {
            let ran = unmonitored(&scenario, strategy, mode).expect("this build has the strategy");
            assert_eq!(ran, counts.executions[mode.name()], "{}", mode.name());
        }
    }
}
