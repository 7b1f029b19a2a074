//! Return lists: no part of a strategy that does not use them, and followed where it does.

use super::{A, B, C, Execution, Told, X, assert_refused, entered, first, leaving, told};
use crate::scenario::Strategy;
use viewchan::Cause;
use viewchan::trace::{Event, Side};

/// Where nothing comes home by return lists, nobody looks after them.
#[test]
fn return_lists_are_no_part_of_other_strategies() {
    let no_part = "the scenario has no part for";
    assert_refused(first(1), told(0, Event::Attending { interpreter: A, pending: false }), None, no_part);
    assert_refused(first(1), told(0, Event::Looked { interpreter: A }), None, no_part);
    assert_refused(first(1), told(0, Event::Unattended { interpreter: A, errand: false }), None, no_part);
    assert_refused(first(1), told(0, Event::Collected { interpreter: A }), None, no_part);
    assert_refused(first(1), told(0, Event::ErrandSeen { interpreter: A, kept: false }), None, no_part);
    let returned = told(1, Event::Returned { interpreter: A, buffers: 1, errand: false });
    assert_refused(first(13), returned, "G3", "receiver returned a buffer, but wants: leaves B");
    assert_refused(first(5), told(1, Event::ProxySought { clones: 0 }), "G3", "receiver looked for a proxy");
}

/// The same scenario under `deferred`: the message is exported at send, and the view goes on the owner's return list.
const DEFERRED: [Told; 24] = [
    entered(0, A, Cause::Attach),
    told(0, Event::Attending { interpreter: A, pending: false }),
    told(0, Event::Exported { object: X, exports: 1 }),
    told(0, Event::Sent { channel: C, queued: 1 }),
    told(0, Event::Unattended { interpreter: A, errand: false }),
    leaving(0, A),
    told(0, Event::SenderDropped { channel: C, senders: 0 }),
    entered(1, B, Cause::Attach),
    told(1, Event::Received { channel: C, queued: 0 }),
    Told::Read(1),
    told(1, Event::ViewDropped { clones: 0 }),
    told(1, Event::Returned { interpreter: A, buffers: 1, errand: true }),
    leaving(1, B),
    told(1, Event::ErrandSeen { interpreter: A, kept: true }),
    entered(1, A, Cause::Collection),
    told(1, Event::Attending { interpreter: A, pending: true }),
    told(1, Event::Collected { interpreter: A }),
    told(1, Event::Unexported { object: X, exports: 0 }),
    told(1, Event::Dereferenced { object: X, references: 0 }),
    told(1, Event::Freed { object: X }),
    told(1, Event::Unattended { interpreter: A, errand: false }),
    leaving(1, A),
    told(1, Event::ErrandSeen { interpreter: A, kept: false }),
    told(1, Event::Closed { channel: C, side: Side::Receive, discarded: 0 }),
];

#[test]
fn an_errand_is_followed() {
    let execution = Execution::after_under(Strategy::Deferred, DEFERRED);
    execution.finish([&["sent"], &["x0", "x0"]]).expect("the results are those of the specification");
    for (steps, wrong, guarantee, says) in [
        (
            11,
            told(1, Event::Returned { interpreter: B, buffers: 1, errand: true }),
            Some("G3"),
            "returned a buffer, but wants: puts x",
        ),
        (
            11,
            told(1, Event::Returned { interpreter: A, buffers: 1, errand: false }),
            None,
            "the specification has Returned { buffers: 1, errand: true }",
        ),
        (13, told(1, Event::ErrandSeen { interpreter: A, kept: false }), None, "the specification has Kept(true)"),
        (14, told(1, Event::Collected { interpreter: A }), Some("G3"), "without the lock of A"),
        (16, told(1, Event::Looked { interpreter: A }), None, "but wants: takes x off the return list of A"),
        (4, entered(0, B, Cause::Collection), Some("G4"), "while it holds the lock of A"),
        (8, told(1, Event::ErrandSeen { interpreter: A, kept: false }), Some("G8"), "without having the errand"),
    ] {
        let execution = Execution::after_under(Strategy::Deferred, DEFERRED.into_iter().take(steps));
        let failure = execution.tell(wrong).expect_err(says);
        assert_eq!(failure.guarantee, guarantee, "{}", failure.why);
        assert!(failure.why.contains(says), "{}", failure.why);
    }
}
