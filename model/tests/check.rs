//! The whole check, run once as a user runs it; each test holds the report that it wrote against one claim.
#![cfg(feature = "loom")]

mod common;

use common::{text, viewchan};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use viewchan_model::fault::CODE_FAULTS;
use viewchan_model::report::{FaultRun, FaultVerdict, Report, Run, Verdict};
use viewchan_model::scenario::shipped;
use viewchan_model::spec::{Fault, Guarantee};

/// What `viewchan check --json FILE` did.
struct Check {
    status: Option<i32>,
    stdout: String,
    stderr: String,
    json: Value,
    report: Report,
}

static CHECK: LazyLock<Check> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("report.json");
    let output = viewchan(&["check", "--json"]).arg(&file).output().expect("the command starts");
    let (stdout, stderr) = (text(&output.stdout).to_owned(), text(&output.stderr).to_owned());
    let written = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{error}: {stderr}"));
    Check {
        status: output.status.code(),
        stdout,
        stderr,
        json: serde_json::from_str(&written).expect("JSON"),
        report: serde_json::from_str(&written).expect("a report"),
    }
});

fn runs(engine: &str) -> impl Iterator<Item = &'static Run> {
    CHECK.report.runs.iter().filter(move |run| run.engine == engine)
}

/// Runs of the real code that claim to be exhaustive.
fn exhaustive() -> impl Iterator<Item = &'static Run> {
    runs("loom").filter(|run| run.tier == "exhaustive")
}

/// The runs of the specification, by scenario.
fn specified() -> BTreeMap<&'static str, &'static Run> {
    runs("spec").map(|run| (run.scenario.as_str(), run)).collect()
}

fn faults() -> impl Iterator<Item = &'static FaultRun> {
    CHECK.report.guarantees.iter().flat_map(|guarantee| &guarantee.faults)
}

/// The faults that were tried on an engine.
fn tried_on(engine: &str) -> BTreeSet<&'static str> {
    faults().filter(|fault| fault.engine == engine).map(|fault| fault.name.as_str()).collect()
}

/// The code under test is built on loom, else nothing below means anything.
#[test]
fn the_backend_is_loom() {
    assert_eq!(viewchan::sync::BACKEND, "loom");
}

/// Exit status, last line and report agree that everything holds.
#[test]
fn the_check_passes() {
    let Check { status, stdout, stderr, report, .. } = &*CHECK;
    assert_eq!(*status, Some(0), "{stdout}{stderr}");
    let (runs, faults) = (report.runs.len(), faults().count());
    let verdict = format!("PASS: {runs} of {runs} runs pass, {faults} of {faults} faults refuted");
    assert_eq!(stdout.lines().last(), Some(verdict.as_str()));
    assert!(report.passes());
    assert_eq!(report.missing_witnesses, Vec::<String>::new());
}

/// No run failed, none complains, none was cut short, none was empty.
#[test]
fn every_run_passes_to_its_end() {
    for run in &CHECK.report.runs {
        assert_eq!(run.verdict, Verdict::Pass, "{run:#?}");
        assert!(run.violations.is_empty() && run.agrees_with_spec && !run.truncated, "{run:#?}");
        assert!(run.executions > 0 && run.states > 0 && !run.outcomes.is_empty(), "{run:#?}");
    }
}

/// Every shipped scenario ran on the specification once, and on the real code with loads as loads and as RMWs.
#[test]
fn every_scenario_ran_in_every_way() {
    let ways = [("spec", None), ("loom", Some("plain")), ("loom", Some("rmw"))];
    let scenarios = shipped();
    let way = |run: &'static Run| (run.scenario.as_str(), (run.engine.as_str(), run.mode.as_deref()));
    let mut ran: Vec<_> = CHECK.report.runs.iter().map(way).collect();
    let mut expected: Vec<_> =
        scenarios.iter().flat_map(|scenario| ways.map(|way| (scenario.name.as_str(), way))).collect();
    ran.sort_unstable();
    expected.sort_unstable();
    assert_eq!(ran, expected);
}

/// There is enough that is explored to the last interleaving, and enough of it with three threads or more.
#[test]
fn enough_is_exhaustive() {
    let names: BTreeSet<&str> = exhaustive().map(|run| run.scenario.as_str()).collect();
    let scenarios = shipped().into_iter().filter(|scenario| names.contains(scenario.name.as_str()));
    let threads: Vec<usize> = scenarios.map(|scenario| scenario.threads.len()).collect();
    assert!(threads.len() >= 12, "{names:?}");
    assert!(threads.iter().filter(|&&threads| threads >= 3).count() >= 4, "{threads:?}");
}

/// Code and specification are the same in both directions: what is exhaustive has exactly the specification's outcomes and
/// as many abstract states.
#[test]
fn what_is_exhaustive_equals_the_specification() {
    let specified = specified();
    for run in exhaustive() {
        let specified = specified[run.scenario.as_str()];
        assert_eq!(run.preemptions, None, "{}", run.scenario);
        assert_eq!(run.outcomes, specified.outcomes, "{}", run.scenario);
        assert_eq!(run.states, specified.states, "{}", run.scenario);
    }
}

/// What is bounded says so, and does nothing that the specification does not do.
#[test]
fn what_is_bounded_is_included_in_the_specification() {
    let specified = specified();
    for run in runs("loom").filter(|run| run.tier != "exhaustive") {
        let specified = specified[run.scenario.as_str()];
        assert_eq!(run.tier, "bounded");
        assert!(run.preemptions.is_some(), "{}", run.scenario);
        assert!(run.outcomes.iter().all(|outcome| specified.outcomes.contains(outcome)), "{run:#?}");
        assert!(run.states <= specified.states, "{}", run.scenario);
    }
}

/// G1: the explored lock table is the row of the strategy `view`: creating a view and the last release enter the owner,
/// nothing else enters anybody.
#[test]
fn the_lock_table_is_the_row_of_view() {
    let row = |operation, causes: &[&str]| (operation, causes.iter().map(ToString::to_string).collect::<Vec<_>>());
    let expected = [
        row("send", &[]),
        row("receive", &["view creation"]),
        row("clone", &[]),
        row("slice", &[]),
        row("read", &[]),
        row("release", &[]),
        row("last-release", &["view release"]),
    ];
    let found = CHECK.report.locks.iter().map(|row| (row.operation.as_str(), row.causes.clone()));
    assert_eq!(found.collect::<Vec<_>>(), expected);
    assert!(CHECK.report.locks.iter().all(|row| row.strategy == "view"));
}

/// Every fault was tried on every engine that it lives in, there are enough of them, and none survived.
#[test]
fn every_fault_is_refuted() {
    for fault in faults() {
        assert_eq!(fault.verdict, FaultVerdict::Refuted, "{fault:#?}");
        assert!(!fault.why.is_empty() && !fault.scenario.is_empty(), "{fault:#?}");
    }
    assert_eq!(tried_on("spec"), Fault::ALL.iter().map(|fault| fault.name()).collect());
    assert_eq!(tried_on("loom"), CODE_FAULTS.iter().map(|fault| fault.name).collect());
    assert_eq!(faults().count(), Fault::ALL.len() + CODE_FAULTS.len(), "each once");
    assert!(Fault::ALL.len() >= 14 && CODE_FAULTS.len() >= 10);
}

/// G1 to G9 are all there, each with at least two different faults that its checks refute.
#[test]
fn every_guarantee_can_be_broken() {
    let ids: Vec<&str> = CHECK.report.guarantees.iter().map(|guarantee| guarantee.id.as_str()).collect();
    assert_eq!(ids, ["G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8", "G9"]);
    for (guarantee, expected) in CHECK.report.guarantees.iter().zip(Guarantee::ALL) {
        assert_eq!(guarantee.name, expected.name());
        let refuted = guarantee.faults.iter().filter(|fault| fault.verdict == FaultVerdict::Refuted);
        let names: BTreeSet<&str> = refuted.map(|fault| fault.name.as_str()).collect();
        assert!(names.len() >= 2, "{}: {names:?}", guarantee.id);
    }
}

/// What stands behind a key of the schema.
#[derive(Clone, Copy, Debug)]
enum Type {
    Text,
    TextOrNull,
    Count,
    CountOrNull,
    Number,
    Flag,
    Texts,
    List,
    OneOf(&'static [&'static str]),
}

impl Type {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::TextOrNull => value.is_string() || value.is_null(),
            Self::Count => value.is_u64(),
            Self::CountOrNull => value.is_u64() || value.is_null(),
            Self::Number => value.is_number(),
            Self::Flag => value.is_boolean(),
            Self::Texts => value.as_array().is_some_and(|texts| texts.iter().all(Value::is_string)),
            Self::List => value.is_array(),
            Self::OneOf(words) => value.as_str().is_some_and(|word| words.contains(&word)),
        }
    }
}

/// Asserts that `object` has these keys, with these types. More keys are welcome.
#[track_caller]
fn assert_has(object: &Value, keys: &[(&str, Type)]) {
    for &(key, expected) in keys {
        let value = object.get(key).unwrap_or_else(|| panic!("{key} is missing in {object}"));
        assert!(expected.fits(value), "{key} is not {expected:?}: {value}");
    }
}

fn list<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object[key].as_array().unwrap_or_else(|| panic!("{key} is not a list"))
}

/// The report has every key of schema 1, with the type and the words that other tools rely on.
#[test]
fn the_report_keeps_to_its_schema() {
    use Type::{Count, CountOrNull, Flag, List, Number, OneOf, Text, TextOrNull, Texts};
    let json = &CHECK.json;
    assert_eq!(json["schema"], 1);
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    assert_has(json, &[("runs", List), ("guarantees", List), ("locks", List), ("missing_witnesses", Texts)]);
    for run in list(json, "runs") {
        assert_has(
            run,
            &[
                ("scenario", Text),
                ("strategy", OneOf(&["view"])),
                ("tier", OneOf(&["exhaustive", "bounded"])),
                ("preemptions", CountOrNull),
                ("engine", OneOf(&["spec", "loom"])),
                ("mode", TextOrNull),
                ("executions", Count),
                ("states", Count),
                ("outcomes", Texts),
                ("agrees_with_spec", Flag),
                ("truncated", Flag),
                ("seconds", Number),
                ("verdict", OneOf(&["pass", "fail"])),
                ("violations", List),
            ],
        );
        let modes: &[Option<&str>] = if run["engine"] == "loom" { &[Some("plain"), Some("rmw")] } else { &[None] };
        assert!(modes.contains(&run["mode"].as_str()), "{run}");
    }
    for guarantee in list(json, "guarantees") {
        assert_has(guarantee, &[("id", Text), ("name", Text), ("faults", List)]);
        for fault in list(guarantee, "faults") {
            let verdicts = OneOf(&["refuted", "survived"]);
            let engines = OneOf(&["spec", "loom"]);
            assert_has(fault, &[("name", Text), ("engine", engines), ("scenario", Text), ("verdict", verdicts)]);
        }
    }
    for row in list(json, "locks") {
        assert_has(row, &[("strategy", OneOf(&["view"])), ("operation", Text), ("causes", Texts)]);
    }
}
