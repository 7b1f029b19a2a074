//! `step` takes exactly the enabled actions, and refuses everything else without a panic.

use super::scenarios;
use super::strategies::QUEUES;
use crate::spec::{Action, Cause, Kind, Refusal, Rules, Side, State, Why, explore};

/// Every kind of action, with this index everywhere, and with `other` where there are two.
fn kinds(index: usize, other: usize) -> Vec<Kind> {
    let (interpreter, buffer, channel) = (index, index, index);
    let mut kinds = vec![
        Kind::Leave { interpreter },
        Kind::Stay { interpreter },
        Kind::Reference { buffer },
        Kind::Dereference { buffer },
        Kind::Export { buffer },
        Kind::Unexport { buffer },
        Kind::Free { buffer },
        Kind::Thaw { buffer },
        Kind::ThawRefused { buffer },
        Kind::Freeze { buffer },
        Kind::CloneView { buffer },
        Kind::DropView { buffer },
        Kind::Read { buffer },
        Kind::Send { channel },
        Kind::Receive { channel },
        Kind::CloneSender { channel },
        Kind::DropSender { channel },
        Kind::Close { channel, side: Side::Send },
        Kind::Close { channel, side: Side::Receive },
        Kind::Moor { channel, inside: None },
        Kind::Moor { channel, inside: Some(other) },
        Kind::Probe { channel },
        Kind::Ending { interpreter },
        Kind::Ended { interpreter },
        Kind::Inspect { interpreter },
        Kind::Attend { interpreter },
        Kind::Unattend { interpreter },
        Kind::Look { interpreter },
        Kind::Collect { interpreter },
        Kind::Return { interpreter, buffer },
        Kind::Return { interpreter, buffer: other },
        Kind::LetGo { interpreter },
        Kind::Seek { buffer },
        Kind::Join { buffer },
    ];
    kinds.extend(Cause::ALL.map(|cause| Kind::Enter { interpreter, cause }));
    for why in [Why::NotReady, Why::Closed, Why::Interrupted, Why::TimedOut] {
        kinds.extend([Kind::SendRefused { channel, why }, Kind::ReceiveRefused { channel, why }]);
    }
    kinds
}

fn assert_refuses(rules: &Rules, state: &State, actions: &[Action]) {
    let enabled = rules.enabled(state);
    for &action in actions {
        let step = rules.step(state, action);
        assert_eq!(step.is_ok(), enabled.contains(&action), "{action}");
        if step == Err(Refusal::Blocked) {
            assert!(rules.wants(state, action.thread).contains(&action), "{action}");
        }
        rules.narrate(state, action);
        rules.is_foreign(state, action);
        rules.reported(state, action, state);
    }
}

#[test]
fn step_takes_the_enabled_actions_and_nothing_else() {
    let indices = [0, 1, 2, 3, 255, 256, usize::MAX];
    let kinds: Vec<Kind> = indices.iter().flat_map(|&index| kinds(index, indices[5])).chain(kinds(0, 1)).collect();
    let threads = [0, 1, 2, 300, usize::MAX];
    let actions = kinds.iter().flat_map(|&kind| threads.map(|thread| Action { thread, kind }));
    let actions: Vec<Action> = actions.collect();
    let scenarios = [
        scenarios::one_message(),
        scenarios::thaw_races_release(),
        scenarios::crossing_ends(),
        super::life::undelivered_is_removed(),
    ];
    for (scenario, strategy) in scenarios.iter().flat_map(|scenario| QUEUES.map(|strategy| (scenario, strategy))) {
        let rules = Rules::new(scenario, strategy);
        let states = explore(&rules, None).expect("there is no limit").states;
        states.iter().for_each(|state| assert_refuses(&rules, state, &actions));
    }
}

/// The same for every broken protocol, on the states that it reaches before it is refuted.
#[test]
fn broken_protocols_do_not_panic_either() {
    let actions: Vec<Action> =
        kinds(0, 1).into_iter().flat_map(|kind| [0, 1].map(|thread| Action { thread, kind })).collect();
    let faults = crate::spec::Fault::ALL.iter();
    for (fault, strategy) in faults.flat_map(|&fault| QUEUES.map(|strategy| (fault, strategy))) {
        let rules = Rules::with_fault(&scenarios::busy_owner(), strategy, fault);
        for state in explore(&rules, None).expect("there is no limit").states {
            actions.iter().for_each(|&action| drop(rules.step(&state, action)));
        }
    }
}
