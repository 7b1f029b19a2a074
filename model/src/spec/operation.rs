//! What a thread is doing.

use std::fmt;

/// What a thread is doing, for the lock table and for G1: which locks it may acquire depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Nothing: it has not begun, or has finished.
    #[default]
    Idle,
    /// Begins or ends an `attach` block.
    Attach,
    /// Begins or ends a `detach` block.
    Detach,
    /// Passes a safepoint.
    Safepoint,
    /// Sends, or publishes.
    Send,
    /// Receives, view creation included; or peeks into a slot.
    Receive,
    /// Copies a buffer handle, a send end or a subscriber.
    Copy,
    /// Clones a view.
    Clone,
    /// Slices a view.
    Slice,
    /// Reads.
    Read,
    /// Drops a view that has other clones, or does not know yet that it has none; or a reading.
    Release,
    /// Drops the last clone of a view; or gives back what was published, for want of other guards or holders.
    LastRelease,
    /// Drops a buffer handle.
    DropHandle,
    /// Drops a send end, a publisher or a subscriber.
    DropEnd,
    /// Closes a channel.
    Close,
    /// Discards the messages of a channel whose receive end is gone.
    Discard,
    /// Thaws a buffer, writes to it and freezes it again.
    Thaw,
    /// Runs its errands, in the middle of something else.
    Errand,
    /// Ends an interpreter.
    End,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 19] = [
        Self::Idle,
        Self::Attach,
        Self::Detach,
        Self::Safepoint,
        Self::Send,
        Self::Receive,
        Self::Copy,
        Self::Clone,
        Self::Slice,
        Self::Read,
        Self::Release,
        Self::LastRelease,
        Self::DropHandle,
        Self::DropEnd,
        Self::Close,
        Self::Discard,
        Self::Thaw,
        Self::Errand,
        Self::End,
    ];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Attach => "attach",
            Self::Detach => "detach",
            Self::Safepoint => "safepoint",
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Copy => "copy",
            Self::Clone => "clone",
            Self::Slice => "slice",
            Self::Read => "read",
            Self::Release => "release",
            Self::LastRelease => "last-release",
            Self::DropHandle => "drop-handle",
            Self::DropEnd => "drop-end",
            Self::Close => "close",
            Self::Discard => "discard",
            Self::Thaw => "thaw",
            Self::Errand => "errand",
            Self::End => "end",
        }
    }

    /// Whether a thread that does this may become a thread of an interpreter on the way: G1 forbids it to everything
    /// that a view or a channel does.
    pub(super) fn may_attach(self) -> bool {
        matches!(self, Self::Idle | Self::Attach | Self::Detach | Self::DropHandle | Self::End)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
