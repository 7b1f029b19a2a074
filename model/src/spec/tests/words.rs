//! Names, sentences and numbers: what reports, sequence diagrams and monitors rely on.

use std::collections::BTreeSet;

use super::build::{A, scenario, thread};
use super::{find, run, scenarios, wanted};
use crate::scenario::{Scenario, Strategy};
use crate::spec::{Action, Cause, Fault, Guarantee, Kind, Operation, Refusal, Reported, Rules, Side, State, Violation};
use crate::spec::{Why, Witness, Witnesses};

/// Every operation.
pub(super) const OPERATIONS: [Operation; 19] = [
    Operation::Idle,
    Operation::Attach,
    Operation::Detach,
    Operation::Safepoint,
    Operation::Send,
    Operation::Receive,
    Operation::Copy,
    Operation::Clone,
    Operation::Slice,
    Operation::Read,
    Operation::Release,
    Operation::LastRelease,
    Operation::DropHandle,
    Operation::DropEnd,
    Operation::Close,
    Operation::Discard,
    Operation::Thaw,
    Operation::Errand,
    Operation::End,
];

#[test]
fn an_action_describes_itself() {
    let (interpreter, buffer, channel) = (0, 0, 0);
    let enter = |cause| Kind::Enter { interpreter, cause };
    let sentences = [
        (enter(Cause::Attach), "attaches to A"),
        (enter(Cause::Return), "returns to A"),
        (enter(Cause::Safepoint), "goes on in A after a safepoint"),
        (enter(Cause::ViewCreation), "acquires A for view creation"),
        (enter(Cause::ViewRelease), "acquires A for view release"),
        (enter(Cause::Collection), "acquires A for collection"),
        (Kind::Leave { interpreter }, "leaves A"),
        (Kind::Stay { interpreter }, "stays in A at a safepoint"),
        (Kind::Reference { buffer }, "takes a reference to x"),
        (Kind::Dereference { buffer }, "gives back a reference to x"),
        (Kind::Export { buffer }, "exports x to a view"),
        (Kind::Unexport { buffer }, "gives back the export of x"),
        (Kind::Free { buffer }, "frees x"),
        (Kind::Thaw { buffer }, "thaws x"),
        (Kind::ThawRefused { buffer }, "may not thaw x"),
        (Kind::Freeze { buffer }, "freezes x with new bytes"),
        (Kind::CloneView { buffer }, "clones a view of x"),
        (Kind::DropView { buffer }, "drops a view of x"),
        (Kind::Read { buffer }, "reads x"),
        (Kind::Send { channel }, "sends into c"),
        (Kind::SendRefused { channel, why: Why::NotReady }, "cannot send into c: full"),
        (Kind::SendRefused { channel, why: Why::Closed }, "cannot send into c: closed"),
        (Kind::SendRefused { channel, why: Why::TimedOut }, "cannot send into c: timed out"),
        (Kind::SendRefused { channel, why: Why::Interrupted }, "cannot send into c: its interpreter is ending"),
        (Kind::Ending { interpreter }, "begins the end of A"),
        (Kind::Ended { interpreter }, "completes the end of A"),
        (Kind::Inspect { interpreter }, "looks whether A is ending"),
        (Kind::Receive { channel }, "receives from c"),
        (Kind::ReceiveRefused { channel, why: Why::NotReady }, "cannot receive from c: empty"),
        (Kind::ReceiveRefused { channel, why: Why::Closed }, "cannot receive from c: closed"),
        (Kind::ReceiveRefused { channel, why: Why::TimedOut }, "cannot receive from c: timed out"),
        (Kind::CloneSender { channel }, "clones a send end of c"),
        (Kind::DropSender { channel }, "drops a send end of c"),
        (Kind::Close { channel, side: Side::Send }, "closes c for sending"),
        (Kind::Close { channel, side: Side::Receive }, "closes c for receiving"),
        (Kind::Moor { channel, inside: Some(1) }, "moors the receive end of c in channel 1"),
        (Kind::Moor { channel, inside: None }, "unmoors the receive end of c"),
        (Kind::Probe { channel }, "looks up the receive end of c"),
        (Kind::Attend { interpreter }, "attends to the return list of A"),
        (Kind::Unattend { interpreter }, "no longer attends to the return list of A"),
        (Kind::Look { interpreter }, "finds nothing on the return list of A"),
        (Kind::Collect { interpreter }, "takes a buffer off the return list of A"),
        (Kind::Return { interpreter, buffer }, "puts x on the return list of A"),
        (Kind::LetGo { interpreter }, "looks whether A still needs it"),
        (Kind::Seek { buffer }, "looks for a proxy of x"),
        (Kind::Join { buffer }, "brings its view to the proxy of x"),
    ];
    let scenario = scenarios::one_message();
    for (kind, sentence) in sentences {
        assert_eq!(Action { thread: 0, kind }.describe(&scenario), sentence);
    }
    let nowhere = Action { thread: 7, kind: Kind::Leave { interpreter: 9 } };
    assert_eq!(nowhere.describe(&scenario), "leaves interpreter 9");
    assert_eq!(nowhere.to_string(), "thread 7 leaves interpreter 9");
    let read = Action { thread: 0, kind: Kind::Read { buffer: 4 } };
    assert_eq!(read.to_string(), "thread 0 reads buffer 4");
}

#[test]
fn names_are_unique() {
    let faults: BTreeSet<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
    assert_eq!(faults.len(), Fault::ALL.len());
    let witnesses: BTreeSet<&str> = Witness::ALL.iter().map(|witness| witness.name()).collect();
    assert_eq!(witnesses.len(), Witness::ALL.len());
    let operations: BTreeSet<&str> = OPERATIONS.iter().map(|operation| operation.name()).collect();
    assert_eq!(operations.len(), OPERATIONS.len());
    let is_kebab = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    assert!(faults.iter().chain(&witnesses).chain(&operations).all(|name| is_kebab(name)));
    assert_eq!(Operation::LastRelease.to_string(), "last-release");
    assert_eq!(Witness::MutualVisit.to_string(), "mutual-visit");
}

#[test]
fn faults_are_found_by_name() {
    for &fault in Fault::ALL {
        assert_eq!(Fault::from_name(fault.name()), Some(fault));
        assert_eq!(fault.to_string(), fault.name());
        assert!(fault.description().ends_with('.'));
    }
    assert_eq!(Fault::from_name("no-such-fault"), None);
}

#[test]
fn guarantees_are_numbered() {
    let ids: Vec<&str> = Guarantee::ALL.iter().map(|guarantee| guarantee.id()).collect();
    assert_eq!(ids, ["G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8", "G9"]);
    let names: Vec<&str> = Guarantee::ALL.iter().map(|guarantee| guarantee.name()).collect();
    let expected = [
        "lock discipline",
        "no mutable alias",
        "counting",
        "one lock",
        "exactly once",
        "progress",
        "lifetime",
        "release cannot fail",
        "ends",
    ];
    assert_eq!(names, expected);
    let violation = Violation { guarantee: Guarantee::G3, why: "x leaks".to_owned() };
    assert_eq!(violation.to_string(), "G3 counting: x leaks");
    assert_eq!(Refusal::from(violation).to_string(), "G3 counting: x leaks");
    assert_eq!(Refusal::Blocked.to_string(), "blocked");
    assert_eq!(crate::spec::TooBig { limit: 3 }.to_string(), "too big: more than 3 states");
}

/// Witnesses belong to guarantees; every guarantee has one.
#[test]
fn witnesses_cover_the_guarantees() {
    for guarantee in Guarantee::ALL {
        assert!(Witness::ALL.iter().any(|witness| witness.guarantee() == guarantee), "{guarantee}");
    }
    assert!(Witness::ALL.iter().all(|witness| witness.description().ends_with('.')));
    let two: Witnesses = [Witness::TimedOut, Witness::ViewExists].into_iter().collect();
    assert_eq!(two.iter().collect::<Vec<_>>(), [Witness::ViewExists, Witness::TimedOut]);
    assert!(two.contains(Witness::TimedOut) && !two.contains(Witness::Thawed));
    let one: Witnesses = [Witness::Thawed].into_iter().collect();
    assert_eq!(two.union(one).iter().count(), 3);
    assert_eq!(two.union(two), two);
    assert_eq!([Witness::Thawed, Witness::Thawed].into_iter().collect::<Witnesses>(), one);
}

/// Expects that a thread wants an action with these words, and what its event reports.
pub(super) fn assert_reports(rules: &Rules, state: &State, thread: usize, words: &str, reported: Reported) -> State {
    let action = wanted(rules, state, thread, words);
    let after = rules.step(state, action).expect("it is enabled");
    assert_eq!(rules.reported(state, action, &after), reported, "{words}");
    after
}

#[test]
fn events_report_the_numbers_after_them() {
    let rules = Rules::new(&scenarios::thaw_races_message(), Strategy::View);
    let mut state = rules.initial();
    for (thread, words, reported) in [
        (0, "attaches to A", Reported::Nothing),
        (0, "takes a reference to x", Reported::References(2)),
        (0, "sends x into c", Reported::Queued(1)),
        (0, "may not thaw x", Reported::Counts { references: 2, exports: 0 }),
        (0, "reads x", Reported::Nothing),
        (0, "leaves A", Reported::Nothing),
        (1, "receives x from c", Reported::Queued(0)),
        (1, "acquires A for view creation", Reported::Nothing),
        (1, "exports x to a view", Reported::Exports(1)),
        (1, "leaves A", Reported::Nothing),
        (1, "reads x", Reported::Nothing),
        (1, "drops a view of x", Reported::Clones(0)),
        (1, "acquires A for view release", Reported::Nothing),
        (1, "gives back the export of x", Reported::Exports(0)),
        (1, "gives back a reference to x", Reported::References(1)),
        (1, "leaves A", Reported::Nothing),
        (0, "attaches to A", Reported::Nothing),
        (0, "gives back a reference to x", Reported::References(0)),
        (0, "frees x", Reported::Nothing),
        (0, "leaves A", Reported::Nothing),
        (0, "drops a send end of c", Reported::Senders(0)),
        (1, "closes c for receiving", Reported::Discarded(0)),
    ] {
        state = assert_reports(&rules, &state, thread, words, reported);
    }
    assert!(rules.finished(&state));
    assert_eq!(rules.outcome(&state), "owner: sent refused x0 | receiver: x0 x0");
}

#[test]
fn events_report_clones_ends_and_moorings() {
    let rules = Rules::new(&scenarios::clones(), Strategy::View);
    assert_reports(&rules, &rules.initial(), 2, "clones a view of x", Reported::Clones(3));
    let rules = Rules::new(&scenarios::crossing_ends(), Strategy::View);
    let mut state = rules.initial();
    for (thread, words, reported) in [
        (0, "attaches to A", Reported::Nothing),
        (0, "moors the receive end of d in c", Reported::Inside(Some(0))),
        (0, "looks up the receive end of c", Reported::Inside(None)),
        (0, "sends the receive end of d into c", Reported::Queued(1)),
        (0, "leaves A", Reported::Nothing),
        (1, "attaches to B", Reported::Nothing),
        (1, "moors the receive end of c in d", Reported::Inside(Some(1))),
        (1, "looks up the receive end of d", Reported::Inside(Some(0))),
        (1, "unmoors the receive end of c", Reported::Inside(None)),
        (1, "leaves B", Reported::Nothing),
        (1, "drops a send end of d", Reported::Senders(0)),
        (1, "closes c for receiving", Reported::Discarded(1)),
        (1, "closes d for receiving", Reported::Discarded(0)),
    ] {
        state = assert_reports(&rules, &state, thread, words, reported);
    }
    let rules = Rules::new(&scenarios::own_ends(), Strategy::View);
    let state = assert_reports(&rules, &rules.initial(), 0, "clones a send end of c", Reported::Senders(3));
    let state = assert_reports(&rules, &state, 0, "sends a send end of c into c", Reported::Queued(1));
    assert_reports(&rules, &state, 0, "receives a send end of c from c", Reported::Queued(0));
}

/// A message is named by who is about to send or receive it, and by nobody else.
#[test]
fn a_message_is_named_where_it_is_known() {
    let rules = Rules::new(&scenarios::mutual_receive(), Strategy::View);
    let narrate = |state: &State, kind| rules.narrate(state, Action { thread: 0, kind });
    let state = run(&rules, &[(0, "attaches to A")]);
    assert_eq!(narrate(&state, Kind::Send { channel: 0 }), "sends x into c");
    assert_eq!(narrate(&state, Kind::Send { channel: 1 }), "sends into d");
    let state =
        run(&rules, &[(0, "attaches to A"), (0, "sends x into c"), (1, "attaches to B"), (1, "sends y into d")]);
    assert_eq!(narrate(&state, Kind::Receive { channel: 1 }), "receives y from d");
    assert_eq!(narrate(&state, Kind::Receive { channel: 0 }), "receives from c");
}

#[test]
fn results_have_words() {
    let outcome = |scenario: Scenario| {
        let rules = Rules::new(&scenario, Strategy::View);
        let end = find(&rules, |state| rules.finished(state));
        rules.outcome(&end)
    };
    let lone = thread("lone").handle("x", 0).tx("tx", 0).rx("rx", 0).tx("up", 1).rx("down", 1);
    let lone = lone.try_recv("rx", "v").recv_timeout("rx", "v").try_send("tx", "x").try_send("tx", "rx");
    let lone = lone.panic(A, &["v"], |t| {
        t.thaw("x").copy("x", "y").thaw("x").try_send("tx", "x").try_send("tx", "y").send_timeout("tx", "y")
    });
    let lone = lone.recv("rx", "v").send("tx", "down").recv("rx", "down").send("tx", "up").recv("rx", "up");
    let lone = lone.close("tx").recv("rx", "w");
    let idle = thread("idle");
    let scenario = scenario("lone", &[("x", A)], &[("c", Some(1)), ("d", None)], vec![lone, idle]);
    let words = "lone: empty timed-out not-owner unreachable thawed refused sent full timed-out panicked \
                 x1 sent d.rx sent d.tx closed | idle: -";
    assert_eq!(outcome(scenario), words);
}

#[test]
fn the_state_can_be_asked() {
    let rules = Rules::new(&scenarios::crossing_ends(), Strategy::View);
    let state = run(&rules, &[(0, "attaches to A"), (0, "moors the receive end of d in c")]);
    assert_eq!((state.attachment(0), state.attachment(1)), (Some(0), None));
    assert_eq!((state.holder(0), state.holder(1), state.holder(2)), (Some(0), None, None));
    assert_eq!((state.senders(0), state.queued(0), state.senders(7), state.queued(7)), (1, 0, 0, 0));
    assert_eq!((state.moored(1), state.moored(0), state.moored(7)), (Some(0), None, None));
    let rules = Rules::new(&scenarios::clones(), Strategy::View);
    let state = rules.initial();
    assert_eq!((state.references(0), state.exports(0), state.references(7), state.exports(7)), (2, 1, 0, 0));
    assert_eq!(rules.operation(&state, 0), Operation::Attach);
    assert_eq!(rules.operation(&state, 7), Operation::Idle);
    assert_eq!(rules.fault(), None);
    assert_eq!(rules.scenario().name, "clones");
    assert_eq!(Rules::with_fault(rules.scenario(), Strategy::View, Fault::LifoOrder).fault(), Some(Fault::LifoOrder));
}

#[test]
fn foreign_is_what_is_not_home() {
    let rules = Rules::new(&scenarios::one_message(), Strategy::View);
    let script = [(0, "attaches to A"), (0, "sends x into c"), (0, "leaves A"), (1, "attaches to B")];
    let mut state = run(&rules, &script);
    let mut foreign = vec![];
    for words in [
        "receives x from c",
        "leaves B",
        "acquires A for view creation",
        "exports x to a view",
        "leaves A",
        "returns to B",
    ] {
        let action = wanted(&rules, &state, 1, words);
        if rules.is_foreign(&state, action) {
            foreign.push(words);
        }
        state = rules.step(&state, action).expect("it is enabled");
    }
    assert_eq!(foreign, ["acquires A for view creation"]);
}

/// Bounded input: a scenario whose numbers do not fit is refused at once.
#[test]
#[should_panic(expected = "the scenario crowd is too big")]
fn a_scenario_that_is_too_big_is_refused() {
    let threads = (0..251).map(|number| thread(&number.to_string())).collect();
    Rules::new(&scenario("crowd", &[], &[], threads), Strategy::View);
}

#[test]
#[should_panic(expected = "the scenario net has too many channels")]
fn a_scenario_with_too_many_channels_is_refused() {
    Rules::new(&scenario("net", &[], &[("c", None); 65], vec![]), Strategy::View);
}

#[test]
#[should_panic(expected = "a thread of the scenario patience is too long")]
fn a_thread_that_is_too_long_is_refused() {
    let long = (0..10_001).fold(thread("long"), |thread, _| thread.safepoint());
    Rules::new(&scenario("patience", &[], &[], vec![long]), Strategy::View);
}

/// The limits themselves are allowed.
#[test]
fn a_scenario_may_be_as_big_as_the_limits() {
    let long = (0..10_000).fold(thread("long"), |thread, _| thread.safepoint());
    let threads = (1..250).map(|number| thread(&number.to_string())).chain([long]).collect();
    let rules = Rules::new(&scenario("limits", &[], &[("c", None); 64], threads), Strategy::View);
    assert!(rules.finished(&rules.initial()));
}
