//! The monitor follows an interpreter's end.

use super::{Failure, Graph, Identities, Monitor};
use crate::scenario::{Located, Scenario, Step, Strategy, Undelivered, shipped};
use std::sync::{Arc, Mutex};
use viewchan::trace::{ChannelId, Event, ObjectId};
use viewchan::{Cause, InterpreterId};

const A: InterpreterId = InterpreterId(10);
const B: InterpreterId = InterpreterId(20);
const X: ObjectId = ObjectId(30);
const C: ChannelId = ChannelId(40);

/// `one-message`, with an error for what is undelivered; and the sender ends A before it leaves it.
fn scenario() -> Scenario {
    let mut scenario = shipped().into_iter().find(|scenario| scenario.name == "one-message").expect("shipped");
    scenario.channels[0].undelivered = Undelivered::Error;
    let Some(Located { step: Step::Attach { body, .. }, .. }) = scenario.threads[0].steps.first_mut() else {
        panic!("the sender attaches first")
    };
    body.push(Located { step: Step::End { interpreter: 0 }, text: String::new(), line: 0 });
    scenario
}

const LAWFUL: [(usize, Event); 16] = [
    (0, Event::Entered { interpreter: A, cause: Cause::Attach }),
    (0, Event::Sent { channel: C, queued: 1 }),
    (0, Event::Ending { interpreter: A }),
    (0, Event::Ended { interpreter: A }),
    (0, Event::Leaving { interpreter: A }),
    (1, Event::Entered { interpreter: B, cause: Cause::Attach }),
    (1, Event::Received { channel: C, queued: 0 }),
    (1, Event::Inspected { interpreter: A, ending: true }),
    (1, Event::Leaving { interpreter: B }),
    (1, Event::Entered { interpreter: A, cause: Cause::ViewRelease }),
    (1, Event::Dereferenced { object: X, references: 0 }),
    (1, Event::Freed { object: X }),
    (1, Event::Leaving { interpreter: A }),
    (1, Event::Entered { interpreter: B, cause: Cause::Return }),
    (1, Event::Leaving { interpreter: B }),
    (0, Event::SenderDropped { channel: C, senders: 0 }),
];

/// The execution that has come lawfully as far as so many steps.
fn after(steps: usize) -> Monitor {
    let graph = Arc::new(Mutex::new(Graph::new(&scenario(), Strategy::View)));
    let identities =
        Identities { interpreters: vec![A, B], channels: vec![C], buffers: vec![X], ..Identities::default() };
    let monitor = Monitor::new(graph, identities);
    for (thread, event) in &LAWFUL[..steps] {
        monitor.event(*thread, event).unwrap_or_else(|failure| panic!("{event:?} is lawful: {failure:#?}"));
    }
    monitor
}

#[track_caller]
fn assert_refused(steps: usize, (thread, event): (usize, Event), guarantee: Option<&str>, says: &str) {
    let Failure { guarantee: broken, why, .. } = after(steps).event(thread, &event).expect_err("it is wrong");
    assert_eq!(broken, guarantee, "{why}");
    assert!(why.contains(says), "{why}");
}

#[test]
fn a_lawful_end_passes() {
    let monitor = after(LAWFUL.len());
    let closed = Event::Closed { channel: C, side: viewchan::trace::Side::Receive, discarded: 0 };
    monitor.event(1, &closed).expect("the receive end is dropped at last");
    let results = [&["sent", "ended"][..], &["owner-ended"]];
    let results = results.map(|results| results.iter().map(ToString::to_string).collect());
    monitor.finish(&results).expect("the results are those of the specification");
}

#[test]
fn an_unlawful_end_is_refused() {
    let (ending, ended) = (Event::Ending { interpreter: A }, Event::Ended { interpreter: A });
    assert_refused(2, (0, ended), Some("G7"), "which is not in progress");
    assert_refused(1, (1, ending), Some("G7"), "without its lock");
    assert_refused(3, (0, ending), Some("G7"), "which had begun before");
    assert_refused(3, LAWFUL[4], None, "but wants: completes the end of A");
    let blind = Event::Inspected { interpreter: A, ending: false };
    assert_refused(7, (1, blind), None, "the specification has Ending(true)");
    let delivered = Event::Entered { interpreter: A, cause: Cause::ViewCreation };
    assert_refused(9, (1, delivered), Some("G1"), "in operation discard");
}
