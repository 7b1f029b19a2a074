//! The whole check, run once as a user runs it; each test holds the report that it wrote against one claim.
#![cfg(feature = "loom")]

mod common;

use common::{pairs, text, viewchan};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;
use viewchan_model::engine::strategy::available;
use viewchan_model::fault::CODE_FAULTS;
use viewchan_model::report::{FaultRun, FaultVerdict, Report, Run, Verdict};
use viewchan_model::scenario::{Scenario, Strategy, shipped};
use viewchan_model::spec::{Fault, Guarantee};

/// What `viewchan check --json FILE` did.
struct Check {
    status: Option<i32>,
    stdout: String,
    stderr: String,
    json: Value,
    report: Report,
}

/// The check is run here, unless the variable `VIEWCHAN_CHECKED` names a directory with what a run of this very build has
/// written: `report.json`, `stdout`, `stderr` and `status`. (CI has just run it, and it takes minutes.)
static CHECK: LazyLock<Check> = LazyLock::new(|| match std::env::var_os("VIEWCHAN_CHECKED") {
    Some(directory) => Check::read(Path::new(&directory)),
    None => Check::run(),
});

impl Check {
    fn run() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("report.json");
        let output = viewchan(&["check", "--json"]).arg(&file).output().expect("the command starts");
        let (stdout, stderr) = (text(&output.stdout).to_owned(), text(&output.stderr).to_owned());
        let written = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{error}: {stderr}"));
        Self::of(output.status.code(), stdout, stderr, &written)
    }

    fn read(directory: &Path) -> Self {
        let read = |name: &str| {
            let file = directory.join(name);
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        };
        let status = read("status").trim().parse().expect("an exit status");
        Self::of(Some(status), read("stdout"), read("stderr"), &read("report.json"))
    }

    fn of(status: Option<i32>, stdout: String, stderr: String, written: &str) -> Self {
        let json = serde_json::from_str(written).expect("JSON");
        Self { status, stdout, stderr, json, report: serde_json::from_str(written).expect("a report") }
    }
}

fn runs(engine: &str) -> impl Iterator<Item = &'static Run> {
    CHECK.report.runs.iter().filter(move |run| run.engine == engine)
}

/// Runs of the real code that claim to be exhaustive.
fn exhaustive() -> impl Iterator<Item = &'static Run> {
    runs("loom").filter(|run| run.tier == "exhaustive")
}

/// A scenario's name, and a strategy's.
type Names = (&'static str, &'static str);

fn of(run: &'static Run) -> Names {
    (run.scenario.as_str(), run.strategy.as_str())
}

/// The runs of the specification, by scenario and strategy.
fn specified() -> BTreeMap<Names, &'static Run> {
    runs("spec").map(|run| (of(run), run)).collect()
}

fn faults() -> impl Iterator<Item = &'static FaultRun> {
    CHECK.report.guarantees.iter().flat_map(|guarantee| &guarantee.faults)
}

/// The faults that were tried on an engine for their own sake, each under each strategy that it was tried under.
fn tried_on(engine: &str) -> Vec<Names> {
    let tried = faults().filter(|fault| fault.engine == engine && fault.defect.is_none());
    let mut tried: Vec<Names> = tried.map(|fault| (fault.name.as_str(), fault.strategy.as_str())).collect();
    tried.sort_unstable();
    tried
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

/// Every shipped scenario ran under each of its strategies on the specification once, and on the real code with loads as
/// loads and as RMWs.
#[test]
fn every_scenario_ran_in_every_way() {
    let ways = [("spec", None), ("loom", Some("plain")), ("loom", Some("rmw"))];
    let pairs = pairs();
    let way = |run: &'static Run| (of(run), (run.engine.as_str(), run.mode.as_deref()));
    let mut ran: Vec<_> = CHECK.report.runs.iter().map(way).collect();
    let mut expected: Vec<_> = pairs
        .iter()
        .flat_map(|(scenario, strategy)| ways.map(|way| ((scenario.name.as_str(), strategy.name()), way)))
        .collect();
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
        let specified = specified[&of(run)];
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
        let specified = specified[&of(run)];
        assert_eq!(run.tier, "bounded");
        assert!(run.preemptions.is_some(), "{}", run.scenario);
        assert!(run.outcomes.iter().all(|outcome| specified.outcomes.contains(outcome)), "{run:#?}");
        assert!(run.states <= specified.states, "{}", run.scenario);
    }
}

/// G1: the explored lock table has rows for each strategy. Those of `view`: creating a view and the last release enter the
/// owner, nothing else enters anybody. The rows of the others are tested where they are made, in `report::strategies`.
#[test]
fn the_lock_table_has_rows_for_each_strategy() {
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
    let rows_of = |strategy: Strategy| CHECK.report.locks.iter().filter(move |row| row.strategy == strategy.name());
    let found = rows_of(Strategy::View).map(|row| (row.operation.as_str(), row.causes.clone()));
    assert_eq!(found.collect::<Vec<_>>(), expected);
    for strategy in available() {
        assert!(
            rows_of(strategy).map(|row| row.operation.as_str()).eq(expected.iter().map(|(operation, _)| *operation))
        );
    }
}

/// Every fault was tried on every engine that it lives in, there are enough of them, and none survived.
#[test]
fn every_fault_is_refuted() {
    for fault in faults() {
        assert_eq!(fault.verdict, FaultVerdict::Refuted, "{fault:#?}");
        assert!(!fault.why.is_empty() && !fault.scenario.is_empty(), "{fault:#?}");
    }
    let is_available = |strategy: &Strategy| available().contains(strategy);
    let on_spec = |fault: &Fault| {
        let strategies = fault.strategies().iter().filter(|strategy| is_available(strategy));
        strategies.map(|strategy| (fault.name(), strategy.name())).collect::<Vec<_>>()
    };
    let mut on_spec: Vec<Names> = Fault::ALL.iter().flat_map(on_spec).collect();
    on_spec.sort_unstable();
    assert_eq!(tried_on("spec"), on_spec);
    let on_loom = CODE_FAULTS.iter().filter(|fault| is_available(&fault.strategy));
    let mut on_loom: Vec<Names> = on_loom.map(|fault| (fault.name, fault.strategy.name())).collect();
    on_loom.sort_unstable();
    assert_eq!(tried_on("loom"), on_loom);
    assert!(Fault::ALL.len() >= 14 && CODE_FAULTS.len() >= 10);
}

/// Each defect of CPython that a shipped scenario names a fault for is reproduced by that fault on that scenario.
#[test]
fn every_named_fault_is_refuted_on_its_scenario() {
    let named = |mut scenario: Scenario| Some((scenario.fault.take()?, scenario));
    for (fault, scenario) in shipped().into_iter().filter_map(named) {
        let mut tried = faults().filter(|tried| tried.name == fault && tried.scenario == scenario.name);
        let found = tried.find(|tried| tried.defect == scenario.defect);
        assert!(found.is_some_and(|tried| tried.verdict == FaultVerdict::Refuted), "{fault} on {}", scenario.name);
    }
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

/// The strategies of the schema: other tools rely on these words.
const STRATEGIES: [&str; 6] = ["shared", "proxy", "view", "handover", "deferred", "epoch"];

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
                ("strategy", OneOf(&STRATEGIES)),
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
            assert_has(
                fault,
                &[
                    ("name", Text),
                    ("strategy", OneOf(&STRATEGIES)),
                    ("defect", TextOrNull),
                    ("engine", engines),
                    ("scenario", Text),
                    ("verdict", verdicts),
                ],
            );
        }
    }
    for row in list(json, "locks") {
        assert_has(row, &[("strategy", OneOf(&STRATEGIES)), ("operation", Text), ("causes", Texts)]);
    }
}
