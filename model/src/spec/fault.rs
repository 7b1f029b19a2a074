//! The faults: protocols that are wrong on purpose, each with the guarantee that it breaks.

use std::fmt;

use super::guarantee::Guarantee;

/// Declares [`Fault`] as a table: variant, name, guarantee, description (which is also its documentation).
macro_rules! faults {
    ($($variant:ident $name:literal $guarantee:ident $description:literal;)+) => {
        /// A protocol deliberately broken in one place. The law does not change, so that exploration refutes it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Fault {
            $(#[doc = $description] $variant,)+
        }

        impl Fault {
            /// All faults, ordered by guarantee.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name on the command line and in reports.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The guarantee that it breaks.
            pub fn guarantee(self) -> Guarantee {
                match self { $(Self::$variant => Guarantee::$guarantee,)+ }
            }

            /// What is broken, in one sentence.
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => $description,)+ }
            }
        }
    };
}

faults! {
    WrongCause "wrong-cause" G1
        "The last release becomes a thread of the owner (cause attach) instead of visiting it for the release.";
    LockAtClone "lock-at-clone" G1
        "Cloning or slicing a view acquires the owner's lock.";
    LockAtEveryRelease "lock-at-every-release" G1
        "Every release acquires the owner's lock, also when other clones remain.";
    ThawIgnoresMessages "thaw-ignores-messages" G2
        "Thaw looks for other handles and for views: a message in flight does not forbid it.";
    ThawIgnoresViews "thaw-ignores-views" G2
        "Thaw looks for other handles and for messages: a view does not forbid it.";
    NoLockAtCreation "no-lock-at-creation" G3
        "View creation takes the export without the owner's lock.";
    NoLockAtRelease "no-lock-at-release" G3
        "The last release gives export and reference back without the owner's lock.";
    MessageWithoutReference "message-without-reference" G3
        "Send gives the sender's reference back: nothing keeps the message alive.";
    ViewWithoutReference "view-without-reference" G3
        "View creation gives the message's reference back: nothing keeps the view alive.";
    DoubleRelease "double-release" G3
        "The last release gives the reference back twice.";
    ForgottenRelease "forgotten-release" G3
        "The last release gives nothing back.";
    CloneNotCounted "clone-not-counted" G3
        "A cloned view is not counted: the first drop releases what the second still shows.";
    WithdrawLeaks "withdraw-leaks" G3
        "A refused send forgets the buffer that it was given.";
    DiscardLeaks "discard-leaks" G3
        "Closing the receive end forgets the queued buffers.";
    PanicLeaks "panic-leaks" G3
        "A panic forgets what it unwinds through.";
    OwnLockKept "own-lock-kept" G4
        "Release enters the owner without leaving the thread's own interpreter.";
    DiscardUnderChannelLock "discard-under-channel-lock" G4
        "Closing the receive end discards the queued messages while it holds the channel's lock.";
    DuplicateDelivery "duplicate-delivery" G5
        "A receive leaves its message in the queue.";
    LostMessage "lost-message" G5
        "The last send end takes the queued messages with it.";
    LifoOrder "lifo-order" G5
        "A receive takes the newest message.";
    TimeoutForgetsRace "timeout-forgets-race" G5
        "A send that times out returns the message and leaves it in the queue.";
    WaitWithOwnLock "wait-with-own-lock" G6
        "A blocked send or receive keeps the lock of the thread's interpreter.";
    CloseForgetsWaiters "close-forgets-waiters" G6
        "Closing a channel, or dropping its last end, does not wake who waits on the other side.";
    SendForgetsWaiters "send-forgets-waiters" G6
        "A send does not wake a waiting receiver.";
    WalkGoesRound "walk-goes-round" G6
        "The walk before a receive end is sent does not stop when it comes to a channel that it has seen.";
    WalkLooksForItsStart "walk-looks-for-its-start" G6
        "The walk before a receive end is sent stops only when it comes back to that end, not in the circle of two others.";
    LastHandleFreesViews "last-handle-frees-views" G7
        "The owner's last handle takes the bytes with it, under the views of others.";
    LastHandleFreesMessages "last-handle-frees-messages" G7
        "The owner's last handle takes the bytes with it, under undelivered messages.";
    BoundedReleaseList "bounded-release-list" G8
        "A release to a busy owner goes on a list that holds one, and fails when the list is full.";
    ReleaseGivesUp "release-gives-up" G8
        "A release only tries the owner's lock, and fails when it is held.";
    ReachabilityUnchecked "reachability-unchecked" G9
        "A receive end is sent without looking where the channel's own receive end is.";
    MoorAfterProbe "moor-after-probe" G9
        "A receive end is noted to be in flight only after the walk: two sends can both find the way free.";
    EndsLeakAtClose "ends-leak-at-close" G9
        "Closing the receive end forgets the queued ends.";
}

impl Fault {
    /// The fault with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
