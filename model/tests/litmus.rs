//! The litmus tests of the lock-free steps, under the axioms of memory models: what must not happen cannot, and could as
//! soon as an ordering is weaker.
//!
//! Most of it needs herd7, which `.ci/herd7` provides; so it is ignored unless asked for:
//!
//! ```sh
//! VIEWCHAN_HERD=$(.ci/herd7) cargo test -p viewchan-model --test litmus -- --include-ignored
//! ```

mod common;

use common::{assert_refused, viewchan};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;
use viewchan::sync::site::{ACCESSES, Access};
use viewchan_model::litmus::catalogue::{LITMUS, TRUSTED};
use viewchan_model::litmus::{Litmus, Orderings, TARGETS, Target, weaker};

/// Whether the bad outcome, or a data race, is possible.
fn is_allowed(litmus: &Litmus, target: Target, orderings: Orderings, model: &str) -> bool {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join(target.file(litmus));
    std::fs::write(&file, target.write(litmus, orderings)).expect("written");
    let told = herd(&file, model);
    let observed = |line: &str| line.strip_prefix("Observation ")?.split_whitespace().nth(1).map(str::to_owned);
    let observed: Vec<String> = told.lines().filter_map(observed).collect();
    let is_racy = told.lines().any(|line| line == "Flag *undef*");
    match observed.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["Never"] => is_racy,
        ["Sometimes" | "Always"] => true,
        _ => panic!("{} {orderings} says nothing:\n{told}", target.file(litmus)),
    }
}

/// What herd7 says of a file. It prunes executions that no model allows: those that break coherence within a thread.
fn herd(file: &Path, model: &str) -> String {
    let command = std::env::var("VIEWCHAN_HERD").unwrap_or_else(|_| "herd7".to_owned());
    let output = Command::new(&command).args(["-optace", "true", "-model", model]).arg(file).output();
    let output = output.unwrap_or_else(|error| {
        panic!("{command}: {error}. `export VIEWCHAN_HERD=$(.ci/herd7)` provides it (Debian, root)");
    });
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && output.stderr.is_empty(), "{command} on {}: {output:?}", file.display());
    told
}

/// Every access of the tests with every ordering that is weaker.
fn weakenings() -> Vec<(&'static str, Ordering)> {
    let all = ACCESSES.iter().chain(TRUSTED);
    all.flat_map(|access| weaker(access.ordering).iter().map(|&ordering| (access.name, ordering))).collect()
}

/// With the orderings that ship, nothing bad is possible: under C11, with load buffering (`c11_partialSC`) and in its repaired
/// form without (`rc11`), and on AArch64.
#[test]
#[ignore = "needs herd7, which .ci/herd7 provides"]
fn what_ships_cannot_go_wrong() {
    let all: Vec<_> = LITMUS.iter().flat_map(|litmus| TARGETS.map(|target| (litmus, target))).collect();
    let wrong = all.par_iter().flat_map_iter(|&(litmus, target)| {
        let bad = target.models().iter().filter(move |model| is_allowed(litmus, target, Orderings::Shipped, model));
        bad.map(move |model| format!("{} under {model}", target.file(litmus)))
    });
    assert_eq!(wrong.collect::<Vec<_>>(), [""; 0]);
}

/// Every ordering is needed, and so is each half: with a weaker one, some test can go wrong. That is what makes the test
/// above say something.
#[test]
#[ignore = "needs herd7, which .ci/herd7 provides"]
fn with_any_weaker_ordering_something_can_go_wrong() {
    for model in Target::C11.models() {
        let unnoticed = weakenings().into_par_iter().filter(|&(name, ordering)| {
            let orderings = Orderings::Weakened(name, ordering);
            let has_it = |litmus: &&Litmus| litmus.accesses().iter().any(|access| access.name == name);
            let mut concerned = LITMUS.iter().filter(has_it);
            !concerned.any(|litmus| is_allowed(litmus, Target::C11, orderings, model))
        });
        let unnoticed: Vec<_> = unnoticed.collect();
        assert!(unnoticed.is_empty(), "{unnoticed:?} under {model}");
    }
}

/// Without any ordering each test can go wrong, for each target: none is vacuous.
#[test]
#[ignore = "needs herd7, which .ci/herd7 provides"]
fn without_any_ordering_each_test_can_go_wrong() {
    let all: Vec<_> = LITMUS.iter().flat_map(|litmus| TARGETS.map(|target| (litmus, target))).collect();
    let vacuous = all.par_iter().flat_map_iter(|&(litmus, target)| {
        let models = target.models().iter();
        let vacuous = models.filter(move |model| !is_allowed(litmus, target, Orderings::Relaxed, model));
        vacuous.map(move |model| format!("{} under {model}", target.file(litmus)))
    });
    assert_eq!(vacuous.collect::<Vec<_>>(), [""; 0]);
}

/// Each access of the protocol is in some test, with the ordering that ships; so is each that is trusted.
#[test]
fn every_access_is_in_some_test() {
    let mut named: Vec<Access> = LITMUS.iter().flat_map(Litmus::accesses).collect();
    named.sort_by_key(|access| access.name);
    named.dedup();
    let mut known: Vec<Access> = ACCESSES.iter().chain(TRUSTED).copied().collect();
    known.sort_by_key(|access| access.name);
    assert_eq!(named, known);
}

/// Files have names of their own.
#[test]
fn each_test_has_a_name_of_its_own() {
    let files: BTreeSet<_> = LITMUS.iter().flat_map(|litmus| TARGETS.map(|target| target.file(litmus))).collect();
    assert_eq!(files.len(), LITMUS.len() * TARGETS.len());
}

/// What is weakened is known, and is weaker then.
#[test]
fn only_what_is_weaker_is_a_weakening() {
    let weakened = Orderings::weakened;
    assert_eq!(weakened("return-push=acquire"), Ok(Orderings::Weakened("return-push", Ordering::Acquire)));
    assert_eq!(weakened("view-drop"), Ok(Orderings::Weakened("view-drop", Ordering::Relaxed)));
    for wrong in ["no-such-site", "view-drop=seqcst", "view-drop=acquire", "view-drop=strong", "view-clone"] {
        assert!(weakened(wrong).is_err(), "{wrong}");
    }
}

/// The command writes every test for every target, and refuses to weaken what is not there.
#[test]
fn the_command_writes_all_files() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let out = directory.path().join("litmus");
    let out = out.to_str().expect("UTF-8");
    viewchan(&["litmus", "--out", out]).assert().success();
    let files = std::fs::read_dir(out).expect("it was made").count();
    assert_eq!(files, LITMUS.len() * TARGETS.len());
    let output = viewchan(&["litmus", "--out", out, "--weaken", "no-such-site"]).output().expect("the command starts");
    assert_refused(&output, &["no access is called no-such-site"]);
}
