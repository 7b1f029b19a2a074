//! What a variable of a scenario's thread holds in the real code, and what a buffer's bytes say.

use super::slots::Kept;
use crate::scenario::{Buffer, BufferDecl};
use crate::spec::Operation;
use viewchan::strategy::Strategy;
use viewchan::strategy::epoch::{Publisher, Subscriber};
use viewchan::{ReceiveEnd, Runtime, SendEnd, View};

/// What a variable holds.
pub(in crate::engine) enum Value<R: Runtime, S: Strategy<R>> {
    Handle(viewchan::Buffer<R>),
    View(View<R, S>),
    SendEnd(SendEnd<R, S>),
    ReceiveEnd(ReceiveEnd<R, S>),
    Publisher(Publisher<R>),
    Subscriber(Subscriber<R>),
    Reading(Kept<R>),
}

/// What the variables of a thread hold.
pub(in crate::engine) type Variables<R, S> = Vec<Option<Value<R, S>>>;

impl<R: Runtime, S: Strategy<R>> Value<R, S> {
    /// What it is to drop this.
    pub(super) fn drop_operation(&self) -> Operation {
        match self {
            Self::Handle(_) => Operation::DropHandle,
            Self::View(_) | Self::Reading(_) => Operation::Release,
            Self::ReceiveEnd(_) => Operation::Close,
            Self::SendEnd(_) | Self::Publisher(_) | Self::Subscriber(_) => Operation::DropEnd,
        }
    }
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

/// The next version of a buffer's bytes, written in place.
pub(super) fn rewrite(there: &mut [u8]) {
    let (buffer, version) = parse(there).expect("a thawed buffer says what it is");
    there.copy_from_slice(&bytes(buffer, version + 1));
}

/// What a thread reports of bytes that it received or read: `x0`.
pub(super) fn describe(bytes: &[u8], buffers: &[BufferDecl]) -> String {
    match parse(bytes) {
        Some((buffer, version)) if buffer < buffers.len() => format!("{}{version}", buffers[buffer].name),
        _ => format!("torn bytes {bytes:?}"),
    }
}
