//! The command line and the strategies: which are checked, what a scenario demands, and the table of the README.

mod common;

use common::{TEMPLATE, directory_with, prints, refuses, refuses_in, text, viewchan};
use std::path::Path;
use viewchan_model::engine::strategy::available;
use viewchan_model::scenario::Strategy;

/// A strategy that this build has not got is refused by everything that takes one.
#[test]
fn a_missing_strategy_is_refused() {
    for strategy in Strategy::ALL.into_iter().filter(|strategy| !available().contains(strategy)) {
        let (name, says) = (strategy.name(), format!("this build has no strategy {}: it has ", strategy.name()));
        refuses(&format!("check --engine spec --strategy {name} one-message"), &[&says]);
        refuses(&format!("vectors --strategy view,{name} one-message"), &[&says]);
        refuses(&format!("explain --strategy {name} double-release"), &[&says]);
    }
}

/// A scenario that none of the strategies is for is refused: it would pass without having been looked at.
#[test]
fn a_scenario_of_another_strategy_is_refused() {
    let text = TEMPLATE.replacen("interpreters", "strategies = [\"deferred\"]\ninterpreters", 1);
    let directory = directory_with("t.toml", text);
    let refuses =
        |arguments| refuses_in(directory.path(), arguments, &["t is not for the strategy view, but for deferred"]);
    refuses(&["check", "--engine", "spec", "--strategy", "view", "t.toml"]);
    refuses(&["vectors", "--strategy", "view", "t.toml"]);
    refuses(&["explain", "--strategy", "view", "double-release", "--scenario", "t.toml"]);
}

/// What is named twice runs once.
#[test]
fn what_is_named_twice_runs_once() {
    let arguments = ["check", "--engine", "spec,spec", "--strategy", "view,view", "one-message", "one-message"];
    let output = viewchan(&arguments).output().expect("the command starts");
    assert_eq!(text(&output.stderr).lines().next(), Some("1 run"));
    assert_eq!(text(&output.stdout).lines().last(), Some("PASS: 1 of 1 runs pass, 0 of 0 faults refuted"));
}

/// With `--faults`, named scenarios do not keep a fault from the scenario that refutes it.
#[test]
fn faults_are_tried_on_every_shipped_scenario() {
    let arguments = ["check", "--engine", "spec", "--strategy", "view", "--faults", "one-message"];
    let output = viewchan(&arguments).output().expect("the command starts");
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.lines().last().is_some_and(|last| last.starts_with("PASS: 1 of 1 runs pass, ")), "{stdout}");
}

/// A scenario that names a fault is held to it, whether faults are asked for or not.
#[test]
fn a_named_fault_must_be_refuted() {
    let check = |fault: &str| {
        let keys = format!("defect = \"D14\"\nfault = \"{fault}\"\ninterpreters");
        let directory = directory_with("t.toml", TEMPLATE.replacen("interpreters", &keys, 1));
        let arguments = ["check", "--engine", "spec", "--strategy", "view", "t.toml"];
        let output = viewchan(&arguments).current_dir(directory.path()).output().expect("the command starts");
        (output.status.code(), text(&output.stdout).lines().last().unwrap_or_default().to_owned())
    };
    assert_eq!(check("panic-leaks").0, Some(1), "nothing panics");
    assert_eq!(check("double-release").1, "FAIL: 1 of 1 runs pass, 0 of 1 faults refuted", "nothing is released");
}

/// The table of the README is the one that exploration sees; a stale one and a file without a place are noticed.
#[test]
fn the_table_of_strategies_is_up_to_date() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    prints(&["strategies", "--check", readme.to_str().expect("UTF-8")]);
    let directory = directory_with("stale.md", "a\n<!-- strategies:begin -->\nold\n<!-- strategies:end -->\nb\n");
    let strategies = |option| {
        let output = viewchan(&["strategies", option, "stale.md"]).current_dir(directory.path()).output();
        let output = output.expect("the command starts");
        (output.status.code(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
    };
    let says = "the table in stale.md is stale: `viewchan strategies --write stale.md` renews it\n";
    assert_eq!(strategies("--check"), (Some(1), String::new(), says.to_owned()));
    assert_eq!(strategies("--write"), (Some(0), String::new(), String::new()));
    assert_eq!(strategies("--check"), (Some(0), String::new(), String::new()));
    let written = std::fs::read_to_string(directory.path().join("stale.md")).expect("written");
    let table = prints(&["strategies"]);
    assert_eq!(written, format!("a\n<!-- strategies:begin -->\n{table}<!-- strategies:end -->\nb\n"));
    let empty = directory_with("empty.md", "");
    refuses_in(
        empty.path(),
        &["strategies", "--write", "empty.md"],
        &["empty.md: expected one line `<!-- strategies:begin -->`"],
    );
    refuses("strategies --check missing.md", &["error: missing.md: "]);
    refuses("strategies --check a.md --write a.md", &["cannot be used with"]);
}
