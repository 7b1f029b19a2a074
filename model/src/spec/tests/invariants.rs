//! Each invariant fails on a state that was damaged in just that respect, and the end is checked as well.

use super::build::{A, scenario, thread};
use super::{find, run, scenarios};
use crate::scenario::Strategy;
use crate::spec::state::{Content, Life, Message, State};
use crate::spec::thread::{Claim, StepResult, Value};
use crate::spec::{Guarantee, Rules, Violation, explore};

/// Damages a state in which everything holds, and expects the violation.
fn assert_broken(rules: &Rules, state: &State, damage: impl Fn(&mut State), violation: &str) {
    assert_eq!(rules.check(state), Ok(()));
    let mut damaged = state.clone();
    damage(&mut damaged);
    let found = rules.check(&damaged).map_err(|found| found.to_string());
    assert_eq!(found, Err(violation.to_owned()));
}

/// `one-message` after the message was sent: nobody is in A.
fn sent() -> (Rules, State) {
    let rules = Rules::new(&scenarios::one_message(), Strategy::View);
    let state = run(&rules, &[(0, "attaches to A"), (0, "sends x into c"), (0, "leaves A")]);
    (rules, state)
}

/// `clones` as it starts: two threads hold clones of one view of x, the owner has a handle.
fn viewed() -> (Rules, State) {
    let rules = Rules::new(&scenarios::clones(), Strategy::View);
    let initial = rules.initial();
    (rules, initial)
}

#[test]
fn g2_what_was_sent_does_not_change() {
    let (rules, state) = sent();
    let why = "G2 no mutable alias: x was sent as x0, but now has the bytes of x1";
    assert_broken(&rules, &state, |state| state.buffers[0].version = 1, why);
    let (rules, state) = viewed();
    assert_broken(&rules, &state, |state| state.buffers[0].version = 1, why);
    let rules = Rules::new(&scenarios::one_message(), Strategy::View);
    let taken = find(&rules, |state| state.threads[1].hands.contains(&Claim::Message { buffer: 0, version: 0 }));
    assert_broken(&rules, &taken, |state| state.buffers[0].version = 1, why);
}

/// The version of one buffer says nothing about another.
#[test]
fn g2_looks_at_each_buffer_for_itself() {
    let rules = Rules::new(&scenarios::timeouts(), Strategy::View);
    let sent = find(&rules, |state| state.queued(0) == 1);
    let taken = find(&rules, |state| state.threads[1].hands.contains(&Claim::Message { buffer: 0, version: 0 }));
    let viewed = find(&rules, |state| state.views.iter().any(Option::is_some));
    for mut state in [sent, taken, viewed] {
        state.buffers[1].version = 1;
        assert_eq!(rules.check(&state), Ok(()));
    }
}

#[test]
fn g2_nobody_writes_to_what_is_shown() {
    let why = "G2 no mutable alias: x is writable while a message or a view shows it";
    let (rules, state) = sent();
    assert_broken(&rules, &state, |state| state.buffers[0].life = Life::Thawed, why);
    let (rules, state) = viewed();
    assert_broken(&rules, &state, |state| state.buffers[0].life = Life::Thawed, why);
    let releasing = find(&rules, |state| state.threads[1].hands.contains(&Claim::Reference(0)));
    let damage = |state: &mut State| state.buffers[0].life = Life::Thawed;
    assert_broken(&rules, &releasing, damage, why);
}

#[test]
fn g3_references_are_handles_messages_and_views() {
    let (rules, state) = sent();
    let why = "G3 counting: x counts 2 references, but there are 0 handles + 1 messages + 0 views";
    assert_broken(&rules, &state, |state| state.buffers[0].references = 2, why);
    let (rules, state) = viewed();
    let why = "G3 counting: x counts 1 references, but there are 1 handles + 0 messages + 1 views";
    assert_broken(&rules, &state, |state| state.buffers[0].references = 1, why);
}

/// What a thread has in its hands counts as well: a handle that is being dropped, a message that was taken, a view
/// that is being released.
#[test]
fn g3_hands_count() {
    let damage = |state: &mut State| state.buffers[0].references += 1;
    let (rules, _) = sent();
    let taken = find(&rules, |state| !state.threads[1].hands.is_empty() && state.locks == [None, None]);
    let why = "G3 counting: x counts 2 references, but there are 0 handles + 1 messages + 0 views";
    assert_broken(&rules, &taken, damage, why);
    let releasing =
        find(&rules, |state| state.threads[1].hands.contains(&Claim::View(0)) && state.locks == [None, None]);
    let why = "G3 counting: x counts 2 references, but there are 0 handles + 0 messages + 1 views";
    assert_broken(&rules, &releasing, damage, why);
    let dropping = scenario("dropping", &[("x", A)], &[], vec![thread("owner").handle("x", 0)]);
    let dropping = Rules::new(&dropping, Strategy::View);
    let why = "G3 counting: x counts 2 references, but there are 1 handles + 0 messages + 0 views";
    assert_broken(&dropping, &dropping.initial(), damage, why);
}

/// G3 speaks of the moments when the owner's lock is free: its holder may be in the middle of a change.
#[test]
fn g3_does_not_look_under_a_held_lock() {
    let (rules, mut state) = sent();
    state.buffers[0].references = 2;
    assert!(rules.check(&state).is_err());
    state.locks[0] = Some(0);
    assert_eq!(rules.check(&state), Ok(()));
}

#[test]
fn g3_exports_are_views() {
    let (rules, state) = viewed();
    let why = "G3 counting: x counts 0 exports, but there are 1 views";
    assert_broken(&rules, &state, |state| state.buffers[0].exports = 0, why);
}

#[test]
fn g3_a_buffer_is_freed_when_nothing_refers_to_it() {
    let (rules, state) = sent();
    let why = "G3 counting: x is freed, with 1 references";
    assert_broken(&rules, &state, |state| state.buffers[0].life = Life::Freed, why);
    let freed = find(&rules, |state| state.buffers[0].life == Life::Freed && state.locks == [None, None]);
    let why = "G3 counting: x is not freed, with 0 references";
    assert_broken(&rules, &freed, |state| state.buffers[0].life = Life::Frozen, why);
}

#[test]
fn g3_clones_are_counted() {
    let (rules, state) = viewed();
    let damage = |state: &mut State| state.threads[2].variables[0] = Value::Empty;
    assert_broken(&rules, &state, damage, "G3 counting: a view counts 2 clones, but there are 1");
}

#[test]
fn g4_one_lock_each() {
    let (rules, state) = sent();
    let damage = |state: &mut State| state.locks = vec![Some(1), Some(1)];
    assert_broken(&rules, &state, damage, "G4 one lock: receiver holds 2 locks");
}

#[test]
fn g5_the_queue_holds_what_is_due() {
    let (rules, state) = sent();
    let why = "G5 exactly once: 2 messages were sent into c and 0 settled, yet it holds [0]";
    assert_broken(&rules, &state, |state| state.channels[0].sent = 2, why);
    let why = "G5 exactly once: 1 messages were sent into c and 1 settled, yet it holds [0]";
    assert_broken(&rules, &state, |state| state.channels[0].settled = 1, why);
}

#[test]
fn g5_no_more_than_fits() {
    let rules = Rules::new(&scenarios::same_interpreter(), Strategy::View);
    let state = find(&rules, |state| state.queued(0) == 1);
    let damage = |state: &mut State| {
        let content = state.channels[0].queue[0].content;
        state.channels[0].queue.push(Message { ticket: 1, content });
        state.channels[0].sent = 2;
    };
    assert_broken(&rules, &state, damage, "G5 exactly once: c holds 2 messages, more than fit");
}

#[test]
fn g8_a_release_does_not_fail() {
    let (rules, state) = viewed();
    let damage = |state: &mut State| state.threads[1].results.push(StepResult::ReleaseFailed);
    assert_broken(&rules, &state, damage, "G8 release cannot fail: first could not release a view");
}

#[test]
fn g9_ends_are_counted() {
    let (rules, state) = sent();
    let why = "G9 ends: c counts 2 send ends, but there are 1";
    assert_broken(&rules, &state, |state| state.channels[0].senders = 2, why);
    let why = "G9 ends: c believes in 0 receive ends, but there are 1";
    assert_broken(&rules, &state, |state| state.channels[0].receiver_gone = true, why);
    let why = "G9 ends: c believes in 1 receive ends, but there are 2";
    assert_broken(&rules, &state, |state| state.threads[0].hands.push(Claim::ReceiveEnd(0)), why);
    let why = "G9 ends: c counts 1 send ends, but there are 2";
    assert_broken(&rules, &state, |state| state.threads[0].hands.push(Claim::SendEnd(0)), why);
}

/// A ring of two and a ring of one; a receive end that is queued elsewhere is no ring.
#[test]
fn g9_no_receive_end_is_locked_into_itself() {
    let rules = Rules::new(&scenarios::crossing_ends(), Strategy::View);
    let state = find(&rules, |state| state.queued(0) == 1);
    let queue = |state: &mut State, host: usize, end: u8| {
        state.threads.iter_mut().for_each(|thread| {
            thread.variables.iter_mut().for_each(|value| {
                if *value == Value::ReceiveEnd(end) {
                    *value = Value::Empty;
                }
            });
        });
        let ticket = state.channels[host].sent;
        state.channels[host].queue.push(Message { ticket, content: Content::ReceiveEnd(end) });
        state.channels[host].sent += 1;
    };
    let why = "G9 ends: the receive end of c is queued where only its own receiver could reach it";
    assert_broken(&rules, &state, |state| queue(state, 1, 0), why);
    assert_broken(&rules, &state, |state| queue(state, 0, 0), why);
}

/// Damages the end of `one-message` and expects the violation.
fn assert_end_broken(damage: impl Fn(&mut State), violation: &str) {
    let rules = Rules::new(&scenarios::one_message(), Strategy::View);
    let mut end = find(&rules, |state| rules.finished(state));
    assert_eq!(rules.check_end(&end), Ok(()));
    damage(&mut end);
    let found = rules.check_end(&end).map_err(|found| found.to_string());
    assert_eq!(found, Err(violation.to_owned()));
}

#[test]
fn at_the_end_nothing_is_left() {
    assert_end_broken(|end| end.locks[1] = Some(0), "G4 one lock: the lock of B is still held at the end");
    assert_end_broken(|end| end.channels[0].sent = 2, "G5 exactly once: a message is still in c at the end");
    let why = "G9 ends: an end of c still exists at the end";
    assert_end_broken(|end| end.channels[0].senders = 1, why);
    assert_end_broken(|end| end.channels[0].receiver_gone = false, why);
    assert_end_broken(|end| end.buffers[0].life = Life::Frozen, "G3 counting: x is not freed at the end");
    assert_end_broken(|end| end.buffers[0].life = Life::Thawed, "G3 counting: x is not freed at the end");
}

/// G6: two threads that wait for each other's message.
#[test]
fn g6_a_deadlock_is_found() {
    let a = thread("a").handle("x", 0).tx("tx", 0).rx("rx", 1).recv("rx", "v").attach(A, |t| t.send("tx", "x"));
    let b = thread("b").handle("y", 1).tx("tx", 1).rx("rx", 0).recv("rx", "v").attach(A, |t| t.send("tx", "y"));
    let scenario = scenario("deadlock", &[("x", A), ("y", A)], &[("c", None), ("d", None)], vec![a, b]);
    let found = explore(&Rules::new(&scenario, Strategy::View), None)
        .expect("there is no limit")
        .violation
        .expect("a deadlock");
    let why = "nobody can go on; a waits: receives from d; b waits: receives from c";
    assert_eq!(found.violation, Violation { guarantee: Guarantee::G6, why: why.to_owned() });
    assert_eq!(found.path, []);
}

/// G6: neither a thread that can go on nor the end is a deadlock.
#[test]
fn g6_the_end_is_no_deadlock() {
    let rules = Rules::new(&scenarios::one_message(), Strategy::View);
    let states = explore(&rules, None).expect("there is no limit").states;
    assert!(states.iter().all(|state| rules.deadlock(state).is_none()));
}
