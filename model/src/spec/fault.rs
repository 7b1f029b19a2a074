//! The faults: protocols that are wrong on purpose, each with the guarantee that it breaks.

use super::catalogue::catalogue;
use super::guarantee::Guarantee;
use crate::scenario::Strategy;

catalogue! {
    /// A protocol deliberately broken in one place. The law does not change, so that exploration refutes it.
    Fault,
    guarantee: "The guarantee that it breaks.";

    WrongCause "wrong-cause" G1
        "The last release becomes a thread of the owner (cause attach) instead of visiting it for the release.";
    LockAtClone "lock-at-clone" G1
        "Cloning or slicing a view acquires the owner's lock.";
    LockAtEveryRelease "lock-at-every-release" G1
        "Every release acquires the owner's lock, also when other clones remain.";
    ProxyNotSought "proxy-not-sought" G1
        "A receive visits the owner without looking for its interpreter's proxy.";
    LockAtReceive "lock-at-receive" G1
        "A receive visits the owner, although its message has its export already.";
    LockAtLastRelease "lock-at-last-release" G1
        "The last release visits the owner instead of using its return list.";
    LockAtPeek "lock-at-peek" G1
        "A peek into a slot visits the owner of what it finds.";
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
    MessageWithoutExport "message-without-export" G3
        "Send takes no export for the message that is to become a view by itself.";
    ViewWithoutReference "view-without-reference" G3
        "View creation gives the message's reference back: nothing keeps the view alive.";
    DoubleRelease "double-release" G3
        "The last release gives the reference back twice.";
    ForgottenRelease "forgotten-release" G3
        "The last release gives nothing back.";
    CloneNotCounted "clone-not-counted" G3
        "A cloned view is not counted: the first drop releases what the second still shows.";
    NoLockAtClone "no-lock-at-clone" G3
        "A clone takes reference and export of its own without the owner's lock.";
    AbsorbedForgotten "absorbed-forgotten" G3
        "A proxy that absorbs a message or a view does not note what it has to give back for it.";
    DeadProxyRevived "dead-proxy-revived" G3
        "A receive takes over the export of a proxy whose last clone is gone already.";
    CollectWithoutLock "collect-without-lock" G3
        "An errand collects without entering the owner.";
    BypassedGuard "bypassed-guard" G3
        "A peek loads the current value without a guard.";
    RetiredAtOnce "retired-at-once" G3
        "A value that is replaced goes back at once, without waiting for the guards.";
    PublishWithoutExport "publish-without-export" G3
        "A publish takes no export for what it publishes.";
    ValueNeverReturned "value-never-returned" G3
        "What waited for a guard is forgotten when the guard is gone.";
    LastHolderForgets "last-holder-forgets" G3
        "The last holder of a slot leaves the current value where it is.";
    WithdrawLeaks "withdraw-leaks" G3
        "A refused send forgets the buffer that it was given.";
    DiscardLeaks "discard-leaks" G3
        "Closing the receive end forgets the queued buffers.";
    PanicLeaks "panic-leaks" G3
        "A panic forgets what it unwinds through.";
    NobodyAdopts "nobody-adopts" G3
        "A release or a discard finds that the owner has ended, and gives nothing back.";
    OwnLockKept "own-lock-kept" G4
        "Release enters the owner without leaving the thread's own interpreter.";
    DiscardUnderChannelLock "discard-under-channel-lock" G4
        "Closing the receive end discards the queued messages while it holds the channel's lock.";
    RemovalUnderChannelLock "removal-under-channel-lock" G4
        "A receive discards the message of an ending owner while it holds the channel's lock.";
    ErrandWhileAttached "errand-while-attached" G4
        "An errand is run at once, without leaving the thread's own interpreter.";
    DuplicateDelivery "duplicate-delivery" G5
        "A receive leaves its message in the queue.";
    LostMessage "lost-message" G5
        "The last send end takes the queued messages with it.";
    LifoOrder "lifo-order" G5
        "A receive takes the newest message.";
    TimeoutForgetsRace "timeout-forgets-race" G5
        "A send that times out returns the message and leaves it in the queue.";
    InterruptForgetsRace "interrupt-forgets-race" G5
        "A send that is interrupted returns the message and leaves it in the queue.";
    EndDropsUndelivered "end-drops-undelivered" G5
        "An interpreter that ends takes its undelivered messages with it, whatever their policy.";
    RemoveTakesTheNext "remove-takes-the-next" G5
        "A receive that removes the message of an ending owner loses the next one too.";
    PolicyAndValue "policy-and-value" G5
        "A receive makes the view first and looks at its owner then: it reports an error and has a value.";
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
    EndForgetsWaiters "end-forgets-waiters" G6
        "The end of an interpreter does not wake its threads that wait in a send or a receive.";
    EndWaitsForLeavers "end-waits-for-leavers" G6
        "The end of an interpreter waits, under its lock, until everybody has left it.";
    LastHandleFreesViews "last-handle-frees-views" G7
        "The owner's last handle takes the bytes with it, under the views of others.";
    LastHandleFreesMessages "last-handle-frees-messages" G7
        "The owner's last handle takes the bytes with it, under undelivered messages.";
    EndFreesUnderViews "end-frees-under-views" G7
        "An interpreter that ends frees what it has made, under the messages and the views of others.";
    EndWithThreadInside "end-with-thread-inside" G7
        "The end of an interpreter is complete as soon as it begins.";
    EndsTwice "ends-twice" G7
        "The end of an interpreter does not look whether it has begun before.";
    LastLeaverForgets "last-leaver-forgets" G7
        "The last thread to leave an interpreter that is ending does not complete the end.";
    AttachAfterEnd "attach-after-end" G7
        "A thread attaches to an interpreter without looking whether it is ending.";
    InspectionIgnored "inspection-ignored" G7
        "A receive delivers the message of an owner that it saw ending, whatever the policy.";
    BoundedReleaseList "bounded-release-list" G8
        "A release to a busy owner goes on a list that holds one, and fails when the list is full.";
    ReleaseGivesUp "release-gives-up" G8
        "A release only tries the owner's lock, and fails when it is held.";
    ReturnListDropsWhenFull "return-list-drops-when-full" G8
        "A return list holds one buffer, and loses the next.";
    ErrandForgotten "errand-forgotten" G8
        "A release to an owner to whose return list nobody attends takes no errand.";
    ErrandDoneBlindly "errand-done-blindly" G8
        "An errand is given up without a look at the return list.";
    ErrandLeftSet "errand-left-set" G8
        "An errand is given up, but the return list still says that somebody has it.";
    DepartureLooksAway "departure-looks-away" G8
        "A thread leaves its interpreter without a look at the return list.";
    LendsUnattended "lends-unattended" G8
        "A thread that lends its interpreter's first buffer does not begin to attend.";
    OutboxKept "outbox-kept" G8
        "A thread leaves its interpreter with released buffers in the outbox.";
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

    /// The strategies under which the fault can be. Under the first one it is easiest to see.
    pub fn strategies(self) -> &'static [Strategy] {
        match self {
            Self::WrongCause
            | Self::NoLockAtRelease
            | Self::DoubleRelease
            | Self::OwnLockKept
            | Self::DiscardUnderChannelLock
            | Self::ReleaseGivesUp => RELEASED_BY_VISIT,
            Self::BoundedReleaseList => &[Strategy::View, Strategy::Shared, Strategy::Handover],
            Self::NoLockAtCreation | Self::ViewWithoutReference => CREATED_BY_VISIT,
            Self::LockAtClone | Self::LockAtEveryRelease | Self::CloneNotCounted => COUNTED_TOGETHER,
            Self::LockAtReceive | Self::MessageWithoutExport => EXPORTED_AT_SEND,
            Self::NoLockAtClone => &[Strategy::Shared],
            // No buffer takes part in the only race that shows it.
            Self::WalkLooksForItsStart => &[Strategy::View],
            Self::ProxyNotSought | Self::AbsorbedForgotten | Self::DeadProxyRevived => &[Strategy::Proxy],
            Self::LockAtLastRelease
            | Self::CollectWithoutLock
            | Self::ErrandWhileAttached
            | Self::ReturnListDropsWhenFull
            | Self::ErrandForgotten
            | Self::ErrandDoneBlindly
            | Self::ErrandLeftSet
            | Self::DepartureLooksAway
            | Self::LendsUnattended
            | Self::OutboxKept => &[Strategy::Deferred],
            Self::LockAtPeek
            | Self::BypassedGuard
            | Self::RetiredAtOnce
            | Self::PublishWithoutExport
            | Self::ValueNeverReturned
            | Self::LastHolderForgets => &[Strategy::Epoch],
            Self::RemovalUnderChannelLock => RELEASED_BY_VISIT,
            Self::InspectionIgnored => CREATED_BY_VISIT,
            Self::NobodyAdopts
            | Self::InterruptForgetsRace
            | Self::EndDropsUndelivered
            | Self::RemoveTakesTheNext
            | Self::PolicyAndValue
            | Self::EndForgetsWaiters
            | Self::EndWaitsForLeavers
            | Self::EndFreesUnderViews
            | Self::EndWithThreadInside
            | Self::EndsTwice
            | Self::LastLeaverForgets
            | Self::AttachAfterEnd => QUEUES,
            Self::ThawIgnoresMessages
            | Self::ThawIgnoresViews
            | Self::MessageWithoutReference
            | Self::ForgottenRelease
            | Self::WithdrawLeaks
            | Self::DiscardLeaks
            | Self::PanicLeaks
            | Self::DuplicateDelivery
            | Self::LostMessage
            | Self::LifoOrder
            | Self::TimeoutForgetsRace
            | Self::WaitWithOwnLock
            | Self::CloseForgetsWaiters
            | Self::SendForgetsWaiters
            | Self::WalkGoesRound
            | Self::LastHandleFreesViews
            | Self::LastHandleFreesMessages
            | Self::ReachabilityUnchecked
            | Self::MoorAfterProbe
            | Self::EndsLeakAtClose => QUEUES,
        }
    }
}

/// The strategies that share through channels.
const QUEUES: &[Strategy] =
    &[Strategy::View, Strategy::Shared, Strategy::Proxy, Strategy::Handover, Strategy::Deferred];
/// Those of them under which a release visits the owner.
const RELEASED_BY_VISIT: &[Strategy] = &[Strategy::View, Strategy::Shared, Strategy::Proxy, Strategy::Handover];
/// Those under which a view is created in a visit to the owner.
const CREATED_BY_VISIT: &[Strategy] = &[Strategy::View, Strategy::Shared, Strategy::Proxy];
/// Those under which the clones of a view have one count.
const COUNTED_TOGETHER: &[Strategy] = &[Strategy::View, Strategy::Proxy, Strategy::Handover, Strategy::Deferred];
/// Those under which a message has an export.
const EXPORTED_AT_SEND: &[Strategy] = &[Strategy::Handover, Strategy::Deferred];
