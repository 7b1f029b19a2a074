//! The shipped scenarios on real threads, run once as a user runs them.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use common::{complaints, pairs, run, run_for, text, viewchan};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;
use viewchan_model::fault::Planted;
use viewchan_model::job::Task;
use viewchan_model::report::{Report, Run, Verdict};
use viewchan_model::scenario::{Scenario, Strategy};
use viewchan_model::spec::{Rules, explore};

const ROUNDS: u64 = 50;

/// What `viewchan check --engine threads` reports.
static REPORT: LazyLock<Report> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("report.json");
    let arguments = ["check", "--engine", "threads", "--rounds", &ROUNDS.to_string(), "--json"];
    let output =
        viewchan(&arguments).arg(&file).timeout(Duration::from_secs(600)).output().expect("the command starts");
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
    let runs = pairs().len();
    let verdict = format!("PASS: {runs} of {runs} runs pass, 0 of 0 faults refuted");
    assert_eq!(stdout.lines().last(), Some(verdict.as_str()));
    let written = std::fs::read_to_string(file).expect("the report was written");
    serde_json::from_str(&written).expect("a report")
});

fn specified(scenario: &Scenario, strategy: Strategy) -> BTreeSet<String> {
    explore(&Rules::new(scenario, strategy), None).expect("no limit was set").outcomes
}

/// The code under test runs on real locks, else this would be no test of them.
#[test]
fn the_backend_is_std() {
    assert_eq!(viewchan::sync::BACKEND, "std");
}

/// A scenario's name, and a strategy's.
type Names = (String, String);

fn of(run: &Run) -> Names {
    (run.scenario.clone(), run.strategy.clone())
}

/// The specification's outcomes of each shipped scenario under each strategy.
fn all_specified() -> impl Iterator<Item = (Names, BTreeSet<String>)> {
    pairs().into_iter().map(|(scenario, strategy)| {
        let outcomes = specified(&scenario, strategy);
        ((scenario.name, strategy.name().to_owned()), outcomes)
    })
}

/// Each shipped scenario ran once under each strategy, as often as asked for, and passed.
#[test]
fn every_scenario_passes() {
    let expected = pairs().into_iter().map(|(scenario, strategy)| (scenario.name, strategy.name().to_owned()));
    assert_eq!(REPORT.runs.iter().map(of).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    for run in &REPORT.runs {
        assert_eq!(run.verdict, Verdict::Pass, "{run:#?}");
        assert!(run.violations.is_empty() && run.agrees_with_spec && !run.truncated, "{run:#?}");
        assert_eq!(run.executions, ROUNDS, "{}", run.scenario);
    }
}

/// Real threads are no proof, and their runs do not claim to be one.
#[test]
fn no_run_claims_to_be_exhaustive() {
    for run in &REPORT.runs {
        assert_eq!((run.engine.as_str(), run.tier.as_str(), &run.mode), ("threads", "bounded", &None));
        assert_eq!(run.states, 0, "abstract states are not observed");
    }
}

/// Real threads do only what the specification allows, and each scenario does something.
#[test]
fn the_outcomes_are_included_in_the_specification() {
    let specified: BTreeMap<Names, _> = all_specified().collect();
    for run in &REPORT.runs {
        let allowed = &specified[&of(run)];
        assert!(!run.outcomes.is_empty(), "{}", run.scenario);
        assert!(run.outcomes.iter().all(|outcome| allowed.contains(outcome)), "{run:#?}");
    }
}

/// Where the specification allows one outcome only, real threads have exactly that one.
#[test]
fn what_is_determined_is_reached() {
    let determined: BTreeMap<Names, _> = all_specified().filter(|(_, outcomes)| outcomes.len() == 1).collect();
    assert!(!determined.is_empty());
    for run in REPORT.runs.iter().filter(|run| determined.contains_key(&of(run))) {
        assert!(run.outcomes.iter().eq(&determined[&of(run)]), "{run:#?}");
    }
}

/// The strategy that carries the flaws is the shipped one where it is whole.
#[test]
fn the_flawless_strategy_passes() {
    let run = run("one-message", &Task::FlawedThreads { flaw: Planted::Control, rounds: ROUNDS });
    assert_eq!((run.verdict, run.executions), (Verdict::Pass, ROUNDS), "{run:#?}");
}

/// Strategies with flaws run here as well: what they leak or lock is seen, what they do to memory is for sanitizers. On
/// these scenarios they show whatever the threads' order is.
#[test]
fn flaws_that_do_no_harm_to_memory_are_noticed() {
    let flaws = [
        ("forgotten-release", "last-clone-in-two-threads", "G3: 1 more buffers were frozen than freed or thawed"),
        ("lock-at-clone", "clones-made-while-dropped", "G1: "),
        ("discard-leaks", "send-timeout-alone", "G3: 1 more buffers were frozen than freed or thawed"),
    ];
    for (name, scenario, says) in flaws {
        let flaw = Planted::from_name(name).expect("a fault");
        let complaints = complaints(&run(scenario, &Task::FlawedThreads { flaw, rounds: ROUNDS }));
        assert!(complaints.iter().all(|why| why.starts_with(says)), "{name}: {complaints:?}");
    }
}

/// What is no flaw of a strategy, or of another one, is not run as if it were.
#[test]
fn what_cannot_be_planted_is_no_run() {
    for (name, why) in [
        ("send-forgets-waiters", "breaks a site, which only a build with --features loom or shuttle can do"),
        ("no-lock-at-clone", "is a flaw of the strategy shared, not of view"),
    ] {
        let flaw = Planted::from_name(name).expect("a fault");
        let complaints = complaints(&run("one-message", &Task::FlawedThreads { flaw, rounds: ROUNDS }));
        assert!(complaints.iter().all(|complaint| complaint.contains(why)), "{name}: {complaints:?}");
    }
}

/// A run that does not come to an end is ended, and has failed (G6): a hang is a finding, not a hang of the check.
#[test]
fn a_run_without_an_end_has_failed() {
    let endless = run_for(Duration::from_secs(1), "one-message", &Task::Threads { rounds: u64::MAX });
    assert_eq!(complaints(&endless), ["G6: still running after 1 s"]);
}
