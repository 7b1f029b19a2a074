//! Every place where the protocol's correctness hangs on one word: its memory orderings, its wake-ups, and what it defers.
//!
//! A site is data, so that a test can break one at a time (features `loom` and `shuttle` only) and demand that a model
//! notices. Orderings mean nothing to shuttle, which takes all for SeqCst: there, none can be broken.
//! SPEC.md has one line for each; a test compares the two lists.

use core::sync::atomic::Ordering;

/// An atomic access and the ordering that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Its name in SPEC.md.
    pub name: &'static str,
    /// The ordering that ships.
    pub ordering: Ordering,
}

/// A wake-up: a notification that some waiter depends on. One place in the code for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WakeUp {
    /// Its name in SPEC.md.
    pub name: &'static str,
}

/// A place where the protocol leans on reclamation by epochs. One place in the code for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    /// Its name in SPEC.md.
    pub name: &'static str,
}

/// A view is cloned: one more user of the pin. Partner: none. The cloner holds the pin already, so nothing needs to
/// become visible; the count's modification order alone keeps it from reaching zero.
pub const VIEW_CLONE: Access = access("view-clone", Ordering::Relaxed);
/// A view is dropped. Partners: [`VIEW_LAST`] and [`VIEW_SOLE`]. Publishes all reads made through this clone to the one that
/// releases.
pub const VIEW_DROP: Access = access("view-drop", Ordering::Release);
/// A view that is dropped looks whether it is alone. Partner: every [`VIEW_DROP`] before it, as for [`VIEW_LAST`].
pub const VIEW_SOLE: Access = access("view-sole", Ordering::Acquire);
/// The last view looks at the count again. Partner: every [`VIEW_DROP`] before it. All reads of the other clones
/// happen before the release, hence before the owner frees or thaws the bytes.
pub const VIEW_LAST: Access = access("view-last", Ordering::Acquire);

/// A return list is looked at before it is changed. Partner: [`RETURN_PUSH`]. Makes what is on the list readable.
pub const RETURN_LOOK: Access = access("return-look", Ordering::Acquire);
/// A buffer is put on its owner's return list. Partners: [`RETURN_LOOK`], which finds it: all reads through the view happen
/// before it is collected; and [`ERRAND_SEEN`], which gave up the errand that this may take.
pub const RETURN_PUSH: Access = access("return-push", Ordering::AcqRel);
/// A buffer is taken off a return list. Partner: none: what is on the list became readable by [`RETURN_LOOK`] or [`ATTEND`],
/// and who takes it off holds the owner's lock.
pub const RETURN_POP: Access = access("return-pop", Ordering::Relaxed);
/// A thread attends to a return list from now on. Partner: [`RETURN_PUSH`], as for [`RETURN_LOOK`].
pub const ATTEND: Access = access("attend", Ordering::Acquire);
/// A thread attends no longer, and may take the errand. Partner: none: it takes the errand only after a [`RETURN_LOOK`] that
/// found it given up, and while somebody attends, nobody takes it.
pub const UNATTEND: Access = access("unattend", Ordering::Relaxed);
/// A thread looks whether its errand is still needed, and may give it up. Partners: [`RETURN_PUSH`], which may take it, and
/// the [`RETURN_LOOK`] before an [`UNATTEND`] that takes it: the link between errands is theirs.
pub const ERRAND_SEEN: Access = access("errand-seen", Ordering::Release);
/// A count that decides whether something can be tried at all. Partner: none: the try itself decides.
pub const COUNT_LOOK: Access = access("count-look", Ordering::Relaxed);
/// A view joins its interpreter's proxy. Partner: none, as with [`VIEW_CLONE`]: the proxy was found under a mutex.
pub const PROXY_JOIN: Access = access("proxy-join", Ordering::Relaxed);
/// An interpreter begins to end. Partner: none: who waits is woken under a mutex, the others may look too early.
pub const LIFE_END: Access = access("life-end", Ordering::Relaxed);
/// Whether an interpreter is ending. Partner: none, see [`LIFE_END`].
pub const LIFE_LOOK: Access = access("life-look", Ordering::Relaxed);
/// A reader loads the current value of a slot, under a guard. Partner: [`EPOCH_PUBLISH`]. The owner and the export, written
/// before the value was published, are readable.
pub const EPOCH_LOAD: Access = access("epoch-load", Ordering::Acquire);
/// A value is published and the former one taken out, under a guard. Partners: [`EPOCH_LOAD`], for the new value; and the
/// [`EPOCH_PUBLISH`] before it, for the former one: it was written, maybe by another thread, before it is given back.
pub const EPOCH_PUBLISH: Access = access("epoch-publish", Ordering::AcqRel);
/// The last holder of a slot takes out what is left. Partner: none: the mutex under which holders are counted orders it
/// after all that others did with the slot.
pub const EPOCH_LAST: Access = access("epoch-last", Ordering::Relaxed);

/// A message arrived: wakes one waiting receiver.
pub const WAKE_MESSAGE: WakeUp = wake_up("wake-message");
/// Space became free: wakes one waiting sender.
pub const WAKE_SPACE: WakeUp = wake_up("wake-space");
/// The last send end was dropped: wakes all waiting receivers.
pub const WAKE_LAST_SENDER: WakeUp = wake_up("wake-last-sender");
/// The send side closed: wakes all waiting receivers.
pub const WAKE_CLOSED_RECEIVERS: WakeUp = wake_up("wake-closed-receivers");
/// The send side closed: wakes all waiting senders.
pub const WAKE_CLOSED_SENDERS: WakeUp = wake_up("wake-closed-senders");
/// The receive end is gone: wakes all waiting senders.
pub const WAKE_NO_RECEIVER: WakeUp = wake_up("wake-no-receiver");
/// A receiver's interpreter begins to end: wakes all waiting receivers.
pub const WAKE_ENDING_RECEIVERS: WakeUp = wake_up("wake-ending-receivers");
/// A sender's interpreter begins to end: wakes all waiting senders.
pub const WAKE_ENDING_SENDERS: WakeUp = wake_up("wake-ending-senders");

/// Waiting receivers shall look at their deadlines again. Only models need it; elsewhere a deadline wakes its waiter.
pub const WAKE_NUDGED_RECEIVERS: WakeUp = wake_up("wake-nudged-receivers");
/// Waiting senders shall look at their deadlines again. Only models need it; elsewhere a deadline wakes its waiter.
pub const WAKE_NUDGED_SENDERS: WakeUp = wake_up("wake-nudged-senders");

/// A guard counts among those that a deferred function waits for. Without it, a slot is read without protection.
pub const EPOCH_PIN: Delay = delay("epoch-pin");
/// A deferred function waits for the guards. Without it, a replaced value goes back while it is read.
pub const EPOCH_DEFER: Delay = delay("epoch-defer");

/// All atomic accesses of the protocol.
pub const ACCESSES: &[Access] = &[
    VIEW_CLONE,
    VIEW_DROP,
    VIEW_SOLE,
    VIEW_LAST,
    RETURN_LOOK,
    RETURN_PUSH,
    RETURN_POP,
    ATTEND,
    UNATTEND,
    ERRAND_SEEN,
    COUNT_LOOK,
    PROXY_JOIN,
    LIFE_END,
    LIFE_LOOK,
    EPOCH_LOAD,
    EPOCH_PUBLISH,
    EPOCH_LAST,
];

/// All places where it leans on epochs.
pub const DELAYS: &[Delay] = &[EPOCH_PIN, EPOCH_DEFER];

/// All wake-ups of the protocol.
pub const WAKE_UPS: &[WakeUp] = &[
    WAKE_MESSAGE,
    WAKE_SPACE,
    WAKE_LAST_SENDER,
    WAKE_CLOSED_RECEIVERS,
    WAKE_CLOSED_SENDERS,
    WAKE_NO_RECEIVER,
    WAKE_ENDING_RECEIVERS,
    WAKE_ENDING_SENDERS,
    WAKE_NUDGED_RECEIVERS,
    WAKE_NUDGED_SENDERS,
];

const fn access(name: &'static str, ordering: Ordering) -> Access {
    Access { name, ordering }
}

const fn wake_up(name: &'static str) -> WakeUp {
    WakeUp { name }
}

const fn delay(name: &'static str) -> Delay {
    Delay { name }
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
pub use mutation::{Unbroken, break_site, weaken_site};
#[cfg(any(feature = "loom", feature = "shuttle"))]
pub(super) use mutation::{is_bypassed, is_dropped, ordering};

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod mutation {
    use super::{ACCESSES, Access, DELAYS, Delay, Ordering, WAKE_UPS, WakeUp};
    use core::fmt;
    use std::sync::OnceLock;

    /// The site that is broken; of an access also the ordering that it has instead.
    static BROKEN: OnceLock<(String, Ordering)> = OnceLock::new();

    /// Why a site was not broken.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Unbroken {
        /// No site has that name, or that half.
        Unknown,
        /// Another one is broken already.
        Second,
        /// It is an ordering, which would make no difference to this backend.
        Meaningless,
    }

    impl fmt::Display for Unbroken {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(match self {
                Self::Unknown => "no site has that name, or that half",
                Self::Second => "another site is broken already",
                Self::Meaningless => "all orderings are SeqCst to shuttle, so to weaken one would show nothing",
            })
        }
    }

    impl std::error::Error for Unbroken {}

    /// Breaks the site of this name for the rest of the process: an ordering becomes `Relaxed`, a wake-up is dropped, a
    /// delay is none.
    ///
    /// # Errors
    ///
    /// When no site has that name, when a site was broken before, or when it is an ordering and the backend shuttle.
    pub fn break_site(name: &str) -> Result<(), Unbroken> {
        let mut others = WAKE_UPS.iter().map(|site| site.name).chain(DELAYS.iter().map(|site| site.name));
        if others.any(|other| other == name) {
            return set_broken(name, Ordering::Relaxed);
        }
        weaken(name, Ordering::Relaxed, |_| true)
    }

    /// Weakens the access of this name, whose ordering is `AcqRel`, to one half of that for the rest of the process.
    ///
    /// # Errors
    ///
    /// When no such access has that name, when `half` is none, when a site was broken before, or when the backend is shuttle.
    pub fn weaken_site(name: &str, half: Ordering) -> Result<(), Unbroken> {
        let is_half = matches!(half, Ordering::Acquire | Ordering::Release);
        weaken(name, half, |site| is_half && site.ordering == Ordering::AcqRel)
    }

    fn weaken(name: &str, instead: Ordering, can_be: impl Fn(&Access) -> bool) -> Result<(), Unbroken> {
        if !ACCESSES.iter().any(|site| site.name == name && can_be(site)) {
            return Err(Unbroken::Unknown);
        }
        if cfg!(not(feature = "loom")) {
            return Err(Unbroken::Meaningless);
        }
        set_broken(name, instead)
    }

    fn set_broken(name: &str, instead: Ordering) -> Result<(), Unbroken> {
        BROKEN.set((name.to_owned(), instead)).map_err(|_| Unbroken::Second)
    }

    fn is_broken(name: &str) -> bool {
        BROKEN.get().is_some_and(|(broken, _)| broken == name)
    }

    pub(in super::super) fn ordering(site: Access) -> Ordering {
        match BROKEN.get() {
            Some((broken, instead)) if broken == site.name => *instead,
            _ => site.ordering,
        }
    }

    pub(in super::super) fn is_dropped(site: WakeUp) -> bool {
        is_broken(site.name)
    }

    pub(in super::super) fn is_bypassed(site: Delay) -> bool {
        is_broken(site.name)
    }
}
