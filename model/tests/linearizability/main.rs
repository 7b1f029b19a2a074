//! Random histories of one channel on real threads are linearizable, under every strategy; and those of channels with a
//! mistake are not.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod by_hand;
mod mistakes;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use std::cell::Cell;
use viewchan_model::history::{
    Answer, Failure, History, MOST_RECEIVERS, MOST_SENDERS, MOST_STEPS, Plan, Receive, Receiving, Send, Sending, What,
    check,
};
use viewchan_model::scenario::{self, Patience};

/// Each plan is run so often: threads do not meet in the same way twice.
const ROUNDS: usize = 3;

fn patience() -> impl Strategy<Value = Patience> {
    prop_oneof![Just(Patience::Never), Just(Patience::Deadline), Just(Patience::Forever)]
}

fn sending() -> impl Strategy<Value = Sending> {
    let step = prop_oneof![
        6 => patience().prop_map(Send::Number),
        1 => Just(Send::Yield),
        1 => Just(Send::Clone),
        1 => Just(Send::Drop),
        1 => Just(Send::Close),
    ];
    (0..3_usize, vec(step, 0..=MOST_STEPS)).prop_map(|(interpreter, steps)| Sending { interpreter, steps })
}

fn receiving() -> impl Strategy<Value = Receiving> {
    let step = prop_oneof![
        8 => patience().prop_map(Receive::Number),
        1 => Just(Receive::Yield),
        1 => Just(Receive::Count),
        1 => Just(Receive::Shut),
    ];
    (option::of(0..4_usize), vec(step, 0..=MOST_STEPS)).prop_map(|(home, steps)| Receiving { home, steps })
}

fn plans() -> impl Strategy<Value = Plan> {
    let capacity = prop_oneof![3 => Just(Some(1)), 1 => (2..=3_usize).prop_map(Some), 1 => Just(None)];
    (capacity, vec(sending(), 1..=MOST_SENDERS), vec(receiving(), 1..=MOST_RECEIVERS))
        .prop_map(|(capacity, senders, receivers)| Plan { capacity, senders, receivers })
}

/// Runs random plans, each some times, and passes what happened to `see`. A plan that fails shrinks.
fn run_plans(
    cases: u32,
    run: impl Fn(&Plan) -> Result<History, Failure>,
    see: impl Fn(&History),
) -> Result<(), TestError<Plan>> {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner.run(&plans(), |plan| {
        for _ in 0..ROUNDS {
            see(&run(&plan).map_err(|failure| TestCaseError::fail(failure.to_string()))?);
        }
        Ok(())
    })
}

/// Whether some thread began something while another one was at it.
fn overlaps(history: &History) -> bool {
    history.events.windows(2).any(|pair| matches!((pair[0].what, pair[1].what), (What::Invoked(_), What::Invoked(_))))
}

fn every_history_is_linearizable(strategy: scenario::Strategy) {
    const CASES: u32 = 1000;
    let answers = [Answer::Sent, Answer::NotReady, Answer::TimedOut, Answer::Closed];
    let (overlapping, seen) = (Cell::new(0), [const { Cell::new(0) }; 4]);
    let see = |history: &History| {
        overlapping.set(overlapping.get() + usize::from(overlaps(history)));
        for (answer, seen) in answers.iter().zip(&seen) {
            let is_there = history.events.iter().any(|event| event.what == What::Answered(*answer));
            seen.set(seen.get() + usize::from(is_there));
        }
    };
    run_plans(CASES, |plan| check(plan, strategy), see).unwrap_or_else(|failure| panic!("{failure}"));
    // How often is a matter of the machine; that it happens at all is what this test is for.
    assert!(overlapping.get() > 0, "threads never met");
    for (answer, seen) in answers.iter().zip(&seen) {
        assert!(seen.get() > 0, "`{answer}` never came");
    }
}

#[test]
fn shared() {
    every_history_is_linearizable(scenario::Strategy::Shared);
}

#[test]
fn proxy() {
    every_history_is_linearizable(scenario::Strategy::Proxy);
}

#[test]
fn view() {
    every_history_is_linearizable(scenario::Strategy::View);
}

#[test]
fn handover() {
    every_history_is_linearizable(scenario::Strategy::Handover);
}

#[test]
fn deferred() {
    every_history_is_linearizable(scenario::Strategy::Deferred);
}

/// The code under test runs on real locks, else this would be no test of them.
#[test]
fn the_backend_is_std() {
    assert_eq!(viewchan::sync::BACKEND, "std");
}
