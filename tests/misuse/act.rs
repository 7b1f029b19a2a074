//! What a program may do, right or wrong.

use proptest::collection::vec;
use proptest::prelude::*;

/// Interpreters of a run.
pub(crate) const INTERPRETERS: usize = 2;
/// Channels of a run: one for each policy of undelivered messages.
pub(crate) const CHANNELS: usize = 3;

/// One thing that a program does. Numbers of handles and views are reduced to those that there are; without any,
/// nothing happens.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Attaches to an interpreter, from wherever the thread is, for some acts. It may have ended.
    Attach(usize, Vec<Act>),
    /// Leaves the interpreter for some acts.
    Detach(Vec<Act>),
    /// Attaches without asking: where the thread is attached already, or the interpreter has ended, that panics.
    AttachBlindly(usize),
    /// Ends an interpreter, once or again.
    End(usize),
    /// Makes a buffer, of bytes that a foreign owner lends or of its own.
    Freeze { lent: bool },
    /// Another handle, with the token that is there.
    CloneHandle(usize),
    /// Drops a handle, wherever the thread is.
    DropHandle(usize),
    /// Thaws, writes, and freezes again, with the token that is there.
    Thaw(usize),
    /// Makes an array of a buffer, with a layout for another length or the right one.
    Shape { handle: usize, len: usize },
    /// Sends a buffer, whoever owns it.
    Send { channel: usize, handle: usize, how: How },
    /// Sends a send end, maybe into its own channel.
    SendSendEnd { channel: usize, of: usize, how: How },
    /// Sends a receive end, maybe where nobody could reach it any more.
    SendReceiveEnd { channel: usize, of: usize, how: How },
    /// Receives.
    Receive { channel: usize, how: How },
    /// Clones a send end.
    CloneEnd(usize),
    /// Drops a send end.
    DropEnd(usize),
    /// Closes a channel by a send end.
    CloseEnd(usize),
    /// Shuts a receive end, once or again.
    Shut(usize),
    /// Drops a receive end.
    DropReceiveEnd(usize),
    /// Clones a view.
    CloneView(usize),
    /// Slices a view, maybe where there is nothing.
    Slice { view: usize, from: usize, to: usize },
    /// Releases a view, wherever the thread is.
    Release(usize),
}

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Not at all.
    Try,
    /// Until a deadline that has passed.
    Late,
    /// For ever, where that is not long: else until a deadline that has passed.
    Forever,
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![Just(How::Try), Just(How::Late), Just(How::Forever)]
}

/// Programs.
pub(crate) fn acts() -> impl Strategy<Value = Vec<Act>> {
    let (interpreter, channel, number) = (|| 0..INTERPRETERS, || 0..CHANNELS, || 0..6_usize);
    let simple = prop_oneof![
        6 => any::<bool>().prop_map(|lent| Act::Freeze { lent }),
        8 => (channel(), number(), how()).prop_map(|(channel, handle, how)| Act::Send { channel, handle, how }),
        8 => (channel(), how()).prop_map(|(channel, how)| Act::Receive { channel, how }),
        3 => (channel(), channel(), how()).prop_map(|(channel, of, how)| Act::SendSendEnd { channel, of, how }),
        5 => (channel(), channel(), how()).prop_map(|(channel, of, how)| Act::SendReceiveEnd { channel, of, how }),
        2 => number().prop_map(Act::CloneHandle),
        1 => number().prop_map(Act::DropHandle),
        3 => number().prop_map(Act::Thaw),
        1 => (number(), 0..8_usize).prop_map(|(handle, len)| Act::Shape { handle, len }),
        2 => channel().prop_map(Act::CloneEnd),
        1 => channel().prop_map(Act::DropEnd),
        1 => channel().prop_map(Act::CloseEnd),
        2 => channel().prop_map(Act::Shut),
        1 => channel().prop_map(Act::DropReceiveEnd),
        1 => number().prop_map(Act::CloneView),
        1 => (number(), 0..8_usize, 0..8_usize).prop_map(|(view, from, to)| Act::Slice { view, from, to }),
        2 => number().prop_map(Act::Release),
        1 => interpreter().prop_map(Act::AttachBlindly),
        1 => interpreter().prop_map(Act::End),
    ];
    let act = simple.prop_recursive(3, 48, 8, move |inner| {
        prop_oneof![
            4 => (interpreter(), vec(inner.clone(), 1..8)).prop_map(|(at, acts)| Act::Attach(at, acts)),
            1 => vec(inner, 1..4).prop_map(Act::Detach),
        ]
    });
    vec(act, 1..10)
}
