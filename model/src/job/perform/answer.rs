//! What a child process answers, when all executions have passed and when one has failed.

use super::{Run, Scenario, Strategy};
use crate::engine::spec::explore_unless_big;
use crate::monitor::{Failure, Graph};
use crate::report::Violation;
use crate::spec::{Rules, explore};
use std::sync::Mutex;

/// What to answer with when a failure ends the process.
static ANSWER: Mutex<Option<Run>> = Mutex::new(None);

/// A run begins: with it a failure is answered.
pub(super) fn expect(run: Run) {
    *ANSWER.lock().expect("never poisoned: nobody panics with it") = Some(run);
}

/// Answers with the failure. Nothing is unwound and nothing dropped: the model is broken.
pub(super) fn answer_and_exit(failure: Failure) -> ! {
    exit_with(|run| run.violations.push(failure.into()))
}

/// Answers with the run that was expected, changed, and ends the process.
pub(super) fn exit_with(change: impl FnOnce(&mut Run)) -> ! {
    let mut run = ANSWER.lock().expect("never poisoned: nobody panics with it").take().expect("set before");
    change(&mut run);
    println!("{}", serde_json::to_string(&run).expect("plain data"));
    std::process::exit(0)
}

/// All executions have passed: the run with what they visited, held against the specification. A bounded run of a scenario
/// that is too big to be explored has nothing else to be held against than the monitor: it does not say that it agrees.
pub(super) fn compare(mut run: Run, scenario: &Scenario, strategy: Strategy, graph: &Graph) -> Run {
    run.executions = graph.executions();
    run.states = graph.visited();
    run.outcomes = graph.outcomes().iter().cloned().collect();
    let specified = match run.tier.as_str() {
        "exhaustive" => Some(explore(&Rules::new(scenario, strategy), None).expect("no limit was set")),
        _ => explore_unless_big(scenario, strategy),
    };
    let Some(specified) = specified else { return run.judged() };
    let agreement = graph.agreement(&specified.states, &specified.outcomes);
    run.agrees_with_spec = if run.tier == "exhaustive" { agreement.is_exact() } else { agreement.is_subset() };
    if !run.agrees_with_spec {
        run.violations.push(Violation::unnamed(format!("code and specification differ: {agreement:?}")));
    }
    run.judged()
}
