//! Tests of the specification: on the scenarios in `scenarios`, which are small enough to count by hand.

mod build;
mod commute;
mod faults;
mod garbage;
mod invariants;
mod law;
mod life;
mod outcomes;
mod returns;
mod scenarios;
mod slots;
mod strategies;
mod words;

use std::collections::{HashSet, VecDeque};

use super::state::State;
use super::{Action, Rules};

/// The nearest state that `is_it`, found by breadth-first search.
fn find(rules: &Rules, is_it: impl Fn(&State) -> bool) -> State {
    let initial = rules.initial();
    let mut seen = HashSet::from([initial.clone()]);
    let mut pending = VecDeque::from([initial]);
    while let Some(state) = pending.pop_front() {
        if is_it(&state) {
            return state;
        }
        let successors = rules.enabled(&state).into_iter().filter_map(|action| rules.step(&state, action).ok());
        pending.extend(successors.filter(|successor| seen.insert(successor.clone())));
    }
    panic!("the scenario {} has no such state", rules.scenario().name);
}

/// The state after these actions, each given by the words of [`Rules::narrate`].
fn run(rules: &Rules, script: &[(usize, &str)]) -> State {
    script.iter().fold(rules.initial(), |state, &(thread, words)| {
        let action = wanted(rules, &state, thread, words);
        rules.step(&state, action).unwrap_or_else(|refusal| panic!("thread {thread} {words}: {refusal}"))
    })
}

/// The action that a thread wants, by its words.
fn wanted(rules: &Rules, state: &State, thread: usize, words: &str) -> Action {
    let wants = rules.wants(state, thread);
    let matching = wants.iter().copied().find(|&action| rules.narrate(state, action) == words);
    matching.unwrap_or_else(|| {
        let wants: Vec<String> = wants.iter().map(|&action| rules.narrate(state, action)).collect();
        panic!("thread {thread} does not want: {words}, but one of {wants:?}")
    })
}
