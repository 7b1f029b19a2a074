//! What a variable of a scenario's thread holds in the real code, and what a buffer's bytes say.

use super::slots::Kept;
use crate::scenario::{Buffer, BufferDecl};
use viewchan::strategy::Strategy;
use viewchan::strategy::epoch::{Publisher, Subscriber};
use viewchan::{Interpreter, ReceiveEnd, SendEnd, View};

/// What a variable holds.
pub(in crate::engine) enum Value<S: Strategy<Interpreter>> {
    Handle(viewchan::Buffer),
    View(View<Interpreter, S>),
    SendEnd(SendEnd<Interpreter, S>),
    ReceiveEnd(ReceiveEnd<Interpreter, S>),
    Publisher(Publisher),
    Subscriber(Subscriber),
    Reading(Kept),
}

/// Slices of a view leave at least one of these.
const LEN: usize = 32;

/// The bytes of a buffer: all the same, telling which buffer it is and how often it was frozen.
pub(super) fn bytes(buffer: Buffer, version: u8) -> Vec<u8> {
    vec![(version << 4) | buffer as u8; LEN]
}

/// What bytes say: the buffer and its version, or `None` if they contradict themselves.
pub(super) fn parse(bytes: &[u8]) -> Option<(Buffer, u8)> {
    let &first = bytes.first()?;
    let uniform = bytes.iter().all(|&byte| byte == first);
    uniform.then_some((usize::from(first & 15), first >> 4))
}

/// What a thread reports of bytes that it received or read: `x0`.
pub(super) fn describe(bytes: &[u8], buffers: &[BufferDecl]) -> String {
    match parse(bytes) {
        Some((buffer, version)) if buffer < buffers.len() => format!("{}{version}", buffers[buffer].name),
        _ => format!("torn bytes {bytes:?}"),
    }
}
