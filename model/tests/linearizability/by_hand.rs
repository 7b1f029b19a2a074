//! Histories written by hand: odd ones that are right, and ones that look right and are not.

use viewchan_model::history::Answer::{self, Closed, Counted, Done, NotReady, Received, Sent, TimedOut};
use viewchan_model::history::Operation::{self, Close, Count, DropReceive, DropSend, Receive, Send, Shut};
use viewchan_model::history::{Event, History, What};
use viewchan_model::scenario::Patience::{Deadline, Forever, Never};

fn invoked(thread: usize, operation: Operation) -> Event {
    Event { thread, what: What::Invoked(operation) }
}

fn answered(thread: usize, answer: Answer) -> Event {
    Event { thread, what: What::Answered(answer) }
}

/// An operation during which nothing else happens.
fn alone(thread: usize, operation: Operation, answer: Answer) -> [Event; 2] {
    [invoked(thread, operation), answered(thread, answer)]
}

fn history(capacity: Option<usize>, senders: usize, receivers: usize, events: &[&[Event]]) -> History {
    History { capacity, senders, receivers, events: events.concat() }
}

/// Operations take effect in the order in which they suit, as long as they overlap.
#[test]
fn odd_histories_are_accepted() {
    let history = history(
        Some(1),
        2,
        1,
        &[
            &[invoked(2, Receive(Deadline)), invoked(0, Send(11, Forever)), invoked(1, Send(21, Forever))],
            // The first send is done, and the receive that began before it finds nothing in time: it came before.
            &[answered(0, Sent), answered(2, TimedOut)],
            // The second sender waits for space since before, and there is some before its message is received.
            &[invoked(2, Receive(Never)), answered(2, Received(11)), invoked(2, Receive(Never))],
            &[answered(2, Received(21)), invoked(0, Send(12, Never)), answered(0, Sent), answered(1, Sent)],
            &alone(2, Count, Counted(1)),
            &[invoked(0, Close), invoked(2, Shut), answered(2, Done)],
            &alone(1, Send(22, Forever), Closed),
            &[answered(0, Done)],
            &alone(2, Receive(Forever), Closed),
        ],
    );
    assert!(history.is_linearizable(), "{history}");
}

/// The second of two sends that do not overlap is received first.
#[test]
fn an_overtaking_message_is_refused() {
    let sends = [alone(0, Send(11, Forever), Sent), alone(1, Send(21, Forever), Sent)].concat();
    let received = |first, second| {
        let receives = [alone(2, Receive(Never), Received(first)), alone(2, Receive(Never), Received(second))].concat();
        history(None, 2, 1, &[&sends, &receives])
    };
    assert!(received(11, 21).is_linearizable());
    assert!(!received(21, 11).is_linearizable());
    // Where the sends overlap, it is fine.
    let mut overlapping = received(21, 11);
    overlapping.events.swap(1, 2);
    assert!(overlapping.is_linearizable());
}

/// An operation after others, the answer that it cannot have, and the one that it has.
#[test]
fn wrong_answers_are_refused() {
    let sent = &alone(0, Send(11, Never), Sent)[..];
    let received = &alone(2, Receive(Forever), Received(11))[..];
    let (closed, shut) = (&alone(1, Close, Done)[..], &alone(2, Shut, Done)[..]);
    let dropped = &alone(1, DropSend, Done)[..];
    type Case<'a> = (&'a [&'a [Event]], usize, Operation, Answer, Answer);
    let cases: [Case<'_>; 12] = [
        // A message that nobody sent, one that comes twice, none where one is.
        (&[], 2, Receive(Never), Received(11), NotReady),
        (&[sent, received], 2, Receive(Never), Received(11), NotReady),
        (&[sent], 2, Receive(Never), NotReady, Received(11)),
        // A deadline that passes although there is a message, or space.
        (&[sent], 2, Receive(Deadline), TimedOut, Received(11)),
        (&[], 0, Send(11, Deadline), TimedOut, Sent),
        // More messages than there is space for.
        (&[sent], 0, Send(12, Never), Sent, NotReady),
        // Closed from the send side: no message goes in, but what is inside comes out.
        (&[closed], 0, Send(11, Never), Sent, Closed),
        (&[sent, closed], 2, Receive(Forever), Closed, Received(11)),
        // Closed from the receive side: what was inside is gone.
        (&[sent, shut], 2, Receive(Never), Received(11), Closed),
        (&[shut], 0, Send(11, Never), NotReady, Closed),
        // A send end is dropped, and another one is left.
        (&[dropped], 2, Receive(Never), Closed, NotReady),
        // Messages that are counted wrongly.
        (&[sent, received], 2, Count, Counted(1), Counted(0)),
    ];
    for (before, thread, operation, wrong, right) in cases {
        let ending = |answer| history(Some(1), 2, 1, &[&before.concat(), &alone(thread, operation, answer)]);
        let (wrong, right) = (ending(wrong), ending(right));
        assert!(!wrong.is_linearizable(), "accepted:\n{wrong}");
        assert!(right.is_linearizable(), "refused:\n{right}");
    }
}

/// The receive end is dropped with its last share, the channel closed with its last send end, and not before.
#[test]
fn ends_are_counted() {
    let dropped = |shares: usize, answer| {
        let drops: Vec<Event> = (1..=shares).flat_map(|thread| alone(thread, DropReceive, Done)).collect();
        history(None, 1, 2, &[&drops, &alone(0, Send(11, Never), answer)])
    };
    assert!(dropped(1, Sent).is_linearizable() && !dropped(1, Closed).is_linearizable());
    assert!(dropped(2, Closed).is_linearizable() && !dropped(2, Sent).is_linearizable());
    let dropped = |ends: usize, answer| {
        let drops: Vec<Event> = (0..ends).flat_map(|thread| alone(thread, DropSend, Done)).collect();
        history(None, 2, 1, &[&drops, &alone(2, Receive(Never), answer)])
    };
    assert!(dropped(1, NotReady).is_linearizable() && !dropped(1, Closed).is_linearizable());
    assert!(dropped(2, Closed).is_linearizable() && !dropped(2, NotReady).is_linearizable());
}

/// A person can read it.
#[test]
fn a_history_is_drawn() {
    let history = history(
        Some(2),
        1,
        1,
        &[&[invoked(0, Send(11, Deadline)), invoked(1, Receive(Never)), answered(0, Sent), answered(1, Received(11))]],
    );
    let drawn = "\
a channel for 2 at a time
sender 1              receiver 1
send-timeout 11
                      try-recv
└ sent
                      └ 11
";
    assert_eq!(history.to_string(), drawn);
}
