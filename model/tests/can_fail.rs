//! The harness can fail: bounds, lost children and meddling variables do not pass for proofs, and what refutes the faults
//! is their flaw.
#![cfg(feature = "loom")]

mod common;

use common::{assert_refused, complaints, run, run_for, viewchan};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use viewchan_model::fault::{CODE_FAULTS, How};
use viewchan_model::job::{self, Task};
use viewchan_model::report::{Run, Verdict};
use viewchan_model::spec::{Rules, explore};

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
    let specified = explore(&Rules::new(&job::load(NAME).expect("shipped")), None).expect("no limit was set");
    assert!(bounded.states < specified.states.len(), "{} states", bounded.states);
    assert!(bounded.outcomes.len() < specified.outcomes.len(), "{} outcomes", bounded.outcomes.len());
    let exhaustive = run(NAME, &RMW);
    assert_passes(&exhaustive);
    assert_eq!(exhaustive.states, specified.states.len());
    assert!(exhaustive.executions > bounded.executions);
}

/// loom takes bounds from the environment. Neither the command nor its child goes on with one: both name it and refuse.
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
        for arguments in [&["check", "one-message"][..], &["job", "one-message", "loom", "plain"]] {
            let output = viewchan(arguments).env(variable, "1").output().expect("the command starts");
            assert_refused(&output, &[&format!("{variable} is set")]);
        }
    }
}

/// The strategy that carries the flaws is the shipped one where it is whole: without a flaw it passes on every scenario on
/// which a flaw is refuted.
#[test]
fn the_control_passes_wherever_a_flaw_is_refuted() {
    let flaws = CODE_FAULTS.iter().filter(|fault| fault.how == How::Strategy);
    let scenarios: BTreeSet<&str> = flaws.map(|fault| fault.scenario).collect();
    assert!(scenarios.len() >= 5, "{scenarios:?}");
    for scenario in scenarios {
        assert_passes(&run(scenario, &Task::Control));
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
