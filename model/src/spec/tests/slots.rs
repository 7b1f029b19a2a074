//! Broadcast slots: who reads what, what waits for whom, and what goes back when.

use super::build::{A, B, scenario, thread, with_slot};
use super::words::assert_reports;
use super::{find, run, wanted};
use crate::scenario::{Scenario, SlotDecl, Strategy};
use crate::spec::slot::{Guard, Shown};
use crate::spec::state::State;
use crate::spec::thread::{Claim, StepResult, Value};
use crate::spec::{
    Action, Cause, Exploration, Kind, Object, Operation, Refusal, Reported, Rules, SlotAct, Witness, explore,
};
use std::collections::BTreeMap;

/// One value replaces another while a thread reads.
pub(super) fn replaced() -> Scenario {
    let publisher = thread("publisher").handle("x", 0).handle("y", 1).publisher("p", 0);
    let publisher = publisher.attach(A, |t| t.publish("p", "x").publish("p", "y"));
    let reader = thread("reader").subscriber("s", 0).peek("s", "r").read("r").release("r");
    with_slot(scenario("replaced", &[("x", A), ("y", A)], &[], vec![publisher, reader]))
}

/// Two owners share a publisher, two subscribers a thread of B, which looks twice.
pub(super) fn two_owners() -> Scenario {
    let publisher = thread("publisher").handle("x", 0).handle("y", 1).publisher("p", 0);
    let publisher = publisher.attach(A, |t| t.publish("p", "y").publish("p", "x")).attach(B, |t| t.publish("p", "y"));
    let reader = thread("reader").subscriber("s", 0).copy("s", "t").drop("s").attach(B, |t| t.peek("t", "q"));
    with_slot(scenario("two-owners", &[("x", A), ("y", B)], &[], vec![publisher, reader]))
}

/// The owner thaws what it has published, and ends.
pub(super) fn thawed() -> Scenario {
    let owner = thread("owner").handle("x", 0).publisher("p", 0);
    let owner = owner.attach(A, |t| t.copy("x", "y").publish("p", "y").thaw("x")).drop("p").end(A);
    let reader = thread("reader").subscriber("s", 0).peek("s", "r").drop("s").read("r");
    with_slot(scenario("thawed", &[("x", A)], &[], vec![owner, reader]))
}

/// Three values, one after the other, and a panic through a reading.
pub(super) fn kept_by_one() -> Scenario {
    let publisher = thread("publisher").handle("x", 0).handle("y", 1).handle("z", 2).publisher("p", 0);
    let publisher = publisher.attach(A, |t| t.publish("p", "x").publish("p", "y").publish("p", "z"));
    let reader = thread("reader").subscriber("s", 0).panic(B, &["r"], |t| t.peek("s", "r"));
    with_slot(scenario("kept-by-one", &[("x", A), ("y", A), ("z", A)], &[], vec![publisher, reader]))
}

/// All of them.
pub(super) fn all() -> Vec<Scenario> {
    vec![replaced(), two_owners(), thawed(), kept_by_one()]
}

fn rules(scenario: &Scenario) -> Rules {
    Rules::new(scenario, Strategy::Epoch)
}

fn explored(scenario: &Scenario) -> Exploration {
    let exploration = explore(&rules(scenario), None).expect("there is no limit");
    assert_eq!(exploration.violation, None, "{}", scenario.name);
    exploration
}

fn outcomes(scenario: &Scenario) -> Vec<String> {
    explored(scenario).outcomes.into_iter().collect()
}

#[test]
fn slots_keep_the_guarantees_and_their_outcomes() {
    assert_eq!(
        outcomes(&replaced()),
        [
            "publisher: published published | reader: nothing",
            "publisher: published published | reader: x0 x0",
            "publisher: published published | reader: y0 y0",
        ]
    );
    assert_eq!(
        outcomes(&two_owners()),
        ["nothing", "x0", "y0"].map(|seen| format!("publisher: not-owner published published | reader: {seen}"))
    );
    assert_eq!(
        outcomes(&thawed()),
        ["nothing", "x0 x0"].map(|seen| format!("owner: published refused ended | reader: {seen}"))
    );
    assert_eq!(outcomes(&kept_by_one()).len(), 4);
}

/// G1: of all that a slot does, only an errand takes a foreign lock; and a handle that is dropped away from its owner.
#[test]
fn a_slot_takes_no_foreign_lock() {
    let allowed = [
        (Operation::Errand, Cause::Collection),
        (Operation::DropHandle, Cause::Attach),
        (Operation::End, Cause::Attach),
    ];
    for scenario in all() {
        let table = explored(&scenario).lock_table;
        assert!(table.iter().all(|entry| allowed.contains(entry)), "{}: {table:?}", scenario.name);
    }
}

/// A value that is replaced while it is read, event by event.
#[test]
fn a_replaced_value_waits_for_its_reader() {
    let rules = rules(&replaced());
    let nothing = Reported::Nothing;
    let script = [
        (0, "attaches to A", nothing),
        (0, "attends to the return list of A", Reported::Pending(false)),
        (0, "exports x to a view", Reported::Exports(1)),
        (0, "makes a guard of s", nothing),
        (0, "publishes x in s", Reported::Replaced(None)),
        (0, "gives up a guard of s", nothing),
        (1, "becomes a holder of s", Reported::Holders(3)),
        (1, "makes a guard of s", nothing),
        (1, "loads x from s", nothing),
        (0, "finds nothing on the return list of A", nothing),
        (0, "exports y to a view", Reported::Exports(1)),
        (0, "makes a guard of s", nothing),
        (0, "publishes y in s", Reported::Replaced(Some(0))),
        (0, "retires x from s", nothing),
        (0, "gives up a guard of s", nothing),
        (0, "no longer attends to the return list of A", Reported::Errand(false)),
        (0, "leaves A", nothing),
        (0, "gives up a holder of s", Reported::Holders(2)),
        (1, "reads x", nothing),
        (1, "gives up a guard of s", nothing),
        (1, "puts x on the return list of A", Reported::Returned { buffers: 1, errand: true }),
        (1, "looks whether A still needs it", Reported::Kept(true)),
        (1, "acquires A for collection", nothing),
        (1, "attends to the return list of A", Reported::Pending(true)),
        (1, "takes x off the return list of A", nothing),
        (1, "gives back the export of x", Reported::Exports(0)),
        (1, "gives back a reference to x", Reported::References(0)),
        (1, "frees x", nothing),
        (1, "no longer attends to the return list of A", Reported::Errand(false)),
        (1, "leaves A", nothing),
        (1, "looks whether A still needs it", Reported::Kept(false)),
        (1, "gives up a holder of s", Reported::Holders(1)),
        (1, "gives up a holder of s", Reported::Holders(0)),
        (1, "puts y on the return list of A", Reported::Returned { buffers: 1, errand: true }),
    ];
    let state = script.iter().fold(rules.initial(), |state, &(thread, words, reported)| {
        assert_reports(&rules, &state, thread, words, reported)
    });
    assert_eq!(rules.operation(&state, 1), Operation::Errand);
}

/// `replaced`, when the reader has its guard and x has just been retired.
fn late() -> (Rules, State) {
    let rules = rules(&replaced());
    let waits = |state: &State| state.slots[0].retired.iter().any(|x| x.blockers.iter().any(|guard| guard.thread == 1));
    let has_guard = |state: &State| state.threads[1].hands.iter().any(|claim| matches!(claim, Claim::Guard(_)));
    let state =
        find(&rules, |state| waits(state) && has_guard(state) && rules.wants_in_words(state, 1).contains("loads"));
    (rules, state)
}

/// Who loads late finds what it could have loaded before: exploration has that state without such a load.
#[test]
fn to_load_late_is_to_have_loaded_before() {
    let (rules, state) = late();
    assert_eq!(rules.wants_in_words(&state, 1), "loads y from s");
    let load = |buffer| Action { thread: 1, kind: Kind::Slot { slot: 0, act: SlotAct::Load { buffer } } };
    let after = rules.step(&state, load(Some(0))).expect("x waits for the guard");
    assert_eq!(after.threads[1].results, [StepResult::Bytes { buffer: 0, version: 0 }]);
    assert_eq!(after.threads[1].hands, [], "the reading has the guard and the holder");
    let states = explored(&replaced()).states;
    assert!(states.contains(&after));
    assert!(states.contains(&rules.step(&state, load(None)).expect("nothing was there at first")));
}

fn assert_unlawful(rules: &Rules, state: &State, thread: usize, kind: Kind, why: &str) {
    let Err(Refusal::Violation(violation)) = rules.step(state, Action { thread, kind }) else { panic!("{why}") };
    assert_eq!(violation.to_string(), why);
}

fn on_slot(act: SlotAct) -> Kind {
    Kind::Slot { slot: 0, act }
}

#[test]
fn the_law_demands_what_each_act_needs() {
    let rules = rules(&replaced());
    let start = rules.initial();
    let cases = [
        (0, SlotAct::Join, "publisher becomes a holder of s without a subscriber to make it of"),
        (0, SlotAct::Leave, "publisher gives up a holder of s that it does not have"),
        (1, SlotAct::Pin, "reader makes a guard of s without being a holder"),
        (1, SlotAct::Load { buffer: None }, "reader finds nothing in s without a guard"),
        (1, SlotAct::Unpin, "reader gives up a guard of s that it does not have"),
        (0, SlotAct::Publish { buffer: 0 }, "publisher publishes x in s without the lock of its owner A"),
        (0, SlotAct::Retire { buffer: 0 }, "publisher retires x from s without having taken it out"),
    ];
    for (thread, act, why) in cases {
        assert_unlawful(&rules, &start, thread, on_slot(act), &format!("G3 counting: {why}"));
    }
    let publish = on_slot(SlotAct::Publish { buffer: 0 });
    let mut inside = find(&rules, |state| rules.wants_in_words(state, 0) == "publishes x in s");
    assert!(rules.step(&inside, Action { thread: 0, kind: publish }).is_ok());
    let message = inside.threads[0].hands.remove(0);
    let why = "G3 counting: publisher publishes x in s without having exported it";
    assert_unlawful(&rules, &inside, 0, publish, why);
    inside.threads[0].hands = vec![message];
    assert_unlawful(&rules, &inside, 0, publish, "G3 counting: publisher publishes x in s without a guard");
}

/// Only what was taken out is retired, and only a reading's own version is read.
#[test]
fn the_law_tells_values_apart() {
    let rules = rules(&replaced());
    let retiring = find(&rules, |state| rules.wants_in_words(state, 0) == "retires x from s");
    let why = "G3 counting: publisher retires y from s without having taken it out";
    assert_unlawful(&rules, &retiring, 0, on_slot(SlotAct::Retire { buffer: 1 }), why);
    let mut reading = find(&rules, |state| rules.wants_in_words(state, 1) == "reads x");
    reading.buffers[0].version = 1;
    let why = "G2 no mutable alias: reader reads x which no longer has the bytes that were sent";
    assert_unlawful(&rules, &reading, 1, Kind::Read { buffer: 0 }, why);
}

/// What does not wait for a guard is not loaded under it.
#[test]
fn only_what_is_kept_is_loaded() {
    let (rules, mut state) = late();
    state.slots[0].retired[0].blockers = vec![Guard { thread: 0, variable: 9 }];
    let why = "G3 counting: reader loads x from s which does not wait for its guard";
    assert_unlawful(&rules, &state, 1, on_slot(SlotAct::Load { buffer: Some(0) }), why);
}

#[test]
fn what_a_slot_holds_is_checked() {
    let rules = rules(&replaced());
    let reads_old = |state: &State| state.readings(0).any(|(_, shown)| shown.buffer == 0);
    let state =
        find(&rules, |state| reads_old(state) && state.slots[0].retired.len() == 1 && state.guards(0).len() == 1);
    let broken = |damage: fn(&mut State)| {
        let mut damaged = state.clone();
        damage(&mut damaged);
        rules.check(&damaged).map_err(|found| found.to_string())
    };
    assert_eq!(broken(|_| ()), Ok(()));
    let says = |why: &str| Err(why.to_owned());
    assert_eq!(broken(|state| state.slots[0].holders = 7), says("G3 counting: s counts 7 holders, but there are 3"));
    let why = "G3 counting: reader reads x, which does not wait for its guard";
    assert_eq!(broken(|state| state.slots[0].retired[0].blockers.clear()), says(why));
    let why = "G8 release cannot fail: x is retired, and nobody will give it back";
    let stranger = |state: &mut State| state.slots[0].retired[0].blockers.push(Guard { thread: 0, variable: 9 });
    assert_eq!(broken(stranger), says(why));
    let why = "G2 no mutable alias: y was sent as y3, but now has the bytes of y0";
    assert_eq!(broken(|state| state.slots[0].current = Some(Shown { buffer: 1, version: 3 })), says(why));
    let why = "G3 counting: x counts 1 references, but there are 0 handles + 0 messages + 0 views";
    let forgotten = |state: &mut State| {
        state.slots[0].retired.clear();
        state.threads[1].variables[1] = Value::Subscriber(0);
        state.locks = vec![None, None];
    };
    assert_eq!(broken(forgotten), says(why));
}

#[test]
fn at_the_end_a_slot_is_empty() {
    let rules = rules(&replaced());
    let end = find(&rules, |state| rules.finished(state));
    let broken = |damage: fn(&mut State)| {
        let mut damaged = end.clone();
        damage(&mut damaged);
        rules.check_end(&damaged).map_err(|found| found.to_string())
    };
    assert_eq!(broken(|_| ()), Ok(()));
    assert_eq!(broken(|end| end.slots[0].holders = 1), Err("G3 counting: s has holders at the end".to_owned()));
    let why = "G3 counting: a value is still in s at the end";
    assert_eq!(broken(|end| end.slots[0].current = Some(Shown { buffer: 0, version: 0 })), Err(why.to_owned()));
}

/// An act on a slot that the scenario does not have is none.
#[test]
fn there_is_no_other_slot() {
    let rules = rules(&replaced());
    for (slot, act) in [(1, SlotAct::Join), (0, SlotAct::Publish { buffer: 2 })] {
        let step = rules.step(&rules.initial(), Action { thread: 1, kind: Kind::Slot { slot, act } });
        assert!(matches!(step, Err(Refusal::Unexpected { .. })), "{step:?}");
    }
}

#[test]
fn footprints_of_slots() {
    let of = |act| Action { thread: 0, kind: Kind::Slot { slot: 3, act } }.footprint();
    assert_eq!(of(SlotAct::Leave).writes().collect::<Vec<_>>(), [Object::Holders(3)]);
    assert_eq!(of(SlotAct::Retire { buffer: 0 }).writes().collect::<Vec<_>>(), [Object::Guards(3)]);
    assert_eq!(of(SlotAct::Publish { buffer: 0 }).writes().collect::<Vec<_>>(), [Object::Current(3)]);
    assert_eq!(of(SlotAct::Load { buffer: None }).reads().collect::<Vec<_>>(), [Object::Current(3)]);
    assert_eq!(of(SlotAct::Load { buffer: None }).writes().count(), 0);
}

/// Errands of what a reading kept back wait until the reading has returned all of it.
#[test]
fn errands_wait_for_the_last_return() {
    let mut scenario = kept_by_one();
    let reader = thread("reader").subscriber("s", 0).peek("s", "r").release("r");
    scenario.threads[1] = with_slot(super::build::scenario("", &[], &[], vec![reader])).threads.remove(0);
    let rules = rules(&scenario);
    let is_alone = |state: &State| state.slots[0].retired.len() == 2 && state.attachment(0).is_none();
    let mut state = find(&rules, |state| is_alone(state) && rules.wants_in_words(state, 1) == "gives up a guard of s");
    for words in [
        "gives up a guard of s",
        "puts x on the return list of A",
        "puts y on the return list of A",
        "looks whether A still needs it",
    ] {
        state = rules.step(&state, wanted(&rules, &state, 1, words)).expect("it is wanted");
    }
}

/// The situations that only slots lead to, and in how many states of these scenarios they show.
pub(super) const WITNESSES: [(Witness, usize); 5] = [
    (Witness::ReadWhileReplaced, 12),
    (Witness::RetiredKept, 12),
    (Witness::TwoRetired, 25),
    (Witness::ReturnedByReader, 138),
    (Witness::LastHolderReturns, 46),
];

#[test]
fn every_witness_of_slots_is_reached() {
    let mut shown: BTreeMap<Witness, usize> = WITNESSES.iter().map(|&(witness, _)| (witness, 0)).collect();
    for scenario in all() {
        let rules = rules(&scenario);
        for witness in
            explored(&scenario).states.iter().flat_map(|state| rules.witnesses(state).iter().collect::<Vec<_>>())
        {
            shown.entry(witness).and_modify(|count| *count += 1);
        }
    }
    assert_eq!(shown.into_iter().collect::<Vec<_>>(), WITNESSES);
}

/// Two slots: one value of the first replaces another while a thread reads in both.
fn two_slots() -> Scenario {
    let publisher =
        thread("publisher").handle("x", 0).handle("y", 1).handle("z", 2).publisher("p", 0).publisher("q", 1);
    let publisher = publisher.attach(A, |t| t.publish("q", "z").publish("p", "x").publish("p", "y"));
    let reader = thread("reader").subscriber("s", 0).subscriber("t", 1).peek("t", "r").release("r").peek("s", "q");
    let scenario = scenario("two-slots", &[("x", A), ("y", A), ("z", A)], &[], vec![publisher, reader]);
    let mut scenario = with_slot(scenario);
    scenario.slots.push(SlotDecl { name: "t".into() });
    scenario
}

/// Guards, readings and what was taken out belong to one slot: nobody waits for what happens at another.
#[test]
fn slots_do_not_meddle_with_each_other() {
    let exploration = explored(&two_slots());
    let outcomes: Vec<String> = exploration.outcomes.into_iter().collect();
    let seen = ["nothing nothing", "nothing x0", "nothing y0", "z0 nothing", "z0 x0", "z0 y0"];
    assert_eq!(outcomes, seen.map(|seen| format!("publisher: published published published | reader: {seen}")));
    assert_eq!(exploration.states.len(), 2_665);
    let rules = rules(&two_slots());
    let guarded = find(&rules, |state| rules.wants_in_words(state, 1) == "loads z from t");
    let unpin = Kind::Slot { slot: 0, act: SlotAct::Unpin };
    assert_unlawful(&rules, &guarded, 1, unpin, "G3 counting: reader gives up a guard of s that it does not have");
    let taken_out = |state: &State| rules.wants_in_words(state, 0) == "retires x from s";
    let guarded = find(&rules, |state| taken_out(state) && rules.wants_in_words(state, 1) == "loads z from t");
    let load = Kind::Slot { slot: 1, act: SlotAct::Load { buffer: Some(0) } };
    let why = "G3 counting: reader loads x from t which does not wait for its guard";
    assert_unlawful(&rules, &guarded, 1, load, why);
}

/// Who is not attached to the owner publishes nothing.
#[test]
fn away_from_the_owner_nothing_is_published() {
    let rules = rules(&two_owners());
    let state = run(&rules, &[(0, "attaches to A")]);
    assert_eq!(state.threads[0].results, [StepResult::NotOwner]);
    assert_eq!(rules.wants_in_words(&state, 0), "attends to the return list of A");
}

/// A value that was found is the reading's, and so are the guard and the hold: nothing is left in hand.
#[test]
fn a_reader_has_nothing_in_hand() {
    let rules = Rules::new(&replaced(), Strategy::Epoch);
    let reading = find(&rules, |state| rules.wants_in_words(state, 1) == "reads x");
    assert_eq!(reading.threads[1].hands, []);
}
