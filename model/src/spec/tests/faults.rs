//! Every fault is refuted, in the guarantee that it breaks, by a counterexample that can be replayed.

use super::build::{A, scenario, thread};
use super::scenarios as s;
use crate::scenario::Scenario;
use crate::spec::{Counterexample, Fault, Guarantee, Refusal, Rules, Violation, explore};

/// A fault, the scenario that refutes it, and how many actions that takes at least.
type Refutation = (Fault, fn() -> Scenario, usize);

const REFUTED_BY: &[Refutation] = &[
    (Fault::WrongCause, s::busy_owner, 4),
    (Fault::LockAtClone, s::clones, 1),
    (Fault::LockAtEveryRelease, s::clones, 3),
    (Fault::ThawIgnoresMessages, s::thaw_races_message, 4),
    (Fault::ThawIgnoresViews, s::thaw_races_release, 2),
    (Fault::NoLockAtCreation, s::one_message, 6),
    (Fault::NoLockAtRelease, s::busy_owner, 3),
    (Fault::MessageWithoutReference, s::one_message, 3),
    (Fault::ViewWithoutReference, s::one_message, 9),
    (Fault::DoubleRelease, s::thaw_races_release, 8),
    (Fault::ForgottenRelease, s::busy_owner, 2),
    (Fault::CloneNotCounted, s::clones, 1),
    (Fault::WithdrawLeaks, s::timeouts, 5),
    (Fault::DiscardLeaks, s::discard, 11),
    (Fault::PanicLeaks, s::panic, 4),
    (Fault::OwnLockKept, s::busy_owner, 3),
    (Fault::DiscardUnderChannelLock, s::discard, 10),
    (Fault::DuplicateDelivery, s::one_message, 5),
    (Fault::LostMessage, s::one_message, 4),
    (Fault::LifoOrder, s::two_senders, 6),
    (Fault::TimeoutForgetsRace, s::timeouts, 5),
    (Fault::WaitWithOwnLock, s::same_interpreter, 1),
    (Fault::CloseForgetsWaiters, s::close_races_receive, 12),
    (Fault::SendForgetsWaiters, s::question_and_answer, 5),
    (Fault::WalkGoesRound, s::crossing_ends, 6),
    (Fault::WalkLooksForItsStart, s::end_into_crossing, 8),
    (Fault::LastHandleFreesViews, s::clones, 5),
    (Fault::LastHandleFreesMessages, s::thaw_races_message, 9),
    (Fault::BoundedReleaseList, s::busy_owner, 4),
    (Fault::ReleaseGivesUp, s::busy_owner, 3),
    (Fault::ReachabilityUnchecked, s::crossing_ends, 4),
    (Fault::MoorAfterProbe, s::crossing_ends, 8),
    (Fault::EndsLeakAtClose, s::discard, 7),
];

fn counterexample(fault: Fault, scenario: &Scenario) -> Option<Counterexample> {
    explore(&Rules::with_fault(scenario, fault), None).expect("there is no limit").violation
}

#[test]
fn every_fault_is_refuted() {
    let listed: Vec<Fault> = REFUTED_BY.iter().map(|&(fault, ..)| fault).collect();
    assert_eq!(listed, Fault::ALL);
    for &(fault, scenario, length) in REFUTED_BY {
        let found = counterexample(fault, &scenario()).unwrap_or_else(|| panic!("{fault} survived"));
        assert_eq!(found.violation.guarantee, fault.guarantee(), "{fault}: {}", found.violation);
        assert_eq!(found.path.len(), length, "{fault}: {}", found.violation);
    }
}

/// Wherever a fault shows, it shows in its own guarantee first.
#[test]
fn a_fault_breaks_no_other_guarantee_before() {
    for &fault in Fault::ALL {
        for scenario in s::all() {
            if let Some(found) = counterexample(fault, &scenario) {
                let Violation { guarantee, why } = found.violation;
                assert_eq!(guarantee, fault.guarantee(), "{fault} on {}: {why}", scenario.name);
            }
        }
    }
}

/// Every guarantee has at least two faults that break it.
#[test]
fn every_guarantee_has_faults() {
    for guarantee in Guarantee::ALL {
        let faults = Fault::ALL.iter().filter(|fault| fault.guarantee() == guarantee);
        assert!(faults.count() >= 2, "{guarantee}");
    }
}

/// A counterexample leads, step by step, to the violation that it reports: in its last action, in the state after
/// that, or in a wait or a walk without end.
#[test]
fn counterexamples_can_be_replayed() {
    for &(fault, scenario, _) in REFUTED_BY {
        let rules = Rules::with_fault(&scenario(), fault);
        let found = counterexample(fault, rules.scenario()).expect("the fault is refuted");
        let mut state = rules.initial();
        for (position, &action) in found.path.iter().enumerate() {
            match rules.step(&state, action) {
                Ok(next) => state = next,
                Err(refusal) => {
                    assert_eq!(refusal, Refusal::Violation(found.violation.clone()), "{fault}");
                    assert_eq!(position + 1, found.path.len(), "{fault}");
                    break;
                }
            }
        }
        let broken = rules.check(&state).err().or_else(|| rules.deadlock(&state));
        assert_eq!(broken.unwrap_or(found.violation.clone()), found.violation, "{fault}");
    }
}

/// A protocol that loses a wake-up goes on as long as something else wakes the thread.
#[test]
fn a_forgotten_waiter_may_be_woken_by_the_next_event() {
    assert_eq!(counterexample(Fault::SendForgetsWaiters, &s::one_message()), None);
    assert_eq!(counterexample(Fault::CloseForgetsWaiters, &s::one_message()), None);
    assert_eq!(counterexample(Fault::SendForgetsWaiters, &s::close_races_send()), None);
    assert_eq!(counterexample(Fault::CloseForgetsWaiters, &s::question_and_answer()), None);
    let sender = thread("sender").handle("x", 0).handle("y", 1).tx("tx", 0);
    let sender = sender.attach(A, |t| t.send("tx", "x").send("tx", "y"));
    let receiver = thread("receiver").rx("rx", 0).recv("rx", "v").recv("rx", "w");
    let full = scenario("full", &[("x", A), ("y", A)], &[("c", Some(1))], vec![sender, receiver]);
    assert_eq!(counterexample(Fault::CloseForgetsWaiters, &full), None);
}

/// A fault shows only where the protocol comes to it: a channel without messages is closed under no lock for long, and a
/// thread of the owner need not wait for itself.
#[test]
fn a_fault_without_an_occasion_does_not_show() {
    let closing = thread("closing").rx("rx", 0).close("rx").attach(A, |t| t.safepoint());
    let closing = scenario("closing", &[], &[("c", None)], vec![closing]);
    assert_eq!(counterexample(Fault::DiscardUnderChannelLock, &closing), None);
    let at_home = thread("at-home").view("v", 0).attach(A, |t| t.drop("v"));
    let at_home = scenario("at-home", &[("x", A)], &[], vec![at_home]);
    assert_eq!(counterexample(Fault::ReleaseGivesUp, &at_home), None);
    assert_eq!(counterexample(Fault::OwnLockKept, &at_home), None);
}

/// A way that does not end is shown until it has gone round once.
#[test]
fn an_endless_walk_is_shown_as_a_round() {
    let rules = Rules::with_fault(&s::crossing_ends(), Fault::WalkGoesRound);
    let found = counterexample(Fault::WalkGoesRound, rules.scenario()).expect("the fault is refuted");
    let states: Vec<_> = (found.path.iter())
        .scan(rules.initial(), |state, &action| {
            *state = rules.step(state, action).expect("every action of the round is lawful");
            Some(state.clone())
        })
        .collect();
    assert_eq!(states[found.path.len() - 1], states[found.path.len() - 3]);
    assert_eq!(found.violation.why, "the last 2 actions can repeat for ever");
}
