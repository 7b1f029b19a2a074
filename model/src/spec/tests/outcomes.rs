//! Every scenario keeps all guarantees, with exactly these outcomes, and as many states as it always had.

use std::collections::BTreeMap;

use super::build::{A, B, scenario, thread};
use super::strategies::QUEUES;
use super::{life, scenarios, slots};
use crate::scenario::{Scenario, Strategy};
use crate::spec::{Cause, Exploration, Operation, Rules, TooBig, Witness, Witnesses, explore};

fn explored(scenario: &Scenario) -> Exploration {
    let exploration = explore(&Rules::new(scenario, Strategy::View), None).expect("there is no limit");
    assert_eq!(exploration.violation, None, "{}", scenario.name);
    exploration
}

/// Explores a scenario and compares its states, its transitions and its outcomes.
fn assert_explored(scenario: &Scenario, states: usize, transitions: usize, outcomes: &[&str]) {
    let exploration = explored(scenario);
    assert_eq!(exploration.outcomes.iter().collect::<Vec<_>>(), outcomes, "{}", scenario.name);
    assert_eq!((exploration.states.len(), exploration.transitions), (states, transitions), "{}", scenario.name);
}

#[test]
fn one_message() {
    let outcomes = ["sender: sent | receiver: x0 x0"];
    assert_explored(&scenarios::one_message(), 56, 86, &outcomes);
}

#[test]
fn mutual_receive() {
    let outcomes = ["a: sent y0 y0 | b: sent x0 x0"];
    assert_explored(&scenarios::mutual_receive(), 309, 532, &outcomes);
}

#[test]
fn clones() {
    let outcomes = ["owner: x0 | first: x0 | second: x0"];
    assert_explored(&scenarios::clones(), 313, 761, &outcomes);
}

#[test]
fn thaw_races_message() {
    let outcomes = ["owner: sent refused x0 | receiver: x0 x0"];
    assert_explored(&scenarios::thaw_races_message(), 63, 92, &outcomes);
}

#[test]
fn thaw_races_release() {
    let outcomes = [
        "owner: refused refused x0 | reader: x0",
        "owner: refused thawed x1 | reader: x0",
        "owner: thawed thawed x2 | reader: x0",
    ];
    assert_explored(&scenarios::thaw_races_release(), 155, 255, &outcomes);
}

#[test]
fn timeouts() {
    let outcomes = [
        "sender: closed closed | receiver: timed-out timed-out",
        "sender: sent closed | receiver: timed-out timed-out",
        "sender: sent closed | receiver: timed-out x0",
        "sender: sent closed | receiver: x0 timed-out",
        "sender: sent sent | receiver: timed-out x0",
        "sender: sent sent | receiver: x0 timed-out",
        "sender: sent sent | receiver: x0 y0",
        "sender: sent timed-out | receiver: timed-out timed-out",
        "sender: sent timed-out | receiver: timed-out x0",
        "sender: sent timed-out | receiver: x0 closed",
        "sender: sent timed-out | receiver: x0 timed-out",
    ];
    assert_explored(&scenarios::timeouts(), 856, 1357, &outcomes);
}

#[test]
fn close_races_receive() {
    let outcomes = ["sender: sent | receiver: x0 closed"];
    assert_explored(&scenarios::close_races_receive(), 48, 69, &outcomes);
}

#[test]
fn close_races_send() {
    let outcomes = [
        "sender: closed closed | receiver: empty",
        "sender: sent closed | receiver: empty",
        "sender: sent closed | receiver: x0 x0",
        "sender: sent sent | receiver: x0 x0",
    ];
    assert_explored(&scenarios::close_races_send(), 176, 246, &outcomes);
}

#[test]
fn question_and_answer() {
    let outcomes = ["asker: sent y0 y0 | replier: x0 sent"];
    assert_explored(&scenarios::question_and_answer(), 168, 290, &outcomes);
}

#[test]
fn same_interpreter() {
    let outcomes = ["sender: sent | receiver: x0 x0"];
    assert_explored(&scenarios::same_interpreter(), 41, 57, &outcomes);
}

#[test]
fn two_senders() {
    let outcomes = [
        "first: sent sent | second: sent | receiver: x0 y0 z0",
        "first: sent sent | second: sent | receiver: x0 z0 y0",
        "first: sent sent | second: sent | receiver: z0 x0 y0",
    ];
    assert_explored(&scenarios::two_senders(), 765, 1592, &outcomes);
}

#[test]
fn busy_owner() {
    let outcomes = ["owner: - | reader: -"];
    assert_explored(&scenarios::busy_owner(), 79, 125, &outcomes);
}

#[test]
fn panic() {
    let outcomes = ["owner: x0 | reader: x0 panicked"];
    assert_explored(&scenarios::panic(), 148, 250, &outcomes);
}

#[test]
fn end_travels() {
    let outcomes = ["sender: sent sent sent | receiver: d.rx x0 x0 d.tx"];
    assert_explored(&scenarios::end_travels(), 144, 249, &outcomes);
}

#[test]
fn crossing_ends() {
    let outcomes = [
        "a: closed | b: unreachable",
        "a: sent | b: unreachable",
        "a: unreachable | b: closed",
        "a: unreachable | b: sent",
        "a: unreachable | b: unreachable",
    ];
    assert_explored(&scenarios::crossing_ends(), 124, 198, &outcomes);
}

/// The third end gets through, or meets a closed channel, or the circle of the other two.
#[test]
fn end_into_crossing() {
    let outcomes = [
        "a: closed | b: unreachable | c: closed",
        "a: closed | b: unreachable | c: sent",
        "a: closed | b: unreachable | c: unreachable",
        "a: sent | b: unreachable | c: closed",
        "a: sent | b: unreachable | c: sent",
        "a: sent | b: unreachable | c: unreachable",
        "a: unreachable | b: closed | c: closed",
        "a: unreachable | b: closed | c: sent",
        "a: unreachable | b: closed | c: unreachable",
        "a: unreachable | b: sent | c: closed",
        "a: unreachable | b: sent | c: sent",
        "a: unreachable | b: sent | c: unreachable",
        "a: unreachable | b: unreachable | c: closed",
        "a: unreachable | b: unreachable | c: sent",
        "a: unreachable | b: unreachable | c: unreachable",
    ];
    assert_explored(&scenarios::end_into_crossing(), 845, 1847, &outcomes);
}

#[test]
fn ring_of_ends() {
    let outcomes = [
        "a: closed | b: closed | c: unreachable",
        "a: closed | b: sent | c: unreachable",
        "a: closed | b: unreachable | c: closed",
        "a: closed | b: unreachable | c: sent",
        "a: closed | b: unreachable | c: unreachable",
        "a: sent | b: closed | c: unreachable",
        "a: sent | b: sent | c: unreachable",
        "a: sent | b: unreachable | c: closed",
        "a: sent | b: unreachable | c: sent",
        "a: sent | b: unreachable | c: unreachable",
        "a: unreachable | b: closed | c: closed",
        "a: unreachable | b: closed | c: sent",
        "a: unreachable | b: closed | c: unreachable",
        "a: unreachable | b: sent | c: closed",
        "a: unreachable | b: sent | c: sent",
        "a: unreachable | b: sent | c: unreachable",
        "a: unreachable | b: unreachable | c: closed",
        "a: unreachable | b: unreachable | c: sent",
        "a: unreachable | b: unreachable | c: unreachable",
    ];
    assert_explored(&scenarios::ring_of_ends(), 991, 2196, &outcomes);
}

#[test]
fn own_ends() {
    let outcomes = [
        "a: sent unreachable c.tx sent | b: not-owner closed",
        "a: sent unreachable c.tx sent | b: not-owner sent",
        "a: sent unreachable x0 | b: not-owner sent",
    ];
    assert_explored(&scenarios::own_ends(), 125, 196, &outcomes);
}

#[test]
fn discard() {
    let outcomes = [
        "sender: sent closed closed closed | receiver: - | listener: closed",
        "sender: sent sent closed closed | receiver: - | listener: closed",
        "sender: sent sent sent closed | receiver: - | listener: closed",
        "sender: sent sent sent sent | receiver: - | listener: closed",
    ];
    assert_explored(&scenarios::discard(), 354, 643, &outcomes);
}

/// Steps whose operands do not fit are skipped without an action and without a result.
#[test]
fn steps_that_do_not_fit_are_skipped() {
    let clumsy = thread("clumsy").handle("x", 0).tx("tx", 0).rx("rx", 0).view("v", 1);
    let clumsy = clumsy
        .send("x", "tx") // not through a handle,
        .send("tx", "tx") // not an end through itself,
        .send("tx", "v") // not a view,
        .send("tx", "nothing")
        .send("rx", "x") // and not through a receive end
        .recv("tx", "w")
        .recv("rx", "v") // into what is not empty
        .copy("x", "y") // not attached to the owner
        .copy("tx", "x") // into what is not empty
        .copy("rx", "w")
        .copy("v", "w")
        .clone_view("x", "w")
        .clone_view("v", "x")
        .slice("nothing", "w")
        .read("tx")
        .release("x")
        .drop("nothing")
        .thaw("x") // not attached to the owner
        .close("x")
        .safepoint()
        .detach(|t| t)
        .attach(B, |t| t.attach(B, |t| t.thaw("v").copy("x", "y")));
    let scenario = scenario("clumsy", &[("x", A), ("y", A)], &[("c", None)], vec![clumsy]);
    // Enter B, leave B; then the handle (4 actions), both ends, and the view (6 actions) are dropped: 14 in a row.
    assert_explored(&scenario, 15, 14, &["clumsy: -"]);
}

/// A buffer that nobody holds is gone before the threads start, and a channel without ends is closed.
#[test]
fn what_nobody_holds_is_gone() {
    let alone = thread("alone").rx("rx", 0).tx("tx", 1).handle("x", 0);
    let alone = alone.recv("rx", "v").attach(A, |t| t.send("tx", "x"));
    let scenario = scenario("alone", &[("x", A), ("y", A)], &[("c", None), ("d", None)], vec![alone]);
    let outcomes = explored(&scenario).outcomes;
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), ["alone: closed closed"]);
}

/// G1: the row of the strategy `view`, as exploration finds it.
#[test]
fn only_creation_and_last_release_acquire_foreign_locks() {
    let tables = scenarios::all().into_iter().flat_map(|scenario| explored(&scenario).lock_table);
    let mut table: Vec<(Operation, Cause)> = tables.collect();
    table.sort_unstable();
    table.dedup();
    let expected = [
        (Operation::Receive, Cause::ViewCreation),
        (Operation::LastRelease, Cause::ViewRelease),
        (Operation::DropHandle, Cause::Attach),
        (Operation::Discard, Cause::ViewRelease),
    ];
    assert_eq!(table, expected);
}

/// Each witness, and how many states of all scenarios under all strategies show it: never none, never all.
const WITNESSES: &[(Witness, usize)] = &[
    (Witness::ForeignCreation, 1340),
    (Witness::ForeignRelease, 4222),
    (Witness::ViewExists, 16115),
    (Witness::ExportInFlight, 5852),
    (Witness::ThawRefused, 1013),
    (Witness::Thawed, 95),
    (Witness::TwoClones, 1245),
    (Witness::BufferDiscarded, 401),
    (Witness::Panicked, 136),
    (Witness::MessageAbsorbed, 198),
    (Witness::ProxyJoined, 198),
    (Witness::CollectsAtAttach, 85),
    (Witness::CollectsAtSafepoint, 58),
    (Witness::CollectsAtSend, 107),
    (Witness::MutualVisit, 136),
    (Witness::WaitsForForeignLock, 880),
    (Witness::TwoQueued, 1811),
    (Witness::SendWithdrawn, 8678),
    (Witness::WaitsForSpace, 65),
    (Witness::WaitsForMessage, 1987),
    (Witness::WaitEndedByClose, 1278),
    (Witness::TimedOut, 5689),
    (Witness::MessageOutlivesHandles, 12753),
    (Witness::ViewOutlivesHandles, 22808),
    (Witness::ReleaseMeetsBusyOwner, 483),
    (Witness::ReturnedToAttended, 2911),
    (Witness::ErrandTaken, 1086),
    (Witness::ErrandRun, 6083),
    (Witness::TwoErrands, 275),
    (Witness::ErrandNotNeeded, 94),
    (Witness::ReceiveEndInFlight, 3754),
    (Witness::SendEndInOwnChannel, 182),
    (Witness::UnreachableRefused, 9009),
    (Witness::EndDiscarded, 1195),
];

#[test]
fn every_witness_is_reached() {
    let mut shown: BTreeMap<Witness, usize> = BTreeMap::new();
    let scenarios = scenarios::all();
    for (scenario, strategy) in scenarios.iter().flat_map(|scenario| QUEUES.map(|strategy| (scenario, strategy))) {
        let rules = Rules::new(scenario, strategy);
        let exploration = explore(&rules, None).expect("there is no limit");
        let mut union = Witnesses::default();
        for state in &exploration.states {
            let witnesses = rules.witnesses(state);
            union = union.union(witnesses);
            witnesses.iter().for_each(|witness| *shown.entry(witness).or_default() += 1);
        }
        assert_eq!(exploration.witnesses, union, "{}", scenario.name);
    }
    assert_eq!(shown.into_iter().collect::<Vec<_>>(), WITNESSES);
    let elsewhere = life::WITNESSES.iter().chain(&slots::WITNESSES).map(|&(witness, _)| witness);
    let others = Witness::ALL.iter().copied().filter(|&witness| !elsewhere.clone().any(|other| other == witness));
    let others: Vec<Witness> = others.collect();
    assert_eq!(WITNESSES.iter().map(|&(witness, _)| witness).collect::<Vec<_>>(), others);
}

/// A limit is an error, never a silent truncation.
#[test]
fn a_limit_is_an_error() {
    let rules = Rules::new(&scenarios::one_message(), Strategy::View);
    assert_eq!(explore(&rules, Some(55)).map(|exploration| exploration.states.len()), Err(TooBig { limit: 55 }));
    assert_eq!(explore(&rules, Some(56)).map(|exploration| exploration.states.len()), Ok(56));
}
