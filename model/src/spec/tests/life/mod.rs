//! An interpreter's end, from everywhere and at every moment.

mod law;
mod races;

pub(super) use races::*;

use std::collections::BTreeMap;

use super::build::{A, B, scenario, thread, with_policy};
use super::strategies::QUEUES;
use super::{find, run, scenarios};
use crate::scenario::{Scenario, Strategy, Undelivered};
use crate::spec::explore;
use crate::spec::life::Phase;
use crate::spec::thread::{StepResult, Value};
use crate::spec::{Exploration, Kind, Rules, Why, Witness};

fn view(scenario: &Scenario) -> Rules {
    Rules::new(scenario, Strategy::View)
}

fn explored(scenario: &Scenario, strategy: Strategy) -> Exploration {
    let exploration = explore(&Rules::new(scenario, strategy), None).expect("there is no limit");
    assert_eq!(exploration.violation, None, "{} under {}", scenario.name, strategy.name());
    exploration
}

fn assert_outcomes(scenario: &Scenario, outcomes: &[&str]) {
    for strategy in QUEUES {
        let found = explored(scenario, strategy).outcomes;
        assert_eq!(found.iter().collect::<Vec<_>>(), outcomes, "{} under {}", scenario.name, strategy.name());
    }
}

/// The witnesses of an interpreter's end, and how many states of its scenarios under all strategies show each.
pub(super) const WITNESSES: &[(Witness, usize)] = &[
    (Witness::BothEndEachOther, 20),
    (Witness::Removed, 334),
    (Witness::OwnerEnded, 347),
    (Witness::InterruptedWait, 872),
    (Witness::EndedWithMessageQueued, 865),
    (Witness::EndedWithViewHeld, 2312),
    (Witness::ReleasedAfterEnd, 806),
    (Witness::LastLeaverEnds, 460),
    (Witness::Gone, 1412),
    (Witness::EndedTwice, 390),
];

#[test]
fn every_witness_of_life_is_reached() {
    let mut shown: BTreeMap<Witness, usize> = WITNESSES.iter().map(|&(witness, _)| (witness, 0)).collect();
    for (scenario, strategy) in all().iter().flat_map(|scenario| QUEUES.map(|strategy| (scenario, strategy))) {
        let rules = Rules::new(scenario, strategy);
        for state in explored(scenario, strategy).states {
            for witness in rules.witnesses(&state).iter() {
                shown.entry(witness).and_modify(|count| *count += 1);
            }
        }
    }
    assert_eq!(shown.into_iter().collect::<Vec<_>>(), WITNESSES);
}

/// Whatever the threads do, somebody may end their interpreters: no guarantee breaks, nobody waits for ever.
#[test]
fn every_scenario_survives_the_end_of_its_interpreters() {
    for (scenario, strategy) in scenarios::all().iter().flat_map(|scenario| QUEUES.map(|strategy| (scenario, strategy)))
    {
        let policy = if strategy == Strategy::Deferred { Undelivered::Remove } else { Undelivered::Error };
        explored(&with_ender(with_policy(scenario.clone(), policy)), strategy);
    }
}

fn with_ender(mut scenario: Scenario) -> Scenario {
    let ender = self::scenario("ender", &[], &[], vec![thread("ender").end(A).end(B)]);
    scenario.threads.extend(ender.threads);
    scenario
}

#[test]
fn what_was_sent_and_what_is_shown_outlive_the_interpreter() {
    assert_outcomes(&message_queued(), &["sender: sent ended | receiver: x0 x0"]);
    let outcomes =
        ["owner: - | reader: ended x0", "owner: gone gone | reader: ended x0", "owner: gone | reader: ended x0"];
    assert_outcomes(&view_held(), &outcomes);
}

#[test]
fn who_waits_is_interrupted() {
    let outcomes = ["waiter: gone | ender: ended closed", "waiter: interrupted | ender: ended closed"];
    assert_outcomes(&wait_interrupted(), &outcomes);
    let outcomes = [
        "sender: gone | receiver: ended closed closed",
        "sender: sent interrupted interrupted | receiver: ended x0 closed",
        "sender: sent interrupted sent | receiver: ended x0 y0",
        "sender: sent sent | receiver: ended x0 y0",
    ];
    assert_outcomes(&send_interrupted(), &outcomes);
}

/// The end of A is nothing to a thread that is attached elsewhere or to nobody.
#[test]
fn who_waits_outside_is_not_interrupted() {
    let outcomes = ["outside: closed | nobody: closed | ender: ended", "outside: gone | nobody: closed | ender: ended"];
    assert_outcomes(&wait_outside(), &outcomes);
    let waiter = thread("waiter").rx("rx", 0).attach(A, |t| t.attach(B, |t| t.recv("rx", "v")));
    let ender = thread("ender").tx("tx", 0).end(A).close("tx");
    let elsewhere = scenario("elsewhere", &[], &[("c", None)], vec![waiter, ender]);
    assert_outcomes(&elsewhere, &["waiter: closed | ender: ended", "waiter: gone | ender: ended"]);
}

/// A look without patience is no wait, a message comes before the end, and so does a close.
#[test]
fn an_interruption_comes_after_what_there_is() {
    let a = thread("a").handle("x", 0).tx("tx", 0).rx("rx", 0);
    let a = a.attach(A, |t| {
        let t = t.end(A).try_recv("rx", "v").send("tx", "x").recv("rx", "v").recv_timeout("rx", "w");
        t.close("tx").recv("rx", "w")
    });
    let alone = scenario("alone", &[("x", A)], &[("c", None)], vec![a]);
    assert_outcomes(&alone, &["a: ended empty sent x0 interrupted closed"]);
}

/// A receive end whose send is interrupted is held again: it is not noted to be in flight any more.
#[test]
fn an_interrupted_receive_end_is_held_again() {
    let sender = thread("sender").tx("up", 0).handle("x", 0).rx("down", 1);
    let sender = sender.attach(A, |t| t.send("up", "x").send("up", "down"));
    let ender = thread("ender").rx("rx", 0).tx("tx", 1).end(A).send("tx", "tx");
    let scenario = scenario("held-again", &[("x", A)], &[("c", Some(1)), ("d", None)], vec![sender, ender]);
    find(&view(&scenario), |state| state.moored(1) == Some(0) && state.is_interrupted(0));
    let interrupted = StepResult::SendRefused(Why::Interrupted);
    find(&view(&scenario), |state| {
        let held = state.threads[0].holds(Value::ReceiveEnd(1)) && state.moored(1).is_none();
        held && state.threads[0].results.contains(&interrupted)
    });
    let outcomes = [
        "sender: gone | ender: ended",
        "sender: sent closed | ender: ended",
        "sender: sent interrupted | ender: ended",
    ];
    assert_outcomes(&scenario, &outcomes);
}

#[test]
fn anybody_may_end_an_interpreter_and_only_once() {
    let outcomes = [
        "inside: ended | elsewhere: ended-before | nobody: ended-before",
        "inside: gone | elsewhere: ended | nobody: ended-before",
        "inside: gone | elsewhere: ended-before | nobody: ended",
    ];
    assert_outcomes(&ended_by_all(), &outcomes);
    assert_outcomes(&each_other(), &["a: ended x0 | b: ended y0", "a: ended x0 | b: gone", "a: gone | b: ended y0"]);
}

/// Nothing of a block that is not admitted happens: no step, no drop, no panic. What would be in its variables is not.
#[test]
fn a_block_that_is_not_admitted_is_skipped() {
    let outcomes = ["visitor: gone w0 | ender: ended", "visitor: w0 panicked w0 x0 | ender: ended"];
    assert_outcomes(&not_admitted(), &outcomes);
}

/// A thread that is attached stays, and so does a block inside its block; another one it cannot enter from elsewhere.
#[test]
fn who_is_inside_stays_inside() {
    let a = thread("a").handle("x", 0).attach(A, |t| {
        let t = t.end(A).attach(A, |t| t.read("x")).safepoint().detach(|t| t.attach(A, |t| t.read("x")));
        t.attach(B, |t| t.attach(A, |t| t.read("x"))).read("x")
    });
    assert_outcomes(&scenario("inside", &[("x", A)], &[], vec![a]), &["a: ended x0 gone gone x0"]);
}

#[test]
fn undelivered_messages_go_the_way_of_their_policy() {
    let outcomes = ["sender: sent ended | receiver: owner-ended closed", "sender: sent ended | receiver: x0 x0 closed"];
    assert_outcomes(&undelivered_is_error(), &outcomes);
    let outcomes = ["sender: sent ended | receiver: closed closed", "sender: sent ended | receiver: x0 x0 closed"];
    assert_outcomes(&undelivered_is_removed(), &outcomes);
    assert_outcomes(&undelivered(Undelivered::Deliver), &["sender: sent ended | receiver: x0 x0 closed"]);
    let outcomes = ["sender: sent sent ended | receiver: x0 y0", "sender: sent sent ended | receiver: y0 closed"];
    assert_outcomes(&one_of_two_removed(), &outcomes);
    assert_outcomes(&policy_travels(), &["a: sent | b: c.tx sent ended owner-ended"]);
}

/// A receive that removes the last message waits on, until its own interpreter ends.
#[test]
fn a_receive_waits_on_after_it_removed_the_last_message() {
    let sender = thread("sender").handle("x", 0).tx("tx", 0).tx("ty", 0).attach(A, |t| t.send("tx", "x").end(A));
    let sender = sender.end(B);
    let receiver = thread("receiver").rx("rx", 0).attach(B, |t| t.recv("rx", "v"));
    let scenario = scenario("waits-on", &[("x", A)], &[("c", None)], vec![sender, receiver]);
    let outcomes = [
        "sender: sent ended ended | receiver: closed",
        "sender: sent ended ended | receiver: gone",
        "sender: sent ended ended | receiver: interrupted",
        "sender: sent ended ended | receiver: x0",
    ];
    assert_outcomes(&with_policy(scenario, Undelivered::Remove), &outcomes);
}

/// Who drops a receive end does not ask: everything is discarded.
#[test]
fn discarding_does_not_inspect() {
    let sender = thread("sender").handle("x", 0).tx("tx", 0).attach(A, |t| t.send("tx", "x").end(A));
    let receiver = thread("receiver").rx("rx", 0).attach(B, |t| t.drop("rx"));
    let scenario =
        with_policy(scenario("dropped", &[("x", A)], &[("c", None)], vec![sender, receiver]), Undelivered::Error);
    let rules = view(&scenario);
    for state in explored(&scenario, Strategy::View).states {
        assert!(rules.wants(&state, 1).iter().all(|action| !matches!(action.kind, Kind::Inspect { .. })));
    }
}

/// Step by step: the end, the refusal, the way of a message that is removed.
#[test]
fn the_actions_in_order() {
    let script = [
        (0, "attaches to A"),
        (0, "sends x into c"),
        (0, "leaves A"),
        (0, "attaches to A"),
        (0, "begins the end of A"),
        (0, "completes the end of A"),
        (0, "leaves A"),
        (0, "drops a send end of c"),
        (1, "attaches to B"),
        (1, "receives x from c"),
        (1, "looks whether A is ending"),
        (1, "leaves B"),
        (1, "acquires A for view release"),
        (1, "gives back a reference to x"),
        (1, "frees x"),
        (1, "leaves A"),
        (1, "returns to B"),
        (1, "cannot receive from c: closed"),
    ];
    run(&view(&undelivered_is_removed()), &script);
    let script = [
        (0, "attaches to B"),
        (1, "attaches to A"),
        (1, "begins the end of A"),
        (1, "completes the end of A"),
        (1, "leaves A"),
        (0, "leaves B"),
        (0, "attaches to A"),
        (0, "leaves A"),
        (0, "returns to B"),
        (0, "reads w"),
    ];
    run(&view(&not_admitted()), &script);
    let script = [
        (0, "attaches to A"),
        (0, "begins the end of A"),
        (0, "stays in A at a safepoint"),
        (0, "completes the end of A"),
        (0, "leaves A"),
        (1, "attaches to B"),
        (1, "leaves B"),
        (1, "attaches to A"),
        (1, "leaves A"),
        (1, "returns to B"),
    ];
    run(&view(&ended_by_all()), &script);
}

/// Return lists: the last one out completes the end before it stops to attend; who is not admitted never attends; an end
/// from elsewhere is a stay like any other; what comes back after the end is collected on an errand.
#[test]
fn the_actions_in_order_with_return_lists() {
    let script = [
        (0, "attaches to A"),
        (0, "attends to the return list of A"),
        (1, "attaches to B"),
        (1, "leaves B"),
        (0, "finds nothing on the return list of A"),
        (0, "leaves A"),
        (1, "attaches to A"),
        (1, "attends to the return list of A"),
        (1, "begins the end of A"),
        (1, "no longer attends to the return list of A"),
        (1, "leaves A"),
        (0, "goes on in A after a safepoint"),
        (0, "attends to the return list of A"),
        (0, "gives back a reference to x"),
        (0, "completes the end of A"),
        (0, "no longer attends to the return list of A"),
        (0, "leaves A"),
        (0, "attaches to A"),
        (0, "leaves A"),
        (1, "returns to B"),
        (1, "reads x"),
        (1, "drops a view of x"),
        (1, "puts x on the return list of A"),
        (1, "leaves B"),
        (1, "looks whether A still needs it"),
    ];
    let state = run(&Rules::new(&view_held(), Strategy::Deferred), &script);
    assert_eq!(state.phases[A], Phase::Ended);
}
