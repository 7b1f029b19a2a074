//! Every fault is refuted, in the guarantee that it breaks, by a counterexample that can be replayed.

use super::build::{A, scenario, thread};
use super::strategies::QUEUES;
use super::{life, scenarios as s, slots};
use crate::scenario::{Scenario, Strategy};
use crate::spec::{Counterexample, Fault, Guarantee, Refusal, Rules, Violation, explore};

/// A fault, the scenario that refutes it under the first of its strategies, and how many actions that takes at least.
type Refutation = (Fault, fn() -> Scenario, usize);

const REFUTED_BY: &[Refutation] = &[
    (Fault::WrongCause, s::busy_owner, 4),
    (Fault::LockAtClone, s::clones, 1),
    (Fault::LockAtEveryRelease, s::clones, 3),
    (Fault::ProxyNotSought, s::one_message, 6),
    (Fault::LockAtReceive, s::one_message, 7),
    (Fault::LockAtLastRelease, s::one_message, 10),
    (Fault::LockAtPeek, slots::replaced, 9),
    (Fault::ThawIgnoresMessages, s::thaw_races_message, 4),
    (Fault::ThawIgnoresViews, s::thaw_races_release, 2),
    (Fault::NoLockAtCreation, s::one_message, 5),
    (Fault::NoLockAtRelease, s::busy_owner, 3),
    (Fault::MessageWithoutReference, s::one_message, 3),
    (Fault::MessageWithoutExport, s::one_message, 3),
    (Fault::ViewWithoutReference, s::one_message, 9),
    (Fault::DoubleRelease, s::thaw_races_release, 8),
    (Fault::ForgottenRelease, s::busy_owner, 2),
    (Fault::CloneNotCounted, s::clones, 1),
    (Fault::NoLockAtClone, s::clones, 1),
    (Fault::AbsorbedForgotten, s::two_receivers, 16),
    (Fault::DeadProxyRevived, s::two_receivers, 20),
    (Fault::CollectWithoutLock, s::returns, 4),
    (Fault::BypassedGuard, slots::replaced, 2),
    (Fault::RetiredAtOnce, slots::replaced, 14),
    (Fault::PublishWithoutExport, slots::replaced, 4),
    (Fault::ValueNeverReturned, slots::replaced, 14),
    (Fault::LastHolderForgets, slots::replaced, 32),
    (Fault::WithdrawLeaks, s::timeouts, 5),
    (Fault::DiscardLeaks, s::discard, 11),
    (Fault::PanicLeaks, s::panic, 4),
    (Fault::NobodyAdopts, life::view_held, 9),
    (Fault::OwnLockKept, s::busy_owner, 3),
    (Fault::DiscardUnderChannelLock, s::discard, 10),
    (Fault::RemovalUnderChannelLock, life::undelivered_is_removed, 10),
    (Fault::ErrandWhileAttached, s::returns, 10),
    (Fault::DuplicateDelivery, s::one_message, 4),
    (Fault::LostMessage, s::one_message, 4),
    (Fault::LifoOrder, s::two_senders, 5),
    (Fault::TimeoutForgetsRace, s::timeouts, 5),
    (Fault::InterruptForgetsRace, life::send_interrupted, 7),
    (Fault::EndDropsUndelivered, life::message_queued, 5),
    (Fault::RemoveTakesTheNext, life::one_of_two_removed, 8),
    (Fault::PolicyAndValue, life::undelivered_is_error, 13),
    (Fault::WaitWithOwnLock, s::same_interpreter, 2),
    (Fault::CloseForgetsWaiters, s::close_races_receive, 13),
    (Fault::SendForgetsWaiters, s::question_and_answer, 7),
    (Fault::WalkGoesRound, s::crossing_ends, 6),
    (Fault::WalkLooksForItsStart, s::end_into_crossing, 8),
    (Fault::EndForgetsWaiters, life::wait_interrupted, 6),
    (Fault::EndWaitsForLeavers, life::ended_by_all, 4),
    (Fault::LastHandleFreesViews, s::clones, 5),
    (Fault::LastHandleFreesMessages, s::thaw_races_message, 9),
    (Fault::EndFreesUnderViews, life::view_held, 6),
    (Fault::EndWithThreadInside, life::ended_by_all, 3),
    (Fault::EndsTwice, life::ended_by_all, 5),
    (Fault::LastLeaverForgets, life::ended_by_all, 4),
    (Fault::AttachAfterEnd, life::not_admitted, 7),
    (Fault::InspectionIgnored, life::undelivered_is_error, 13),
    (Fault::BoundedReleaseList, s::busy_owner, 4),
    (Fault::ReleaseGivesUp, s::busy_owner, 3),
    (Fault::ReturnListDropsWhenFull, s::returns, 7),
    (Fault::ErrandForgotten, s::returns, 2),
    (Fault::ErrandDoneBlindly, s::returns, 3),
    (Fault::ErrandLeftSet, s::returns, 5),
    (Fault::DepartureLooksAway, s::mutual_return, 8),
    (Fault::LendsUnattended, s::one_message, 1),
    (Fault::OutboxKept, s::released_in_pairs, 6),
    (Fault::ReachabilityUnchecked, s::crossing_ends, 4),
    (Fault::MoorAfterProbe, s::crossing_ends, 8),
    (Fault::EndsLeakAtClose, s::discard, 7),
];

/// The scenarios that a strategy is for.
fn everything_for(strategy: Strategy) -> Vec<Scenario> {
    if strategy == Strategy::Epoch { slots::all() } else { s::all().into_iter().chain(life::all()).collect() }
}

/// What refutes a fault under one of its strategies, the first one unless another is named.
fn counterexample(fault: Fault, scenario: &Scenario) -> Option<Counterexample> {
    counterexample_under(fault.strategies()[0], fault, scenario)
}

fn counterexample_under(strategy: Strategy, fault: Fault, scenario: &Scenario) -> Option<Counterexample> {
    explore(&Rules::with_fault(scenario, strategy, fault), None).expect("there is no limit").violation
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
        let strategy = fault.strategies()[0];
        for scenario in everything_for(strategy) {
            breaks_its_guarantee(strategy, fault, &scenario);
        }
    }
}

/// It shows under each of its strategies.
#[test]
fn every_fault_is_refuted_under_each_of_its_strategies() {
    for (fault, strategy) in Fault::ALL.iter().flat_map(|fault| fault.strategies().iter().map(move |s| (*fault, *s))) {
        let found = everything_for(strategy).iter().any(|scenario| breaks_its_guarantee(strategy, fault, scenario));
        assert!(found, "{fault} survives under {}", strategy.name());
    }
}

fn breaks_its_guarantee(strategy: Strategy, fault: Fault, scenario: &Scenario) -> bool {
    let Some(found) = counterexample_under(strategy, fault, scenario) else { return false };
    let Violation { guarantee, why } = found.violation;
    assert_eq!(guarantee, fault.guarantee(), "{fault} under {} on {}: {why}", strategy.name(), scenario.name);
    true
}

/// Under the other strategies there is no such fault.
#[test]
fn a_fault_is_none_under_other_strategies() {
    for (&fault, strategy) in Fault::ALL.iter().flat_map(|fault| QUEUES.map(|strategy| (fault, strategy))) {
        let rules = Rules::with_fault(&s::one_message(), strategy, fault);
        assert_eq!(
            rules.fault().is_some(),
            fault.strategies().contains(&strategy),
            "{fault} under {}",
            strategy.name()
        );
    }
    assert_eq!(counterexample_under(Strategy::Shared, Fault::LockAtClone, &s::clones()), None);
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
        let rules = Rules::with_fault(&scenario(), fault.strategies()[0], fault);
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

/// A fault shows only where the protocol comes to it: a channel without messages is closed under no lock for long, a
/// thread of the owner need not wait for itself, and who forgets waiters at a send does not forget them at an end.
#[test]
fn a_fault_without_an_occasion_does_not_show() {
    let closing = thread("closing").rx("rx", 0).close("rx").attach(A, |t| t.safepoint());
    let closing = scenario("closing", &[], &[("c", None)], vec![closing]);
    assert_eq!(counterexample(Fault::DiscardUnderChannelLock, &closing), None);
    let at_home = thread("at-home").view("v", 0).attach(A, |t| t.drop("v"));
    let at_home = scenario("at-home", &[("x", A)], &[], vec![at_home]);
    assert_eq!(counterexample(Fault::ReleaseGivesUp, &at_home), None);
    assert_eq!(counterexample(Fault::OwnLockKept, &at_home), None);
    assert_eq!(counterexample(Fault::SendForgetsWaiters, &life::wait_interrupted()), None);
}

/// A dead proxy that is revived is still that of its interpreter.
#[test]
fn a_revived_proxy_is_a_proxy() {
    let rules = Rules::with_fault(&s::two_receivers(), Strategy::Proxy, Fault::DeadProxyRevived);
    let found = counterexample(Fault::DeadProxyRevived, rules.scenario()).expect("the fault is refuted");
    let mut state = rules.initial();
    for action in found.path {
        let Ok(next) = rules.step(&state, action) else { break };
        state = next;
        assert!(state.views.iter().flatten().all(|view| view.proxy == Some(1)), "{state:?}");
    }
}

/// A way that does not end is shown until it has gone round once.
#[test]
fn an_endless_walk_is_shown_as_a_round() {
    let rules = Rules::with_fault(&s::crossing_ends(), Strategy::View, Fault::WalkGoesRound);
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
