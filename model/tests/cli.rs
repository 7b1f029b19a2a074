//! The command line: what is refused, with which words, and what is listed.

mod common;

use common::{TEMPLATE, assert_refused, directory_with, prints, refuses, refuses_in, text, viewchan};
use std::collections::BTreeSet;
use std::path::Path;
use viewchan_model::fault::CODE_FAULTS;
use viewchan_model::scenario::shipped;
use viewchan_model::spec::{Fault, Guarantee};

/// The template, varied, is refused with exactly this message.
#[track_caller]
fn refuses_scenario(from: &str, to: &str, message: &str) {
    assert!(TEMPLATE.contains(from), "{from:?} is not in the template");
    refuses_file(TEMPLATE.replacen(from, to, 1), message);
}

/// `t.toml` with this content is refused with exactly this message.
#[track_caller]
fn refuses_file(content: impl AsRef<[u8]>, message: &str) {
    let directory = directory_with("t.toml", content);
    let output = viewchan(&["check", "--engine", "spec", "t.toml"]).current_dir(directory.path()).output();
    let output = output.expect("the command starts");
    assert_refused(&output, &[]);
    assert_eq!(text(&output.stderr), format!("error: {message}\n"));
}

/// Commands and flags that do not exist are named.
#[test]
fn unknown_commands_and_flags_are_refused() {
    refuses("frobnicate", &["unrecognized subcommand 'frobnicate'"]);
    refuses("check --frobnicate", &["unexpected argument '--frobnicate' found"]);
    refuses("list --json", &["unexpected argument '--json' found"]);
    refuses("list faults faults", &["unexpected argument 'faults' found"]);
    refuses("list wishes", &["invalid value 'wishes' for '[WHAT]'", "scenarios, faults, guarantees"]);
}

/// Without a command there is nothing to do: the help goes to standard error.
#[test]
fn no_command_is_refused() {
    let output = viewchan(&[]).output().expect("the command starts");
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
    assert!(text(&output.stderr).contains("Usage: "));
}

/// An engine or a strategy that does not exist is refused together with the list of those that do.
#[test]
fn unknown_engines_and_strategies_are_refused() {
    let engines = "[possible values: spec, loom, shuttle, threads]";
    refuses("check --engine warp", &["invalid value 'warp' for '--engine <ENGINES>'", engines]);
    refuses("check --engine spec,warp", &["invalid value 'warp'", engines]);
    refuses("check --engine Spec", &["invalid value 'Spec'", engines]);
    refuses("check --engine", &["a value is required for '--engine <ENGINES>'", engines]);
    refuses("check --engine ", &["a value is required for '--engine <ENGINES>'", engines]);
    refuses("check --engine spec,", &["a value is required for '--engine <ENGINES>'", engines]);
    let strategies = "[possible values: shared, proxy, view, handover, deferred, epoch]";
    refuses("check --strategy gift", &["invalid value 'gift' for '--strategy <STRATEGIES>'", strategies]);
    refuses("check --strategy view,gift", &["invalid value 'gift' for '--strategy <STRATEGIES>'", strategies]);
    refuses("vectors --strategy gift", &["invalid value 'gift' for '--strategy <STRATEGIES>'", strategies]);
    refuses("explain --strategy gift", &["invalid value 'gift' for '--strategy <STRATEGY>'", strategies]);
}

/// An engine that this build has not got is refused with what to do about it, before anything runs.
#[test]
fn an_engine_of_the_other_build_is_refused() {
    let own = match viewchan::sync::BACKEND {
        "std" => "threads",
        backend => backend,
    };
    let hints = [
        ("loom", "build with --features loom"),
        ("shuttle", "build with --features shuttle, and without --features loom"),
        ("threads", "build without --features loom and --features shuttle"),
    ];
    for (engine, hint) in hints.into_iter().filter(|&(engine, _)| engine != own) {
        let says = format!("this build has no engine {engine}: {hint}");
        refuses(&format!("check --engine {engine} one-message"), &[&says]);
        refuses(&format!("check --engine spec,{engine} one-message"), &[&says]);
    }
}

/// Numbers out of range, and what is no number, are refused with the option's name.
#[test]
fn wrong_numbers_are_refused() {
    refuses("check --jobs 0", &["invalid value '0' for '--jobs <N>'"]);
    refuses("check --jobs 257", &["invalid value '257' for '--jobs <N>'", "1..=256"]);
    refuses("check --jobs many", &["invalid value 'many' for '--jobs <N>'"]);
    refuses("check --jobs=-1", &["invalid value '-1' for '--jobs <N>'"]);
    refuses("check --jobs 1 --jobs 2", &["'--jobs <N>' cannot be used multiple times"]);
    refuses("check --iterations 0", &["invalid value '0' for '--iterations <N>': expected at least 1"]);
    refuses("check --depth 0", &["invalid value '0' for '--depth <D>'"]);
    refuses("check --seed -1", &["'-1'"]);
    refuses("check --rounds 0", &["invalid value '0' for '--rounds <N>': expected at least 1"]);
    refuses("check --rounds 1.5", &["invalid value '1.5' for '--rounds <N>'", "expected a whole number, at least 1"]);
    refuses("check --rounds 99999999999999999999", &["invalid value '99999999999999999999' for '--rounds <N>'"]);
}

/// Flags of shuttle that nothing heeds are refused.
#[test]
fn flags_without_effect_are_refused() {
    for flag in ["--scheduler dfs", "--iterations 3", "--depth 3", "--seed 3"] {
        let name = flag.split(' ').next().expect("a name");
        let says = format!("{name} is for the engine shuttle, which is not used here");
        refuses(&format!("check --engine spec {flag} one-message"), &[&says]);
    }
    if viewchan::sync::BACKEND == "shuttle" {
        refuses("check --scheduler urw --depth 3 one-message", &["--depth is for the scheduler pct"]);
        refuses(
            "check --scheduler dfs --seed 3 one-message",
            &["--seed is for schedulers that leave something to chance"],
        );
    }
    refuses("check --replay x.toml --seed 3 one-message", &["'--replay <FILE>' cannot be used with '--seed <S>'"]);
    refuses("check --replay missing.toml one-message", &["error: missing.toml: "]);
}

/// What is too large for an engine is refused with the engine that takes it.
#[test]
fn large_scenarios_are_refused() {
    let says = ["crowd-4-9 is too large for the engine spec", "--engine shuttle runs it"];
    refuses("check --engine spec crowd-4-9", &says);
    if viewchan::sync::BACKEND != "shuttle" {
        refuses("check crowd-4-9", &says);
    }
    refuses("check crowd-17-9", &["crowd-17-9: expected crowd-INTERPRETERS-MESSAGES, of 2 to 16 interpreters"]);
}

/// A scenario that does not ship is named, with where to look; so is the second one of two.
#[test]
fn unknown_scenarios_are_refused() {
    let hint = "`viewchan list` shows them";
    refuses("check one-mesage", &["no shipped scenario is named \"one-mesage\"", hint]);
    refuses("check one-message two-mesages", &["no shipped scenario is named \"two-mesages\"", hint]);
    refuses("check ", &["no shipped scenario is named \"\"", hint]);
    refuses("check .", &["no shipped scenario is named \".\"", hint]);
    refuses_in(Path::new("."), &["check", "a\u{1b}[2Jb"], &[r#"no shipped scenario is named "a\u{1b}[2Jb""#]);
}

/// A file that cannot be read is named, with the reason.
#[test]
fn unreadable_files_are_refused() {
    let directory = directory_with("latin.toml", b"name = \"\xe9\"");
    std::fs::create_dir(directory.path().join("directory.toml")).expect("created");
    let refuses = |file, says: &[&str]| refuses_in(directory.path(), &["check", file], says);
    refuses("missing.toml", &["error: missing.toml: "]);
    refuses("missing/t.toml", &["error: missing/t.toml: "]);
    refuses("directory.toml", &["error: directory.toml: "]);
    refuses("latin.toml", &["error: latin.toml: ", "UTF-8"]);
}

/// What is no TOML, or too much of it, is refused with file and line.
#[test]
fn malformed_files_are_refused() {
    refuses_file("", "t.toml:1: missing field `name`; expected it in this table");
    refuses_file("name = \n", "t.toml:1: string values must be quoted; expected literal string");
    refuses_file("name\0", "t.toml:1: key with no value; expected `=`");
    refuses_file("{}", "t.toml:1: invalid key-value pair; expected key");
    refuses_file(format!("name = {}", "[".repeat(60_000)), "t.toml:1: cannot recurse further; max recursion depth met");
    let large = format!("{TEMPLATE}#{}", "=".repeat(64 * 1024));
    refuses_file(&large, "t.toml:1: more than 65536 bytes; expected at most so many");
}

/// Unknown keys, wrong types and wrong words are refused with file and line.
#[test]
fn malformed_scenarios_are_refused() {
    refuses_scenario(
        "owner = ",
        "ownr = ",
        "t.toml:8: unknown field `ownr`; expected `name` or `owner`; did you mean `owner`?",
    );
    refuses_scenario("owner = \"A\"\n", "", "t.toml:6: missing field `owner`; expected it in this table");
    refuses_scenario("[\"A\"]", "\"A\"", "t.toml:4: `interpreters`: invalid type: string \"A\"; expected a sequence");
    refuses_scenario("\"read x\"", "7", "t.toml:14: `steps`: invalid type: integer `7`; expected a string");
    refuses_scenario(
        "\"exhaustive\"",
        "\"quick\"",
        "t.toml:3: `tier`: unknown variant `quick`; expected `exhaustive` or `bounded`",
    );
    refuses_scenario("\"exhaustive\"", "\"bounded\"\npreemptions = 0", "t.toml:4: `preemptions = 0`; expected 2 or 3");
    refuses_scenario("\"read x\"", "\"read y\"", "t.toml:14: unknown variable `y`; expected `x`");
    refuses_scenario("in = \"A\"", "in = \"B\"", "t.toml:12: unknown interpreter `B`; expected `A`");
    refuses_scenario("\"t\"", "\"u\"", "t.toml:1: `u` is not the name of this file; expected `t`");
}

/// The template is well formed: what the tests above refuse is the variation.
#[test]
fn the_template_is_accepted() {
    let directory = directory_with("t.toml", TEMPLATE);
    let output = viewchan(&["check", "--engine", "spec", "t.toml"]).current_dir(directory.path()).output();
    let output = output.expect("the command starts");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).lines().last(), Some("PASS: 5 of 5 runs pass, 0 of 0 faults refuted"));
}

/// A report that cannot be written is refused before the check runs, not after: a check takes minutes.
#[test]
fn an_unwritable_report_is_refused_at_once() {
    let directory = directory_with("t.toml", TEMPLATE);
    let refuses = |file, says: &[&str]| {
        let arguments = ["check", "--engine", "spec", "t.toml", "--json", file];
        refuses_in(directory.path(), &arguments, says);
    };
    refuses("missing/report.json", &["error: cannot write missing/report.json: "]);
    refuses(".", &["error: cannot write .: "]);
    refuses("", &["a value is required for '--json <FILE>'"]);
}

/// A fault that does not exist is named, with the one that was meant.
#[test]
fn unknown_faults_are_refused() {
    refuses("explain no-such-fault", &["there is no fault \"no-such-fault\""]);
    refuses("explain double-relase", &["there is no fault \"double-relase\"", "did you mean double-release?"]);
    refuses("explain double-release --scenario one-mesage", &["no shipped scenario is named \"one-mesage\""]);
    refuses("explain lifo-order --loom", &["only the specification can have the fault lifo-order"]);
    refuses(
        "explain one-message",
        &["the scenario one-message names no fault: `viewchan explain FAULT --scenario one-message`"],
    );
    refuses("explain D99", &["there is no fault \"D99\""]);
}

/// Vectors are of scenarios that exist, and go where a file can be written.
#[test]
fn vectors_of_nothing_are_refused() {
    refuses("vectors one-mesage", &["no shipped scenario is named \"one-mesage\""]);
    refuses("vectors missing/t.toml", &["error: missing/t.toml: "]);
    refuses("vectors one-message --out missing/vectors.json", &["error: cannot write missing/vectors.json: "]);
}

/// The hidden command for child processes refuses as well.
#[test]
fn malformed_jobs_are_refused() {
    refuses("job", &["required arguments were not provided", "<SCENARIO>", "<STRATEGY>", "<TASK>..."]);
    refuses("job one-message view", &["required arguments were not provided", "<TASK>..."]);
    refuses("job one-message gift loom plain", &["invalid value 'gift' for '<STRATEGY>'"]);
    refuses("job one-message view loom fast", &["there is no job [\"loom\", \"fast\"]"]);
    refuses("job one-message view warp plain", &["there is no job [\"warp\", \"plain\"]"]);
    refuses("job one-message view fault no-such-fault", &["no fault \"no-such-fault\""]);
    refuses("job one-message view threads many", &["rounds \"many\": "]);
    refuses("job one-message view threads 0", &["rounds \"0\": expected at least 1"]);
    refuses("job one-message view flawed-threads no-such-fault 5", &["no fault \"no-such-fault\""]);
    refuses("job one-message view flawed-threads none 0", &["rounds \"0\": expected at least 1"]);
    refuses("job one-mesage view control", &["no shipped scenario is named \"one-mesage\""]);
    for (backend, other) in [("std", "threads 5"), ("loom", "loom plain"), ("shuttle", "shuttle - urw 5 1")] {
        if viewchan::sync::BACKEND != backend {
            refuses(&format!("job one-message view {other}"), &["this build has no ", "--features"]);
        }
    }
    refuses("job one-message view shuttle - pct 5 1", &["there is no scheduler \"pct\""]);
    refuses("job one-message view shuttle - urw 0 1", &["expected at least 1"]);
    refuses("job one-message view shuttle no-such-fault urw 5 1", &["no fault \"no-such-fault\""]);
}

/// The help names the commands and the meaning of the exit status.
#[test]
fn help_explains_the_commands() {
    let help = prints(&["--help"]);
    for part in [
        "check",
        "list",
        "explain",
        "vectors",
        "strategies",
        "Exit status: 0 if everything holds, 1 if something is violated, 2 for bad input.",
    ] {
        assert!(help.contains(part), "{part:?} is missing in {help}");
    }
    assert!(!help.contains("job"), "the command for child processes is hidden");
    let help = prints(&["check", "--help"]);
    for option in [
        "--engine",
        "--strategy",
        "--faults",
        "--rounds",
        "--scheduler",
        "--iterations",
        "--depth",
        "--seed",
        "--replay",
        "--jobs",
        "--json",
    ] {
        assert!(help.contains(option), "{option} is missing in {help}");
    }
    assert_eq!(prints(&["help", "list"]), prints(&["list", "--help"]));
}

/// The version is the package's, under the command's name.
#[test]
fn the_version_is_the_package_s() {
    assert_eq!(prints(&["--version"]), concat!("viewchan ", env!("CARGO_PKG_VERSION"), "\n"));
}

/// `list` has a line for each shipped scenario: name, tier, threads, and what it is about.
#[test]
fn scenarios_are_listed() {
    let listed = prints(&["list"]);
    assert_eq!(listed, prints(&["list", "scenarios"]));
    let scenarios = shipped();
    assert_eq!(listed.lines().count(), scenarios.len());
    for (line, scenario) in listed.lines().zip(&scenarios) {
        assert_eq!(line.split_whitespace().next(), Some(scenario.name.as_str()));
        assert!(line.contains("exhaustive") || line.contains("bounded ("), "{line}");
        assert!(line.contains(&format!(" {} threads ", scenario.threads.len())), "{line}");
        assert!(line.ends_with(&scenario.about), "{line}");
    }
}

/// `list faults` has a line for each fault, once, with its guarantee and the engines that it lives in.
#[test]
fn faults_are_listed() {
    let listed = prints(&["list", "faults"]);
    let mut names = BTreeSet::new();
    for line in listed.lines() {
        let (guarantee, rest) = line.split_once(' ').expect("a guarantee, then the fault");
        assert!(Guarantee::ALL.iter().any(|known| known.id() == guarantee), "{line}");
        let name = rest.split_whitespace().next().expect("a name");
        assert!(names.insert(name), "{name} is listed twice");
        let (on_spec, on_loom) = (Fault::from_name(name), CODE_FAULTS.iter().any(|fault| fault.name == name));
        assert_eq!(line.contains(" spec"), on_spec.is_some(), "{line}");
        assert_eq!(line.contains(" loom ") || line.contains(" loom, shuttle "), on_loom, "{line}");
        assert!(line.ends_with('.'), "{line}");
    }
    let known = Fault::ALL.iter().map(|fault| fault.name()).chain(CODE_FAULTS.iter().map(|fault| fault.name));
    assert_eq!(names, known.collect());
}

/// `list guarantees` has the nine, by identifier and name.
#[test]
fn guarantees_are_listed() {
    let expected: String =
        Guarantee::ALL.iter().map(|guarantee| format!("{} {}\n", guarantee.id(), guarantee.name())).collect();
    assert_eq!(prints(&["list", "guarantees"]), expected);
    assert_eq!(expected.lines().count(), 9);
}

/// A reader that has seen enough, as in `viewchan list | head`, is no reason to panic.
#[cfg(unix)]
#[test]
fn a_closed_pipe_ends_the_output_quietly() {
    use std::process::{Command, Stdio};
    for what in ["scenarios", "faults", "guarantees"] {
        let mut child = Command::new(common::VIEWCHAN)
            .args(["list", what])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(text(&output.stderr), "");
    }
}
