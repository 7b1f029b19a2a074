//! What handles and errors say of themselves: short, and nothing of the bytes.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use common::{freeze, panic_message, view_of, watchdog};
use std::fmt::{Debug, Display};
use viewchan::array::AccessError;
use viewchan::channel::{
    RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError, unbounded,
};
use viewchan::layout::{FormatError, Kind, LayoutError, SliceError};
use viewchan::reference::{Channels, Failure};
use viewchan::runtime::{Cause, Ended};
use viewchan::strategy::epoch::{PublishError, slot};
use viewchan::{Buffer, Format, Interpreter, Message, Runtime};

fn debug(what: &impl Debug) -> String {
    format!("{what:?}")
}

fn says(what: impl Display, expected: &str) {
    assert_eq!(what.to_string(), expected);
}

/// Handles of interpreters, buffers and arrays say which one they are.
#[test]
fn handles_say_which_one_they_are() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let id = owner.id();
    says(id, &format!("interpreter {}", id.0));
    owner.attach(|token| {
        let itself = format!(
            "Interpreter {{ id: {}, acquisitions: {{Attach: 1, Return: 0, Safepoint: 0, ViewCreation: 0, ViewRelease: \
             0, Collection: 0}} }}",
            id.0
        );
        assert_eq!(debug(&owner), itself);
        assert_eq!(debug(token), format!("Attached({itself})"));
        let buffer = freeze(token, b"secret");
        assert_eq!(debug(&buffer), format!("Buffer {{ owner: {id:?}, .. }}"));
        let shaped = buffer.with_shape(Format::BYTE, &[6]).expect("six bytes");
        let expected = format!("Shaped {{ buffer: Buffer {{ owner: {id:?}, .. }}, format: |u1, shape: [6], .. }}");
        assert_eq!(debug(&shaped), expected);
    });
    assert_eq!(debug(&owner.ledger()), "Ledger { .. }");
    assert_eq!(debug(&owner.ledger().life), "Life { is_ending: false, .. }");
    Interpreter::with_errands(|errands| assert_eq!(debug(errands), "Errands { is_empty: true, .. }"));
}

/// Ends, and messages with what is in them.
#[test]
fn ends_and_messages_say_which_channel_is_theirs() {
    let _watchdog = watchdog();
    let (tx, rx) = unbounded();
    let id = tx.channel_id().0;
    assert_eq!(debug(&tx), format!("SendEnd {{ channel: {id} }}"));
    assert_eq!(debug(&rx), format!("ReceiveEnd {{ channel: {id} }}"));
    assert_eq!(debug(&rx.nudge()), format!("Nudge {{ channel: {id} }}"));
    let view = view_of(&Interpreter::new(), |token| freeze(token, b"secret"));
    let array = view.clone().with_layout(viewchan::Layout::bytes(6)).expect("of that length");
    let messages: [(Message, String); 4] = [
        (Message::View(view), "View(View { len: 6, .. })".to_owned()),
        (Message::Array(array), "Array(ArrayView { format: |u1, shape: [6], .. })".to_owned()),
        (Message::SendEnd(tx.clone()), format!("SendEnd(SendEnd {{ channel: {id} }})")),
        (Message::ReceiveEnd(rx), format!("ReceiveEnd(ReceiveEnd {{ channel: {id} }})")),
    ];
    for (message, expected) in messages {
        assert_eq!(debug(&message), expected);
    }
    let channels = Channels::new().with_send("b", tx.clone()).with_send("a", tx);
    assert_eq!(debug(&channels), r#"{"a", "b"}"#);
}

#[test]
fn slots_and_readings_say_which_one_they_are() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (publisher, subscriber) = slot();
    let id = publisher.slot_id();
    assert_eq!(debug(&publisher), format!("Publisher({id:?})"));
    assert_eq!(debug(&subscriber), format!("Subscriber({id:?})"));
    owner.attach(|token| publisher.publish(token, freeze(token, b"secret")).expect("its own"));
    let reader = subscriber.reader();
    assert_eq!(debug(&reader), format!("Reader({id:?})"));
    assert_eq!(debug(&reader.read().expect("published")), "Reading { len: 6, .. }");
}

#[test]
fn failures_say_what_happened() {
    let _watchdog = watchdog();
    let failure = |error: &str| Failure::Error(error.into());
    assert_eq!(debug(&failure("lost")), r#"Error("lost")"#);
    says(failure("lost"), "lost");
    assert_eq!(debug(&Failure::Panic(Box::new("at the disco"))), r#"Panic("panicked: at the disco")"#);
    says(Failure::Panic(Box::new("at the disco".to_owned())), "panicked: at the disco");
    says(Failure::Panic(Box::new(7)), "panicked without a message");
    assert_eq!(debug(&Failure::Ended), "Ended");
    says(Failure::Ended, "the interpreter is ending or has ended");
    says(Ended, "the interpreter is ending or has ended");
}

#[test]
fn errors_of_channels_say_what_happened() {
    let closed = "the channel is closed";
    says(SendError::Closed(()), closed);
    says(TrySendError::Closed(()), closed);
    says(SendTimeoutError::Closed(()), closed);
    says(TryRecvError::Closed, closed);
    says(RecvError::Closed, closed);
    says(RecvTimeoutError::Closed, closed);
    says(TryRecvError::Empty, "the channel is empty");
    says(PublishError::NotOwner(()), "the buffer belongs to another interpreter than the one attached to");
    assert_eq!(PublishError::NotOwner(7).into_inner(), 7);
}

#[test]
fn causes_are_named() {
    let named = Cause::ALL.map(|cause| cause.to_string());
    assert_eq!(named, ["attach", "return", "safepoint", "view creation", "view release", "collection"]);
}

#[test]
fn errors_of_arrays_say_the_numbers() {
    let format = Format::BYTE;
    says(
        AccessError::Format { format, kind: Kind::Int, size: 1 },
        "elements of format |u1 are not what was asked for: a signed integer of 1 bytes",
    );
    says(AccessError::ByteOrder { format }, "elements of format |u1 have the other byte order");
    says(AccessError::NotContiguous, "the elements do not stand one after the other in C order");
    says(
        AccessError::MisalignedAddress { remainder: 1, alignment: 8 },
        "the first element is 1 bytes past a multiple of 8, the type's alignment",
    );
    says(
        AccessError::FractionalStride { axis: 1, stride: 6, size: 4 },
        "the stride 6 of axis 1 is no multiple of 4, the type's size",
    );
    says(AccessError::Dimensions { ndim: 2, asked: 1 }, "the array has 2 dimensions, not 1");
}

#[test]
fn errors_of_layouts_say_the_numbers() {
    says(LayoutError::TooManyDimensions { ndim: 65 }, "65 dimensions are more than 64");
    says(LayoutError::StrideCount { ndim: 2, strides: 1 }, "there are 1 strides for 2 dimensions");
    says(LayoutError::BufferTooLong { len: 7 }, "no buffer has 7 bytes");
    says(LayoutError::BeforeStart { by: 3 }, "an element starts 3 bytes before the buffer");
    says(SliceError::NoAxis { axis: 2, ndim: 2 }, "there is no axis 2 among 2");
    says(SliceError::NoStep, "a step of 0 never gets anywhere");
    says(SliceError::NoPermutation, "not every axis is named exactly once");
    says(FormatError::Empty, "the format has no code");
    let kinds = [Kind::Bool, Kind::Int, Kind::Uint, Kind::Float, Kind::Complex, Kind::Bytes].map(|it| it.to_string());
    let named = [
        "a truth value",
        "a signed integer",
        "an unsigned integer",
        "a float",
        "a complex number",
        "a string of bytes",
    ];
    assert_eq!(kinds, named);
    assert_eq!(debug(&Format::BYTE), "Format(|u1)");
}

#[test]
fn refused_thaws_say_why() {
    let _watchdog = watchdog();
    Interpreter::new().attach(|token| {
        let buffer = freeze(token, b"x");
        let another = buffer.clone_ref(token);
        let in_use = "the buffer is in use: another handle, a message or a view refers to it, or a released view waits \
                      to be collected";
        says(buffer.try_thaw(token).expect_err("there is another handle"), in_use);
        drop(another);
        let foreign = "the buffer's bytes belong to a foreign owner that only lends them for reading";
        says(Buffer::from_owner(token, [1]).try_thaw(token).expect_err("lent"), foreign);
    });
}

/// A token of another interpreter is refused with both names.
#[test]
fn the_wrong_interpreter_is_named() {
    let _watchdog = watchdog();
    let (owner, other) = (Interpreter::new(), Interpreter::new());
    let buffer = owner.attach(|token| freeze(token, b"x"));
    let message = panic_message(|| other.attach(|token| drop(buffer.clone_ref(token))));
    let expected = format!("the buffer belongs to {}, but the thread is attached to {}", owner.id(), other.id());
    assert_eq!(message, expected);
}
