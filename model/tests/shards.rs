//! A check in parts: together they are the whole, and no other set of reports passes for it.

mod common;

use common::{assert_refused, refuses, text, viewchan};
use serde_json::Value;
use std::path::Path;
use std::process::Output;
use std::sync::LazyLock;
use tempfile::TempDir;

/// What all of these split. On the specification, which every build has, and with faults that scenarios name.
const CHECK: &[&str] = &[
    "check",
    "--engine",
    "spec",
    "one-message",
    "peek-against-publish",
    "d03-owner-entered-from-within-a-close",
    "d07-timeout-races-receive",
    "d08-removing-the-last-keeps-the-next",
];
const PARTS: usize = 4;

/// A directory with the reports of all parts, `1.json` and so on, and that of the whole, `whole.json`.
static REPORTS: LazyLock<TempDir> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for part in 1..=PARTS {
        check(&directory, &format!("{part}.json"), &["--shard", &format!("{part}/{PARTS}")]);
    }
    check(&directory, "whole.json", &[]);
    directory
});

fn check(directory: &TempDir, file: &str, further: &[&str]) {
    let output = viewchan(CHECK).args(further).arg("--json").arg(directory.path().join(file)).output();
    let output = output.expect("the command starts");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

fn report(name: &str) -> Value {
    let text = std::fs::read_to_string(REPORTS.path().join(name)).expect("written before");
    serde_json::from_str(&text).expect("JSON")
}

/// Merges reports in a directory of their own, in this order: `1.json` and so on, and writes `merged.json`.
fn merge(reports: &[Value]) -> (TempDir, Output) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let names: Vec<String> = (1..=reports.len()).map(|number| format!("{number}.json")).collect();
    for (name, report) in names.iter().zip(reports) {
        std::fs::write(directory.path().join(name), report.to_string()).expect("written");
    }
    let mut command = viewchan(&["merge", "--json", "merged.json"]);
    let output = command.args(&names).current_dir(directory.path()).output().expect("the command starts");
    (directory, output)
}

/// The reports of all parts, in order.
fn parts() -> Vec<Value> {
    (1..=PARTS).map(|part| report(&format!("{part}.json"))).collect()
}

#[track_caller]
fn assert_merge_refused(reports: &[Value], says: &str) {
    let (directory, output) = merge(reports);
    assert_refused(&output, &[says]);
    assert!(!directory.path().join("merged.json").exists(), "a refused merge writes nothing");
}

/// A report without what differs from one run of the same check to the next.
fn timeless(mut report: Value) -> Value {
    for run in report["runs"].as_array_mut().expect("runs") {
        run["seconds"] = 0.into();
    }
    report
}

/// The merged report is that of the whole, in whatever order the parts come; each part has something to do.
#[test]
fn the_parts_are_the_whole() {
    let mut parts = parts();
    for part in &parts {
        assert!(part["runs"].as_array().is_some_and(|runs| !runs.is_empty()), "{part}");
    }
    parts.rotate_left(1);
    let (directory, output) = merge(&parts);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).lines().last().is_some_and(|last| last.starts_with("PASS: ")));
    let merged = std::fs::read_to_string(directory.path().join("merged.json")).expect("written");
    let merged = serde_json::from_str(&merged).expect("JSON");
    assert_eq!(timeless(merged), timeless(report("whole.json")));
}

/// What one part violates, the whole violates.
#[test]
fn a_part_that_fails_fails_the_whole() {
    let mut parts = parts();
    parts[2]["runs"][0]["verdict"] = "fail".into();
    let (_, output) = merge(&parts);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).lines().last().is_some_and(|last| last.starts_with("FAIL: ")));
}

/// What no part reaches, the whole does not reach; what one reaches, it does.
#[test]
fn a_witness_must_be_reached_by_some_part() {
    let miss = |part: &mut Value| part["missing_witnesses"] = vec!["a-witness"].into();
    let mut all = parts();
    all.iter_mut().for_each(miss);
    let (_, output) = merge(&all);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("UNREACHED a-witness"));
    let mut some = parts();
    some.iter_mut().skip(1).for_each(miss);
    assert_eq!(merge(&some).1.status.code(), Some(0));
}

#[test]
fn a_missing_part_is_refused() {
    let mut parts = parts();
    parts.remove(1);
    assert_merge_refused(&parts, "shard 2 of 4 is missing");
}

#[test]
fn a_doubled_part_is_refused() {
    let mut parts = parts();
    parts.push(report("3.json"));
    assert_merge_refused(&parts, "5.json: shard 3 of 4 is there already, in 3.json");
}

#[test]
fn a_whole_check_is_no_part() {
    assert_merge_refused(&[report("whole.json")], "1.json: is no part of a check: it was written without --shard");
}

/// A part of a check with other scenarios, engines, strategies or counts does not belong here.
#[test]
fn a_part_of_another_check_is_refused() {
    let mut other_digest = parts();
    other_digest[3]["part"]["whole"]["digest"] = "0".into();
    assert_merge_refused(&other_digest, "4.json: is not of the same check as 1.json: its digest");
    let mut other_number = parts();
    other_number[1]["part"]["of"] = 5.into();
    assert_merge_refused(&other_number, "its number of parts is 5 instead of 4");
    let mut other_version = parts();
    other_version[1]["version"] = "0.0.0".into();
    assert_merge_refused(&other_version, "its version is 0.0.0 instead of ");
}

/// A part from which a run or a fault was taken, or in which one stands twice, does not hold what it says.
#[test]
fn a_part_with_other_contents_is_refused() {
    let mut shorter = parts();
    shorter[0]["runs"].as_array_mut().expect("runs").pop();
    assert_merge_refused(&shorter, "1.json: has ");
    let mut lost = parts();
    for list in ["/runs", "/part/runs"] {
        lost[0].pointer_mut(list).and_then(Value::as_array_mut).expect("a list").pop();
    }
    assert_merge_refused(&lost, " is in no part");
    let mut twice = parts();
    let first = twice[0]["part"]["runs"][0].clone();
    twice[1]["part"]["runs"][0] = first;
    assert_merge_refused(&twice, " is there twice");
}

/// Wrong arguments and files that are no reports are refused with what is wrong.
#[test]
fn wrong_input_is_refused() {
    for wrong in ["0/4", "5/4", "4", "a/b"] {
        let says = format!("invalid value '{wrong}' for '--shard <K/N>': expected K/N, with K from 1 to N");
        refuses(&format!("check --engine spec --json /dev/null --shard {wrong}"), &[&says]);
    }
    refuses("check --shard 1/2", &["--json <FILE>"]);
    refuses("merge", &["<FILE>"]);
    refuses("merge no-such.json", &["no-such.json: "]);
    refuses("merge Cargo.toml", &["Cargo.toml: not a report of a check"]);
    let directory = REPORTS.path();
    assert!(Path::new(directory).join("1.json").exists());
    let unwritable = viewchan(&["merge", "--json", "no/such/directory.json"])
        .args((1..=PARTS).map(|part| directory.join(format!("{part}.json"))))
        .output();
    assert_refused(&unwritable.expect("the command starts"), &["cannot write no/such/directory.json"]);
}
