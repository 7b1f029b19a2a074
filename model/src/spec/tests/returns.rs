//! The law of return lists and of proxies: each part refuses what breaks just it.

use super::find;
use super::scenarios;
use crate::scenario::Strategy;
use crate::spec::state::State;
use crate::spec::thread::Claim;
use crate::spec::{Action, Kind, Refusal, Rules};

/// `one-message` under a strategy, when the receiver has dropped its view and has yet to give it back.
fn releasing(strategy: Strategy) -> (Rules, State) {
    let rules = Rules::new(&scenarios::one_message(), strategy);
    let state = find(&rules, |state| state.threads[1].hands == [Claim::View(0)]);
    (rules, state)
}

/// `one-message` under `deferred`, when x is on the list of A, and the receiver has the errand.
fn returned() -> (Rules, State) {
    let rules = Rules::new(&scenarios::one_message(), Strategy::Deferred);
    let state = find(&rules, |state| state.has_errand(0) && state.locks == [None, None]);
    (rules, state)
}

fn assert_unlawful(rules: &Rules, state: &State, thread: usize, kind: Kind, why: &str) {
    let Err(Refusal::Violation(violation)) = rules.step(state, Action { thread, kind }) else { panic!("{why}") };
    assert_eq!(violation.to_string(), why);
}

fn assert_broken(rules: &Rules, state: &State, damage: impl Fn(&mut State), why: &str) {
    assert_eq!(rules.check(state), Ok(()));
    let mut damaged = state.clone();
    damage(&mut damaged);
    assert_eq!(rules.check(&damaged).map_err(|found| found.to_string()), Err(why.to_owned()));
}

#[test]
fn only_who_is_inside_collects() {
    let (rules, state) = returned();
    let interpreter = 0;
    for (kind, words) in [
        (Kind::Attend { interpreter }, "attends to the return list of A"),
        (Kind::Unattend { interpreter }, "no longer attends to the return list of A"),
        (Kind::Look { interpreter }, "finds nothing on the return list of A"),
        (Kind::Collect { interpreter }, "takes a buffer off the return list of A"),
    ] {
        assert_unlawful(&rules, &state, 1, kind, &format!("G3 counting: receiver {words} without the lock of A"));
    }
    let mut inside = state.clone();
    inside.locks[0] = Some(1);
    inside.returns[0].buffers.clear();
    let why = "G3 counting: receiver takes a buffer off the return list of A although nothing is on it";
    assert_unlawful(&rules, &inside, 1, Kind::Collect { interpreter }, why);
}

#[test]
fn only_what_is_in_hand_is_returned() {
    let (rules, mut state) = releasing(Strategy::Deferred);
    let kind = Kind::Return { interpreter: 0, buffer: 0 };
    assert!(rules.step(&state, Action { thread: 1, kind }).is_ok());
    state.threads[1].hands.clear();
    let why = "G3 counting: receiver puts x on the return list of A without having it to give back";
    assert_unlawful(&rules, &state, 1, kind, why);
}

#[test]
fn only_who_has_an_errand_runs_it() {
    let (rules, state) = returned();
    let why = "G8 release cannot fail: sender looks whether A still needs it without having the errand";
    assert_unlawful(&rules, &state, 0, Kind::LetGo { interpreter: 0 }, why);
}

/// A message without an export gives none back, one with an export does.
#[test]
fn only_an_exported_message_is_unexported() {
    let unexport = Action { thread: 1, kind: Kind::Unexport { buffer: 0 } };
    for (strategy, lawful) in [(Strategy::View, false), (Strategy::Shared, false), (Strategy::Handover, true)] {
        let (rules, mut state) = releasing(strategy);
        state.locks = vec![Some(1), None];
        state.threads[1].hands = vec![Claim::Message { buffer: 0, version: 0 }];
        let refused = matches!(rules.step(&state, unexport), Err(Refusal::Violation(_)));
        assert_eq!(refused, !lawful, "{}", strategy.name());
    }
}

#[test]
fn only_what_was_received_seeks_and_joins() {
    let (rules, state) = releasing(Strategy::Proxy);
    let why = "G3 counting: receiver looks for a proxy of x without a message of it";
    assert_unlawful(&rules, &state, 1, Kind::Seek { buffer: 0 }, why);
    let why = "G3 counting: receiver brings its view to the proxy of x without having made one";
    assert_unlawful(&rules, &state, 1, Kind::Join { buffer: 0 }, why);
}

/// A strategy without return lists has no part for what is about them.
#[test]
fn a_list_belongs_to_an_owner_under_a_strategy_that_has_lists() {
    let (rules, state) = releasing(Strategy::View);
    for kind in [Kind::Attend { interpreter: 0 }, Kind::Return { interpreter: 0, buffer: 0 }] {
        let step = rules.step(&state, Action { thread: 1, kind });
        assert!(matches!(step, Err(Refusal::Unexpected { .. })), "{step:?}");
    }
    let (rules, state) = releasing(Strategy::Deferred);
    let elsewhere = Kind::Return { interpreter: 1, buffer: 0 };
    assert!(matches!(rules.step(&state, Action { thread: 1, kind: elsewhere }), Err(Refusal::Unexpected { .. })));
}

#[test]
fn somebody_sees_to_what_is_returned() {
    let (rules, state) = returned();
    let why = "G8 release cannot fail: nobody will see to the 1 buffers on the return list of A";
    assert_broken(&rules, &state, |state| state.returns[0].errand = false, why);
    let why = "G8 release cannot fail: the errand for A is taken, but 0 threads have it";
    assert_broken(&rules, &state, |state| state.threads[1].errands.clear(), why);
    let why = "G8 release cannot fail: the errand for A is taken, but 2 threads have it";
    assert_broken(&rules, &state, |state| state.threads[0].errands.push(0), why);
    let why = "G8 release cannot fail: the errand for B is not taken, but 1 threads have it";
    assert_broken(&rules, &state, |state| state.threads[0].errands.push(1), why);
}

/// Whoever stays where something was lent attends, and nothing is exported where nothing was lent.
#[test]
fn who_stays_with_a_lender_attends() {
    let (rules, state) = returned();
    let why = "G8 release cannot fail: x is exported, but A has lent nothing";
    assert_broken(&rules, &state, |state| state.returns[0].lends = false, why);
    let attending = find(&rules, |state| state.returns[0].attended && state.threads[0].home == Some(0));
    let why = "G8 release cannot fail: the thread in A does not attend to its return list";
    assert_broken(&rules, &attending, |state| state.returns[0].attended = false, why);
}

/// What is on a list is counted, and so is what is exported while it is in flight or on its way to a proxy.
#[test]
fn what_is_returned_exported_or_absorbed_is_counted() {
    let (rules, state) = returned();
    let why = "G3 counting: x counts 2 references, but there are 0 handles + 0 messages + 1 views";
    assert_broken(&rules, &state, |state| state.buffers[0].references = 2, why);
    let rules = Rules::new(&scenarios::one_message(), Strategy::Handover);
    let sent = find(&rules, |state| state.queued(0) == 1 && state.locks == [None, None]);
    let why = "G3 counting: x counts 0 exports, but there are 1 messages + 0 views";
    assert_broken(&rules, &sent, |state| state.buffers[0].exports = 0, why);
    let rules = Rules::new(&scenarios::two_receivers(), Strategy::Proxy);
    let fresh = find(&rules, |state| state.threads[1].hands == [Claim::Fresh { buffer: 0, version: 0 }]);
    let fresh = rules.step(&fresh, Action { thread: 1, kind: Kind::Leave { interpreter: 0 } }).expect("it is made");
    let why = "G3 counting: x counts 0 exports, but there are 1 views";
    assert_broken(&rules, &fresh, |state| state.buffers[0].exports = 0, why);
    let why = "G2 no mutable alias: x was sent as x0, but now has the bytes of x1";
    assert_broken(&rules, &fresh, |state| state.buffers[0].version = 1, why);
    let absorbed = find(&rules, |state| state.views.iter().flatten().any(|view| view.references == 2));
    let view = absorbed.views.iter().position(Option::is_some).expect("it was found");
    let damage = |state: &mut State| state.views[view].as_mut().expect("it is there").references = 1;
    let why = "G3 counting: x counts 2 references, but there are 0 handles + 0 messages + 1 views";
    assert_broken(&rules, &absorbed, damage, why);
}

/// At the end the lists are as at the start.
#[test]
fn at_the_end_no_list_is_in_use() {
    let rules = Rules::new(&scenarios::one_message(), Strategy::Deferred);
    let end = find(&rules, |state| rules.finished(state));
    let damages: [fn(&mut State); 3] = [
        |end| end.returns[0].attended = true,
        |end| end.returns[0].errand = true,
        |end| end.returns[0].buffers.push(0),
    ];
    for damage in damages {
        let mut damaged = end.clone();
        damage(&mut damaged);
        let why = "G8 release cannot fail: the return list of A is in use at the end";
        assert_eq!(rules.check_end(&damaged).map_err(|found| found.to_string()), Err(why.to_owned()));
    }
}
