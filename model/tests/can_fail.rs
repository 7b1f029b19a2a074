//! The harness can fail: bounds, lost children and meddling variables do not pass for proofs, and what refutes the faults
//! is their flaw.
#![cfg(feature = "loom")]

mod common;

use common::{assert_refused, complaints, run, run_for, run_under, viewchan};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use viewchan_model::engine::strategy::available;
use viewchan_model::fault::{CODE_FAULTS, How};
use viewchan_model::job::{self, Task};
use viewchan_model::report::{Run, Verdict};
use viewchan_model::scenario::Strategy;
use viewchan_model::spec::{Fault, Rules, explore};

const RMW: Task = Task::Loom { mode: "rmw" };

#[track_caller]
fn assert_passes(run: &Run) {
    assert_eq!(run.verdict, Verdict::Pass, "{run:#?}");
    assert!(run.violations.is_empty() && run.agrees_with_spec && run.executions > 0, "{run:#?}");
}

/// The code under test is built on loom, else nothing is explored.
#[test]
fn the_backend_is_loom() {
    assert_eq!(viewchan::sync::BACKEND, "loom");
}

/// The number of states tells a bounded search from an exhaustive one: two preemptions reach neither all states nor all
/// outcomes of a scenario whose exhaustive run must have them all.
#[test]
fn a_preemption_bound_misses_states_and_outcomes() {
    const NAME: &str = "receive-end-moves-while-sending";
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{NAME}.toml"));
    let text = std::fs::read_to_string(shipped).expect("a shipped scenario");
    assert!(text.contains("tier = \"exhaustive\""), "else there is nothing to show");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join(format!("{NAME}.toml"));
    std::fs::write(&file, text.replace("tier = \"exhaustive\"", "tier = \"bounded\"\npreemptions = 2"))
        .expect("written");
    let origin = file.to_str().expect("UTF-8");

    let bounded = run(origin, &RMW);
    assert_passes(&bounded);
    assert_eq!((bounded.tier.as_str(), bounded.preemptions), ("bounded", Some(2)));
    let specified =
        explore(&Rules::new(&job::load(NAME).expect("shipped"), Strategy::View), None).expect("no limit was set");
    assert!(bounded.states < specified.states.len(), "{} states", bounded.states);
    assert!(bounded.outcomes.len() < specified.outcomes.len(), "{} outcomes", bounded.outcomes.len());
    let exhaustive = run(NAME, &RMW);
    assert_passes(&exhaustive);
    assert_eq!(exhaustive.states, specified.states.len());
    assert!(exhaustive.executions > bounded.executions);
}

/// loom takes bounds from the environment. No command goes on with one: both name it and refuse.
#[test]
fn variables_that_bound_loom_are_refused() {
    let variables = [
        "LOOM_MAX_PREEMPTIONS",
        "LOOM_MAX_BRANCHES",
        "LOOM_MAX_PERMUTATIONS",
        "LOOM_MAX_DURATION",
        "LOOM_MAX_THREADS",
        "LOOM_CHECKPOINT_FILE",
        "LOOM_CHECKPOINT_INTERVAL",
    ];
    for variable in variables {
        let check = &["check", "one-message"][..];
        for arguments in
            [check, &["job", "one-message", "view", "loom", "plain"], &["explain", "own-lock-kept", "--loom"]]
        {
            let output = viewchan(arguments).env(variable, "1").output().expect("the command starts");
            assert_refused(&output, &[&format!("{variable} is set")]);
        }
    }
}

/// The strategies that carry the flaws are the shipped ones where they are whole: without a flaw each passes on every
/// scenario on which a flaw of it is refuted.
#[test]
fn the_control_passes_wherever_a_flaw_is_refuted() {
    let flaws = CODE_FAULTS.iter().filter(|fault| fault.how == How::Strategy);
    let places: BTreeSet<(&str, &str)> = flaws.map(|fault| (fault.scenario, fault.strategy.name())).collect();
    assert!(places.len() >= 12, "{places:?}");
    for (scenario, strategy) in places {
        let strategy = Strategy::from_name(strategy).expect("it is its name");
        assert_passes(&run_under(strategy, scenario, &Task::Control));
    }
}

/// Strategies of this build into whose code no fault is put, and why.
const FAULTLESS: &[(Strategy, &str)] = &[];

/// Every strategy is broken in the code, or there is a reason why not; never neither, never both.
#[test]
fn every_strategy_has_a_fault_or_a_reason() {
    for strategy in available() {
        let is_broken = CODE_FAULTS.iter().any(|fault| fault.strategy == strategy);
        let is_exempt = FAULTLESS.iter().any(|&(exempt, _)| exempt == strategy);
        assert_ne!(is_broken, is_exempt, "{}", strategy.name());
    }
}

/// A fault is put into a strategy for which its scenario is, and under which the specification has it, if it has it at all.
#[test]
fn every_fault_is_where_it_makes_sense() {
    for fault in CODE_FAULTS {
        let scenario = job::load(fault.scenario).expect("shipped");
        assert!(scenario.strategies.contains(&fault.strategy), "{}", fault.name);
        if let Some(specified) = Fault::from_name(fault.name) {
            assert_eq!(specified.guarantee().id(), fault.guarantee, "{}", fault.name);
            assert!(specified.strategies().contains(&fault.strategy), "{}", fault.name);
        }
    }
}

/// A flaw is refuted where it shows and passes where it does not: a fault's run does not fail for being one.
#[test]
fn a_flaw_passes_where_nothing_depends_on_it() {
    for (name, scenario) in [("lock-at-clone", "one-message"), ("clone-not-counted", "one-message")] {
        assert_passes(&run(scenario, &Task::Fault { name }));
    }
}

/// A child that dies without an answer has failed, and its last words are passed on.
#[test]
fn a_child_without_an_answer_has_failed() {
    let lost = run("one-message", &Task::Fault { name: "no-such-fault" });
    let complaints = complaints(&lost);
    let [why] = complaints.as_slice() else { panic!("{complaints:?}") };
    assert!(why.starts_with("the process ended without an answer (exit status: 2): error: "), "{why}");
    assert!(why.contains("no-such-fault"), "{why}");
    assert_eq!((lost.executions, lost.agrees_with_spec), (0, false));
}

/// A child that does not come to an end is ended, and has failed (G6).
#[test]
fn a_child_without_an_end_has_failed() {
    let endless = run_for(Duration::from_secs(1), "send-timeout-against-receive", &RMW);
    assert_eq!(complaints(&endless), ["G6: still running after 1 s"]);
}
