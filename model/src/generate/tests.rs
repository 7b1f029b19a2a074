//! What is generated is valid, whole, and cannot wait for ever.

use super::{Case, Size};
use crate::scenario::{Scenario, Strategy, parse, write};
use crate::spec::{Rules, explore};
use proptest::strategy::ValueTree;
use std::collections::BTreeSet;

/// So many cases of each size for each strategy.
pub(crate) fn cases(count: u64) -> impl Iterator<Item = Case> {
    let of = move |size| Strategy::ALL.into_iter().map(move |strategy| (size, strategy));
    let pairs = Size::ALL.into_iter().flat_map(of);
    pairs.flat_map(move |(size, strategy)| (0..count).map(move |number| Case { seed: 1, number, size, strategy }))
}

fn verbs(scenario: &Scenario) -> impl Iterator<Item = String> {
    let steps = scenario.threads.iter().flat_map(|thread| thread.preorder());
    steps.map(|located| located.text.split(' ').next().expect("a verb").to_owned())
}

/// The same numbers, the same scenario; other numbers, another one.
#[test]
fn a_case_is_decided_by_its_numbers() {
    let case = Case { seed: 7, number: 3, size: Size::Middle, strategy: Strategy::View };
    assert_eq!(case.scenario(), case.scenario());
    let text = |case: Case| write(&case.scenario()).lines().skip(2).collect::<Vec<_>>().join("\n");
    assert_ne!(text(case), text(Case { number: 4, ..case }));
    assert_ne!(text(case), text(Case { seed: 8, ..case }));
}

/// Every step that a file can have is generated, and scenarios of two to five interpreters.
#[test]
fn every_step_is_generated() {
    let scenarios: Vec<Scenario> = cases(50).map(|case| case.scenario()).collect();
    let generated: BTreeSet<String> = scenarios.iter().flat_map(verbs).collect();
    let expected = [
        "attach",
        "clone",
        "close",
        "copy",
        "detach",
        "drop",
        "end",
        "peek",
        "publish",
        "read",
        "recv",
        "recv-timeout",
        "release",
        "safepoint",
        "send",
        "send-timeout",
        "slice",
        "thaw",
        "try-recv",
        "try-send",
        "undelivered",
    ];
    assert!(generated.iter().eq(expected), "{generated:?}");
    assert!(scenarios.iter().any(|scenario| write(scenario).contains("\"panic")), "nobody panics");
    let interpreters: BTreeSet<usize> = scenarios.iter().map(|scenario| scenario.interpreters.len()).collect();
    assert_eq!(interpreters, BTreeSet::from([2, 3, 4, 5]));
}

/// What is small can be explored, and holds. That nobody waits for ever is a part of that (G6).
#[test]
fn small_ones_hold_on_the_specification() {
    for case in cases(40).filter(|case| case.size.is_explorable()) {
        let scenario = case.scenario();
        let explored = explore(&Rules::new(&scenario, case.strategy), Some(100_000));
        let explored = explored.unwrap_or_else(|error| panic!("{error}\n{}", write(&scenario)));
        assert_eq!(explored.violation, None, "{}", write(&scenario));
    }
}

/// Each step of shrinking leads to a valid scenario, and the last one is as small as can be.
#[test]
fn whatever_is_smaller_is_valid() {
    for case in cases(3) {
        let mut tree = case.tree();
        let mut size = usize::MAX;
        while tree.simplify() {
            let smaller = tree.current();
            let text = write(&smaller);
            parse(&format!("{}.toml", smaller.name), &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            size = text.len();
        }
        assert!(size < 1000, "{}", write(&tree.current()));
    }
}
