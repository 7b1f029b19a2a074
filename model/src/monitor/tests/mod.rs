//! The monitor refuses executions that are wrong, each for the guarantee that it breaks.

mod strategies;

use super::{Agreement, Failure, Graph, Identities, Monitor};
use crate::scenario::{Scenario, Strategy, shipped};
use crate::spec::{Rules, explore};
use std::sync::{Arc, Mutex};
use viewchan::trace::{ChannelId, Event, ObjectId, Refused, Side};
use viewchan::{Cause, InterpreterId};

const A: InterpreterId = InterpreterId(10);
const B: InterpreterId = InterpreterId(20);
const X: ObjectId = ObjectId(30);
const C: ChannelId = ChannelId(40);

/// What a thread tells the monitor: an event, or that it read `x`.
#[derive(Clone, Copy, Debug)]
enum Told {
    Event(usize, Event),
    Read(usize),
}

const fn told(thread: usize, event: Event) -> Told {
    Told::Event(thread, event)
}

const fn entered(thread: usize, interpreter: InterpreterId, cause: Cause) -> Told {
    told(thread, Event::Entered { interpreter, cause })
}

const fn leaving(thread: usize, interpreter: InterpreterId) -> Told {
    told(thread, Event::Leaving { interpreter })
}

/// A lawful execution of the scenario `one-message`: thread 0 of A sends `x` through `c`, thread 1 of B receives, reads and
/// releases it.
const LAWFUL: [Told; 22] = [
    entered(0, A, Cause::Attach),
    told(0, Event::Sent { channel: C, queued: 1 }),
    leaving(0, A),
    told(0, Event::SenderDropped { channel: C, senders: 0 }),
    entered(1, B, Cause::Attach),
    told(1, Event::Received { channel: C, queued: 0 }),
    leaving(1, B),
    entered(1, A, Cause::ViewCreation),
    told(1, Event::Exported { object: X, exports: 1 }),
    leaving(1, A),
    entered(1, B, Cause::Return),
    Told::Read(1),
    told(1, Event::ViewDropped { clones: 0 }),
    leaving(1, B),
    entered(1, A, Cause::ViewRelease),
    told(1, Event::Unexported { object: X, exports: 0 }),
    told(1, Event::Dereferenced { object: X, references: 0 }),
    told(1, Event::Freed { object: X }),
    leaving(1, A),
    entered(1, B, Cause::Return),
    leaving(1, B),
    told(1, Event::Closed { channel: C, side: Side::Receive, discarded: 0 }),
];

/// Thread 1 finds no message, and leaves B to wait for one.
const WAITING: [Told; 3] = [
    entered(1, B, Cause::Attach),
    told(1, Event::ReceiveRefused { channel: C, why: Refused::NotReady }),
    leaving(1, B),
];

/// An execution of `one-message` under a monitor.
struct Execution {
    scenario: Scenario,
    graph: Arc<Mutex<Graph>>,
    monitor: Monitor,
}

impl Execution {
    fn under(strategy: Strategy) -> Self {
        let scenario = shipped().into_iter().find(|scenario| scenario.name == "one-message").expect("shipped");
        let graph = Arc::new(Mutex::new(Graph::new(&scenario, strategy)));
        let identities =
            Identities { interpreters: vec![A, B], channels: vec![C], buffers: vec![X], ..Identities::default() };
        let monitor = Monitor::new(Arc::clone(&graph), identities);
        Self { scenario, graph, monitor }
    }

    /// An execution that has come lawfully as far as `steps`.
    fn after(steps: impl IntoIterator<Item = Told>) -> Self {
        Self::after_under(Strategy::View, steps)
    }

    fn after_under(strategy: Strategy, steps: impl IntoIterator<Item = Told>) -> Self {
        let execution = Self::under(strategy);
        for step in steps {
            execution.tell(step).unwrap_or_else(|failure| panic!("{step:?} is lawful: {failure:#?}"));
        }
        execution
    }

    fn tell(&self, told: Told) -> Result<(), Failure> {
        match told {
            Told::Event(thread, event) => self.monitor.event(thread, &event),
            Told::Read(thread) => self.monitor.read(thread, 0),
        }
    }

    fn finish(&self, results: [&[&str]; 2]) -> Result<(), Failure> {
        let results = results.map(|results| results.iter().map(ToString::to_string).collect());
        self.monitor.finish(&results)
    }
}

/// The first steps of the lawful execution.
fn first(steps: usize) -> impl Iterator<Item = Told> {
    LAWFUL.into_iter().take(steps)
}

/// The lawful execution is refused when `wrong` comes behind `lawful`, for breaking `guarantee`, with words that say `says`.
#[track_caller]
fn assert_refused(
    lawful: impl IntoIterator<Item = Told>,
    wrong: Told,
    guarantee: impl Into<Option<&'static str>>,
    says: &str,
) {
    let execution = Execution::after(lawful);
    let steps = execution.monitor.trace().len();
    let Failure { guarantee: broken, why, trace } = execution.tell(wrong).expect_err("it is wrong");
    assert_eq!(broken, guarantee.into(), "{why}");
    assert!(why.contains(says), "{why}");
    assert!(trace.len() >= steps, "the steps up to there: {trace:?}");
}

/// The lawful execution passes, is counted, and visits nothing that the specification does not reach.
#[test]
fn a_lawful_execution_passes() {
    let execution = Execution::after(LAWFUL);
    execution.finish([&["sent"], &["x0", "x0"]]).expect("the results are those of the specification");
    let graph = execution.graph.lock().expect("no panic");
    assert_eq!((graph.executions(), graph.outcomes().len()), (1, 1));
    assert!(graph.visited() > LAWFUL.len(), "its equivalent orders count as well: {}", graph.visited());
    let specified = explore(&Rules::new(&execution.scenario, Strategy::View), None).expect("no limit was set");
    assert!(graph.agreement(&specified.states, &specified.outcomes).is_subset());
}

/// The trace of a failure tells the steps in words, the last lawful one last.
#[test]
fn a_failure_tells_how_it_came_about() {
    let failure = Execution::after(first(2)).tell(entered(0, A, Cause::Attach)).expect_err("it is attached already");
    assert_eq!(failure.trace, ["sender attaches to A", "sender sends x into c"]);
}

/// G1: no other operation, and no other cause, acquires a foreign lock.
#[test]
fn foreign_locks_are_refused() {
    assert_refused([], entered(1, A, Cause::ViewRelease), "G1", "cause view release, in operation attach");
    assert_refused([], entered(1, A, Cause::Return), "G1", "cause return, in operation attach");
    assert_refused(WAITING, entered(1, A, Cause::ViewCreation), "G1", "cause view creation, in operation receive");
    assert_refused(first(14), entered(1, A, Cause::Attach), "G1", "cause attach, in operation last-release");
}

/// G2: what a message or a view shows is not thawed.
#[test]
fn writers_beside_readers_are_refused() {
    let thawed = |thread| told(thread, Event::Thawed { object: X });
    let says = "while a message or a view shows the bytes";
    assert_refused(first(2), thawed(0), "G2", says);
    assert_refused(first(8), thawed(1), "G2", says);
    assert_refused(first(9), thawed(1), "G2", says);
}

/// G3: counts change under the owner's lock, once for each reference, and nothing is used after it was freed.
#[test]
fn miscounting_is_refused() {
    let dereferenced = |thread| told(thread, Event::Dereferenced { object: X, references: 0 });
    let unlocked = "without the lock of its owner A";
    assert_refused(first(7), told(1, Event::Exported { object: X, exports: 1 }), "G3", unlocked);
    assert_refused(first(14), told(1, Event::Unexported { object: X, exports: 0 }), "G3", unlocked);
    assert_refused(first(14), dereferenced(1), "G3", unlocked);
    assert_refused(first(2), dereferenced(0), "G3", "that it does not have");
    assert_refused(first(17), dereferenced(1), "G3", "that it does not have");
    assert_refused(first(9), told(1, Event::Exported { object: X, exports: 2 }), "G3", "without a message of it");
    assert_refused(first(18), told(1, Event::Freed { object: X }), "G3", "although it is freed");
    assert_refused(first(18), Told::Read(1), "G3", "after it was freed");
}

/// G4: nobody enters an interpreter while inside another or inside already, nobody leaves one that it is not in.
#[test]
fn a_second_lock_is_refused() {
    assert_refused(first(1), entered(0, A, Cause::Attach), "G4", "while it holds the lock of A");
    assert_refused(first(5), entered(1, A, Cause::ViewCreation), "G4", "while it holds the lock of B");
    assert_refused(first(1), leaving(1, A), "G4", "without holding the lock");
}

/// G5: a message is received once.
#[test]
fn a_second_delivery_is_refused() {
    let received = told(1, Event::Received { channel: C, queued: 0 });
    assert_refused(first(7), received, "G5", "although nothing is queued");
}

/// G7: neither a message nor a view loses its bytes.
#[test]
fn an_early_end_of_the_bytes_is_refused() {
    assert_refused(first(2), told(0, Event::Freed { object: X }), "G7", "under a message");
    assert_refused(first(16), told(1, Event::Freed { object: X }), "G7", "under a view");
}

/// G9: an end is given up once.
#[test]
fn a_second_end_is_refused() {
    let dropped = told(0, Event::SenderDropped { channel: C, senders: 0 });
    assert_refused(first(4), dropped, "G9", "without having a send end to give up");
}

/// What breaks no guarantee but is not what the protocol does there is refused as well.
#[test]
fn lawful_surprises_are_refused() {
    let refused = |why| told(1, Event::ReceiveRefused { channel: C, why });
    assert_refused(first(2), told(0, Event::Sent { channel: C, queued: 2 }), None, "but wants: leaves A");
    assert_refused(first(5), refused(Refused::Closed), None, "but wants: receives x from c");
    assert_refused(first(5), refused(Refused::TimedOut), None, "but wants: receives x from c");
    assert_refused(WAITING, told(1, Event::Received { channel: C, queued: 0 }), None, "would have to wait");
    assert_refused(first(1), told(0, Event::Stayed { interpreter: A }), None, "but wants: sends x into c");
}

/// G3: what changes a count that nobody wants changed is refused, also where the event does not name the buffer.
#[test]
fn unwanted_counts_are_refused() {
    let cloned = told(1, Event::ViewCloned { clones: 2 });
    assert_refused(first(11), cloned, "G3", "receiver cloned a view, but wants: reads x");
    let dropped = told(1, Event::ViewDropped { clones: 0 });
    assert_refused(first(13), dropped, "G3", "receiver dropped a view, but wants: leaves B");
    let frozen = told(0, Event::Frozen { object: ObjectId(31) });
    assert_refused(first(1), frozen, "G3", "sender froze a buffer, but wants: sends x into c");
    assert_refused(LAWFUL, dropped, "G3", "receiver dropped a view, but wants: nothing");
}

/// The words of a refusal name who did what once.
#[test]
fn refusals_do_not_repeat_themselves() {
    let why = |lawful: usize, wrong| Execution::after(first(lawful)).tell(wrong).expect_err("it is wrong").why;
    let twice = told(0, Event::SenderDropped { channel: C, senders: 0 });
    assert_eq!(why(4, twice), "sender drops a send end of c without having a send end to give up");
    let stayed = told(0, Event::Stayed { interpreter: A });
    assert_eq!(why(1, stayed), "sender stays in A at a safepoint, but wants: sends x into c");
    let waits = Execution::after(WAITING).tell(told(1, Event::Received { channel: C, queued: 0 }));
    let why = "receiver receives from c, and the specification would have to wait here";
    assert_eq!(waits.expect_err("there is no message").why, why);
}

/// The right step with a wrong number is refused with both numbers.
#[test]
fn wrong_numbers_are_refused() {
    let cases = [
        (1, told(0, Event::Sent { channel: C, queued: 2 }), "Queued(2), and the specification has Queued(1)"),
        (
            3,
            told(0, Event::SenderDropped { channel: C, senders: 1 }),
            "Senders(1), and the specification has Senders(0)",
        ),
        (8, told(1, Event::Exported { object: X, exports: 2 }), "Exports(2), and the specification has Exports(1)"),
        (12, told(1, Event::ViewDropped { clones: 1 }), "Clones(1), and the specification has Clones(0)"),
        (
            16,
            told(1, Event::Dereferenced { object: X, references: 1 }),
            "References(1), and the specification has References(0)",
        ),
        (
            21,
            told(1, Event::Closed { channel: C, side: Side::Receive, discarded: 1 }),
            "Discarded(1), and the specification has Discarded(0)",
        ),
    ];
    for (steps, wrong, says) in cases {
        assert_refused(first(steps), wrong, None, says);
    }
}

/// Identities that the scenario does not have are refused: nothing happens unseen.
#[test]
fn unknown_identities_are_refused() {
    let says = "about something that the scenario does not have";
    assert_refused([], entered(0, InterpreterId(11), Cause::Attach), None, says);
    assert_refused(first(1), told(0, Event::Sent { channel: ChannelId(41), queued: 1 }), None, says);
    assert_refused(first(8), told(1, Event::Exported { object: ObjectId(31), exports: 1 }), None, says);
    assert_refused([], entered(2, A, Cause::Attach), None, "the scenario has no part for");
}

/// Results that the specification does not have after these steps are refused at the end.
#[test]
fn wrong_results_are_refused() {
    let wrong: [[&[&str]; 2]; 4] =
        [[&["sent"], &["x0"]], [&["sent"], &["x0", "x1"]], [&["closed"], &["x0", "x0"]], [&[], &[]]];
    for results in wrong {
        let execution = Execution::after(LAWFUL);
        let failure = execution.finish(results).expect_err("the results are wrong");
        assert_eq!(failure.guarantee, None);
        assert!(failure.why.starts_with("the outcome is \"sender: "), "{}", failure.why);
        assert!(failure.why.ends_with("\"sender: sent | receiver: x0 x0\""), "{}", failure.why);
        assert_eq!(failure.trace.len(), LAWFUL.len());
        assert_eq!(execution.graph.lock().expect("no panic").executions(), 0, "a refused execution does not count");
    }
}

/// An execution that stops early leaves something behind: it is refused at the end.
#[test]
fn an_unfinished_execution_is_refused() {
    for (steps, guarantee, says) in [
        (0, "G9", "an end of c still exists at the end"),
        (12, "G4", "the lock of B is still held at the end"),
        (17, "G4", "the lock of A is still held at the end"),
        (21, "G9", "an end of c still exists at the end"),
    ] {
        let failure = Execution::after(first(steps)).finish([&["sent"], &["x0", "x0"]]).expect_err("it is unfinished");
        assert_eq!((failure.guarantee, failure.why.as_str()), (Some(guarantee), says));
    }
}

/// Agreement is exact only if nothing is missing and nothing is extra, and inclusion only if nothing is extra.
#[test]
fn agreement_tells_missing_from_extra() {
    let outcome = || vec!["sender: sent".to_owned()];
    let missing = [
        Agreement { states_missing: 1, ..Agreement::default() },
        Agreement { outcomes_missing: outcome(), ..Agreement::default() },
    ];
    let extra = [
        Agreement { states_extra: 1, ..Agreement::default() },
        Agreement { outcomes_extra: outcome(), ..Agreement::default() },
    ];
    assert!(Agreement::default().is_exact() && Agreement::default().is_subset());
    assert!(missing.iter().all(|agreement| !agreement.is_exact() && agreement.is_subset()));
    assert!(extra.iter().all(|agreement| !agreement.is_exact() && !agreement.is_subset()));
}

/// One execution is not all of them: the agreement counts what is missing, and what should not be there.
#[test]
fn agreement_counts_states_and_outcomes() {
    let execution = Execution::after(LAWFUL);
    execution.finish([&["sent"], &["x0", "x0"]]).expect("lawful");
    let graph = execution.graph.lock().expect("no panic");
    let specified = explore(&Rules::new(&execution.scenario, Strategy::View), None).expect("no limit was set");

    let agreement = graph.agreement(&specified.states, &specified.outcomes);
    assert_eq!(agreement.states_missing, specified.states.len() - graph.visited());
    let Agreement { states_extra, outcomes_extra, .. } = graph.agreement(&Default::default(), &Default::default());
    assert_eq!(states_extra, graph.visited());
    assert_eq!(outcomes_extra, ["sender: sent | receiver: x0 x0"]);
    let other = ["sender: closed | receiver: closed".to_owned()];
    assert_eq!(graph.agreement(&specified.states, &other.clone().into()).outcomes_missing, other);
}
