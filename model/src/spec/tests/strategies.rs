//! Every strategy keeps all guarantees, within its own row.

use std::collections::BTreeSet;

use super::find;
use super::scenarios;
use super::words::{OPERATIONS, assert_reports};
use crate::scenario::{Scenario, Strategy};
use crate::spec::thread::Claim;
use crate::spec::{
    Action, Cause, Exploration, Guarantee, Kind, Operation, Refusal, Reported, Rules, explore, lawful_rows,
};

/// The strategies that share through channels.
pub(super) const QUEUES: [Strategy; 5] =
    [Strategy::Shared, Strategy::Proxy, Strategy::View, Strategy::Handover, Strategy::Deferred];

fn explored(scenario: &Scenario, strategy: Strategy) -> Exploration {
    let exploration = explore(&Rules::new(scenario, strategy), None).expect("there is no limit");
    assert_eq!(exploration.violation, None, "{} under {}", scenario.name, strategy.name());
    exploration
}

/// No strategy breaks a guarantee, and whoever looks at results only cannot tell one from another.
#[test]
fn every_strategy_keeps_the_guarantees() {
    for scenario in scenarios::all() {
        let outcomes = QUEUES.map(|strategy| explored(&scenario, strategy).outcomes);
        assert!(outcomes.iter().all(|other| *other == outcomes[0]), "{}: {outcomes:?}", scenario.name);
    }
}

/// How many states a scenario has under each strategy, in the order of [`QUEUES`].
type Sizes = (fn() -> Scenario, [usize; 5]);

const SIZES: &[Sizes] = &[
    (scenarios::one_message, [56, 64, 56, 55, 115]),
    (scenarios::clones, [1336, 313, 313, 313, 652]),
    (scenarios::two_receivers, [1551, 1824, 1032, 824, 1930]),
    (scenarios::returns, [204, 224, 204, 197, 1729]),
    (scenarios::mutual_return, [114, 55, 55, 55, 466]),
    (scenarios::withdrawn, [199, 199, 199, 188, 649]),
    (scenarios::ring_of_ends, [991; 5]),
];

#[test]
fn every_strategy_has_as_many_states_as_it_always_had() {
    for (scenario, sizes) in SIZES {
        let scenario = scenario();
        let found = QUEUES.map(|strategy| explored(&scenario, strategy).states.len());
        assert_eq!(found, *sizes, "{}", scenario.name);
    }
}

/// G1: the rows, as exploration finds them. What belongs to no row is the drop of a handle, what is discarded, and errands.
#[test]
fn every_strategy_keeps_to_its_row() {
    let creations = [(Operation::Receive, Cause::ViewCreation)];
    let last = [(Operation::LastRelease, Cause::ViewRelease)];
    let each = [
        (Operation::Clone, Cause::ViewCreation),
        (Operation::Slice, Cause::ViewCreation),
        (Operation::Release, Cause::ViewRelease),
    ];
    let discard = [(Operation::Discard, Cause::ViewRelease)];
    let handle = [(Operation::DropHandle, Cause::Attach)];
    let errand = [(Operation::Errand, Cause::Collection)];
    for (strategy, row) in [
        (Strategy::Shared, [&creations[..], &each, &last, &discard, &handle].concat()),
        (Strategy::Proxy, [&creations[..], &last, &discard, &handle].concat()),
        (Strategy::View, [&creations[..], &last, &discard, &handle].concat()),
        (Strategy::Handover, [&last[..], &discard, &handle].concat()),
        (Strategy::Deferred, [&handle[..], &errand].concat()),
    ] {
        let tables = scenarios::all().into_iter().flat_map(|scenario| explored(&scenario, strategy).lock_table);
        let expected: BTreeSet<(Operation, Cause)> = row.into_iter().collect();
        assert_eq!(tables.collect::<BTreeSet<_>>(), expected, "{}", strategy.name());
    }
}

/// G1: the same rows, as the law has them: whatever a thread has in its hands, everything else is a violation.
#[test]
fn the_law_allows_the_row_and_nothing_else() {
    let expected = |strategy| match strategy {
        Strategy::Shared => {
            "receive: view creation, clone: view creation, slice: view creation, release: view release, \
             last-release: view release, discard: view release"
        }
        Strategy::Proxy | Strategy::View => "receive: view creation, last-release: view release, discard: view release",
        Strategy::Handover => "last-release: view release, discard: view release",
        Strategy::Deferred | Strategy::Epoch => "errand: collection",
    };
    for strategy in Strategy::ALL {
        let mut allowed = vec![];
        for operation in OPERATIONS {
            let causes = [Cause::ViewCreation, Cause::ViewRelease, Cause::Collection].into_iter();
            allowed.extend(causes.filter(|&cause| allows(strategy, operation, cause)).map(|cause| (operation, cause)));
        }
        let words: Vec<String> = allowed.iter().map(|(operation, cause)| format!("{operation}: {cause}")).collect();
        assert_eq!(words.join(", "), expected(strategy), "{}", strategy.name());
        // The same without a state: what could have errands, and what attaches where it says.
        let attaching = OPERATIONS.into_iter().filter(|operation| operation.may_attach());
        let rows = attaching.map(|operation| (operation, Cause::Attach)).chain(allowed);
        let rows = rows.chain([(Operation::Errand, Cause::Collection)]).collect();
        assert_eq!(lawful_rows(strategy), rows, "{}", strategy.name());
    }
}

/// Whether a thread that holds a view of x, and has all that it can have of x in its hands, may acquire A.
fn allows(strategy: Strategy, operation: Operation, cause: Cause) -> bool {
    let rules = Rules::new(&scenarios::clones(), strategy);
    let mut state = rules.initial();
    let me = &mut state.threads[1];
    me.operation = operation;
    let (buffer, version) = (0, 0);
    me.hands = vec![Claim::Message { buffer, version }, Claim::Sought { buffer, version }, Claim::View(0)];
    me.errands = if strategy == Strategy::Deferred || strategy == Strategy::Epoch { vec![0] } else { vec![] };
    match rules.step(&state, Action { thread: 1, kind: Kind::Enter { interpreter: 0, cause } }) {
        Err(Refusal::Violation(violation)) => {
            assert_eq!(violation.guarantee, Guarantee::G1);
            false
        }
        _ => true,
    }
}

/// A script: who does what, and what the event reports.
fn assert_script(rules: &Rules, script: &[(usize, &str, Reported)]) {
    let state = script.iter().fold(rules.initial(), |state, &(thread, words, reported)| {
        assert_reports(rules, &state, thread, words, reported)
    });
    assert!(rules.finished(&state));
}

/// The release of the only view, when nobody attends to the owner's list.
#[test]
fn deferred_runs_an_errand() {
    let rules = Rules::new(&scenarios::one_message(), Strategy::Deferred);
    assert_script(
        &rules,
        &[
            (0, "attaches to A", Reported::Nothing),
            (0, "attends to the return list of A", Reported::Pending(false)),
            (0, "exports x to a view", Reported::Exports(1)),
            (0, "sends x into c", Reported::Queued(1)),
            (0, "no longer attends to the return list of A", Reported::Errand(false)),
            (0, "leaves A", Reported::Nothing),
            (0, "drops a send end of c", Reported::Senders(0)),
            (1, "attaches to B", Reported::Nothing),
            (1, "receives x from c", Reported::Queued(0)),
            (1, "reads x", Reported::Nothing),
            (1, "drops a view of x", Reported::Clones(0)),
            (1, "puts x on the return list of A", Reported::Returned { buffers: 1, errand: true }),
            (1, "leaves B", Reported::Nothing),
            (1, "looks whether A still needs it", Reported::Kept(true)),
            (1, "acquires A for collection", Reported::Nothing),
            (1, "attends to the return list of A", Reported::Pending(true)),
            (1, "takes x off the return list of A", Reported::Nothing),
            (1, "gives back the export of x", Reported::Exports(0)),
            (1, "gives back a reference to x", Reported::References(0)),
            (1, "frees x", Reported::Nothing),
            (1, "no longer attends to the return list of A", Reported::Errand(false)),
            (1, "leaves A", Reported::Nothing),
            (1, "looks whether A still needs it", Reported::Kept(false)),
            (1, "closes c for receiving", Reported::Discarded(0)),
        ],
    );
}

/// The second message is absorbed: only the first one costs a visit, and only the last clone another one.
#[test]
fn a_proxy_absorbs() {
    let rules = Rules::new(&scenarios::two_receivers(), Strategy::Proxy);
    assert_script(
        &rules,
        &[
            (0, "attaches to A", Reported::Nothing),
            (0, "takes a reference to x", Reported::References(2)),
            (0, "sends x into c", Reported::Queued(1)),
            (0, "sends x into d", Reported::Queued(1)),
            (0, "leaves A", Reported::Nothing),
            (0, "drops a send end of c", Reported::Senders(0)),
            (0, "drops a send end of d", Reported::Senders(0)),
            (1, "attaches to B", Reported::Nothing),
            (1, "receives x from c", Reported::Queued(0)),
            (1, "looks for a proxy of x", Reported::Clones(0)),
            (1, "leaves B", Reported::Nothing),
            (1, "acquires A for view creation", Reported::Nothing),
            (1, "exports x to a view", Reported::Exports(1)),
            (1, "leaves A", Reported::Nothing),
            (1, "brings its view to the proxy of x", Reported::Clones(1)),
            (1, "returns to B", Reported::Nothing),
            (1, "clones a view of x", Reported::Clones(2)),
            (1, "drops a view of x", Reported::Clones(1)),
            (1, "reads x", Reported::Nothing),
            (1, "leaves B", Reported::Nothing),
            (2, "attaches to B", Reported::Nothing),
            (2, "receives x from d", Reported::Queued(0)),
            (2, "looks for a proxy of x", Reported::Clones(2)),
            (2, "reads x", Reported::Nothing),
            (2, "drops a view of x", Reported::Clones(1)),
            (2, "leaves B", Reported::Nothing),
            (2, "closes d for receiving", Reported::Discarded(0)),
            (1, "closes c for receiving", Reported::Discarded(0)),
            (1, "drops a view of x", Reported::Clones(0)),
            (1, "acquires A for view release", Reported::Nothing),
            (1, "gives back the export of x", Reported::Exports(0)),
            (1, "gives back a reference to x", Reported::References(1)),
            (1, "gives back a reference to x", Reported::References(0)),
            (1, "frees x", Reported::Nothing),
            (1, "leaves A", Reported::Nothing),
        ],
    );
}

/// A clone that is a view of its own.
#[test]
fn a_shared_clone_visits_the_owner() {
    let rules = Rules::new(&scenarios::clones(), Strategy::Shared);
    let mut state = rules.initial();
    for (words, reported) in [
        ("acquires A for view creation", Reported::Nothing),
        ("takes a reference to x", Reported::References(4)),
        ("exports x to a view", Reported::Exports(3)),
        ("leaves A", Reported::Nothing),
        ("reads x", Reported::Nothing),
        ("drops a view of x", Reported::Clones(0)),
        ("acquires A for view release", Reported::Nothing),
    ] {
        state = assert_reports(&rules, &state, 2, words, reported);
    }
    assert_eq!(rules.operation(&state, 2), Operation::Release);
}

/// A proxy is dead as soon as its last clone is gone, though its export is not given back yet.
#[test]
fn a_dead_proxy_is_not_found() {
    let rules = Rules::new(&scenarios::two_receivers(), Strategy::Proxy);
    let wants_seek = |state: &_, thread| rules.wants(state, thread).iter().any(|a| matches!(a.kind, Kind::Seek { .. }));
    let state = find(&rules, |state| wants_seek(state, 2) && state.threads[1].hands == [Claim::View(0)]);
    assert_reports(&rules, &state, 2, "looks for a proxy of x", Reported::Clones(0));
}

/// What was exported for a send that is refused is a handle again, without its export.
#[test]
fn a_withdrawn_message_is_a_handle_again() {
    for strategy in [Strategy::Handover, Strategy::Deferred] {
        let rules = Rules::new(&scenarios::withdrawn(), strategy);
        let refused = find(&rules, |state| rules.wants_in_words(state, 0) == "gives back the export of y");
        assert_eq!((refused.attachment(0), refused.references(1), refused.exports(1)), (Some(0), 1, 1));
        let home = assert_reports(&rules, &refused, 0, "gives back the export of y", Reported::Exports(0));
        assert_eq!(rules.wants_in_words(&home, 0), "thaws y");
    }
}
