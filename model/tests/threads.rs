//! The shipped scenarios on real threads, run once as a user runs them.
#![cfg(not(feature = "loom"))]

mod common;

use common::{complaints, run_for, text, viewchan};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;
use viewchan_model::job::Task;
use viewchan_model::report::{Report, Verdict};
use viewchan_model::scenario::{Scenario, shipped};
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
    let runs = shipped().len();
    let verdict = format!("PASS: {runs} of {runs} runs pass, 0 of 0 faults refuted");
    assert_eq!(stdout.lines().last(), Some(verdict.as_str()));
    let written = std::fs::read_to_string(file).expect("the report was written");
    serde_json::from_str(&written).expect("a report")
});

fn specified(scenario: &Scenario) -> BTreeSet<String> {
    explore(&Rules::new(scenario), None).expect("no limit was set").outcomes
}

/// The code under test runs on real locks, else this would be no test of them.
#[test]
fn the_backend_is_std() {
    assert_eq!(viewchan::sync::BACKEND, "std");
}

/// Each shipped scenario ran once, as often as asked for, and passed.
#[test]
fn every_scenario_passes() {
    let names: Vec<&str> = REPORT.runs.iter().map(|run| run.scenario.as_str()).collect();
    let shipped = shipped();
    assert_eq!(names, shipped.iter().map(|scenario| scenario.name.as_str()).collect::<Vec<_>>());
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
    let scenarios: BTreeMap<_, _> = shipped().into_iter().map(|scenario| (scenario.name.clone(), scenario)).collect();
    for run in &REPORT.runs {
        let allowed = specified(&scenarios[&run.scenario]);
        assert!(!run.outcomes.is_empty(), "{}", run.scenario);
        assert!(run.outcomes.iter().all(|outcome| allowed.contains(outcome)), "{run:#?}");
    }
}

/// Where the specification allows one outcome only, real threads have exactly that one.
#[test]
fn what_is_determined_is_reached() {
    let determined = shipped().into_iter().filter_map(|scenario| {
        let outcomes = specified(&scenario);
        (outcomes.len() == 1).then(|| (scenario.name, outcomes.into_iter().collect::<Vec<_>>()))
    });
    let determined: BTreeMap<_, _> = determined.collect();
    assert!(!determined.is_empty());
    for run in REPORT.runs.iter().filter(|run| determined.contains_key(&run.scenario)) {
        assert_eq!(run.outcomes, determined[&run.scenario], "{}", run.scenario);
    }
}

/// A run that does not come to an end is ended, and has failed (G6): a hang is a finding, not a hang of the check.
#[test]
fn a_run_without_an_end_has_failed() {
    let endless = run_for(Duration::from_secs(1), "one-message", &Task::Threads { rounds: u64::MAX });
    assert_eq!(complaints(&endless), ["G6: still running after 1 s"]);
}
