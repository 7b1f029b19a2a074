//! The seeds of the fuzz targets, through the very bodies that libFuzzer runs: they cannot rot. And mistakes in the
//! code that a target runs, which it finds from its seeds in a short time.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestError, TestRunner};
use std::fs;
use std::path::{Path, PathBuf};
use targets::{Code, history, layout, scenario_parser};

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, dead_code, reason = "elsewhere it is a library")]
mod targets;

/// A target's body.
type Target = fn(&[u8], Code);

/// The files of a directory, sorted by name.
fn files(directory: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("a seed"))).collect()
}

/// What a target starts from: its seeds, and for the parser the scenarios that ship as well.
fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut seeds = files(&format!("../fuzz/seeds/{target}"));
    if target == "scenario_parser" {
        seeds.extend(files("scenarios"));
    }
    assert!(seeds.len() > 5, "the seeds of {target} are gone");
    seeds
}

fn replay(name: &str, target: Target) {
    for (path, bytes) in seeds(name) {
        println!("{}", path.display());
        target(&bytes, Code::Shipped);
    }
}

#[test]
fn seeds_of_the_scenario_parser() {
    replay("scenario_parser", scenario_parser);
}

#[test]
fn seeds_of_layouts() {
    replay("layout", layout);
}

#[test]
fn seeds_of_histories() {
    replay("history", history);
}

/// Seeds with some bytes replaced, and cut off somewhere.
fn mutations(name: &str) -> impl Strategy<Value = Vec<u8>> {
    let seeds: Vec<Vec<u8>> =
        seeds(name).into_iter().map(|(_, bytes)| bytes).filter(|bytes| !bytes.is_empty()).collect();
    (select(seeds), vec((any::<Index>(), any::<u8>()), 0..4), any::<Index>()).prop_map(|(mut bytes, changes, end)| {
        for (place, byte) in changes {
            *place.get_mut(&mut bytes) = byte;
        }
        // Most are left whole.
        let end = end.index(4 * bytes.len());
        bytes.truncate(end + 1);
        bytes
    })
}

/// Runs a target on mutated seeds.
fn fuzz(name: &str, target: Target, code: Code, cases: u32) -> Result<(), TestError<Vec<u8>>> {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    TestRunner::new(config).run(&mutations(name), |bytes| {
        target(&bytes, code);
        Ok(())
    })
}

/// Each target finds the mistake that is planted for it, and finds nothing in what ships.
fn finds_its_mistake(name: &str, target: Target, says: &str) {
    fuzz(name, target, Code::Shipped, 500).unwrap_or_else(|failure| panic!("{failure}"));
    match fuzz(name, target, Code::Planted, 20_000) {
        Err(TestError::Fail(reason, _)) => assert!(reason.message().contains(says), "found something else: {reason}"),
        other => panic!("{name} finds nothing: {other:?}"),
    }
}

#[test]
fn the_scenario_parser_target_finds_its_mistake() {
    finds_its_mistake("scenario_parser", scenario_parser, "names ");
}

#[test]
fn the_layout_target_finds_its_mistake() {
    // By brute force or by exact sums: whichever meets it first.
    finds_its_mistake("layout", layout, "inside, by ");
}

#[test]
fn the_history_target_finds_its_mistake() {
    finds_its_mistake("history", history, "no order of these operations explains the answers");
}
