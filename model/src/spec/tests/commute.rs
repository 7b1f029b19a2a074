//! Footprints are right: what they call independent commutes, and neither enables nor disables the other.

use super::strategies::QUEUES;
use super::{life, scenarios, slots};
use crate::scenario::Strategy;
use crate::spec::{Action, Cause, Kind, Object, Rules, State, explore};

/// Every pair of actions of two threads, in every state of every scenario, under every strategy.
#[test]
fn independent_actions_commute() {
    let mut pairs = 0;
    let scenarios = [scenarios::all(), life::all()].concat();
    let slots = slots::all();
    let queues = scenarios.iter().flat_map(|scenario| QUEUES.map(|strategy| (scenario, strategy)));
    for (scenario, strategy) in queues.chain(slots.iter().map(|scenario| (scenario, Strategy::Epoch))) {
        let rules = Rules::new(scenario, strategy);
        let exploration = explore(&rules, None).expect("there is no limit");
        pairs += exploration.states.iter().map(|state| assert_commutes(&rules, state)).sum::<usize>();
    }
    assert_eq!(
        pairs, 119_460,
        "footprints that are too coarse to be of use find fewer, those that are too fine are refuted above"
    );
}

fn assert_commutes(rules: &Rules, state: &State) -> usize {
    let enabled = rules.enabled(state);
    let mut pairs = 0;
    for &a in &enabled {
        let after_a = rules.step(state, a).expect("it is enabled");
        for &b in enabled.iter().filter(|&&b| rules.independent(state, a, b)) {
            let after_b = rules.step(state, b).expect("it is enabled");
            let ab = rules.step(&after_a, b).unwrap_or_else(|refusal| panic!("{a} disables {b}: {refusal}"));
            assert_eq!(Ok(ab), rules.step(&after_b, a), "{a} and {b}");
            pairs += 1;
        }
        let newly = rules.enabled(&after_a).into_iter().filter(|b| b.thread != a.thread && !enabled.contains(b));
        newly.for_each(|b| assert!(!rules.independent(state, a, b), "{a} enables {b}"));
    }
    pairs
}

fn reads(kind: Kind) -> Vec<Object> {
    Action { thread: 0, kind }.footprint().reads().collect()
}

fn writes(kind: Kind) -> Vec<Object> {
    Action { thread: 0, kind }.footprint().writes().collect()
}

#[test]
fn footprints_name_what_is_touched() {
    assert_eq!(writes(Kind::Enter { interpreter: 3, cause: Cause::Attach }), [Object::Lock(3)]);
    assert_eq!(writes(Kind::Stay { interpreter: 3 }), []);
    assert_eq!(reads(Kind::Stay { interpreter: 3 }), []);
    assert_eq!(writes(Kind::Free { buffer: 1 }), [Object::Counts(1), Object::Bytes(1)]);
    assert_eq!(reads(Kind::Read { buffer: 1 }), [Object::Bytes(1)]);
    assert_eq!(reads(Kind::ThawRefused { buffer: 1 }), [Object::Counts(1)]);
    assert_eq!(writes(Kind::Send { channel: 2 }), [Object::Channel(2)]);
    assert_eq!(writes(Kind::Moor { channel: 2, inside: Some(4) }), [Object::Mooring(2)]);
    assert_eq!(reads(Kind::Probe { channel: 2 }), [Object::Mooring(2)]);
    assert_eq!(writes(Kind::Return { interpreter: 3, buffer: 1 }), [Object::Returns(3)]);
    assert_eq!(reads(Kind::Look { interpreter: 3 }), [Object::Returns(3)]);
}

/// Two threads may read one object at the same time; one thread's actions never commute with each other.
#[test]
fn readers_do_not_conflict() {
    let read = |thread| Action { thread, kind: Kind::Read { buffer: 0 } };
    let free = Action { thread: 1, kind: Kind::Free { buffer: 0 } };
    let rules = Rules::new(&scenarios::one_message(), Strategy::View);
    let independent = |a, b| rules.independent(&rules.initial(), a, b);
    assert!(independent(read(0), read(1)));
    assert!(!independent(read(0), read(0)));
    assert!(!independent(read(0), free));
    assert!(!independent(free, read(0)));
}
