//! Every place where the protocol's correctness hangs on one word: its memory orderings and its wake-ups.
//!
//! A site is data, so that a test can break one at a time (feature `loom` only) and demand that a model notices.
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

/// A view is cloned: one more user of the pin. Partner: none. The cloner holds the pin already, so nothing needs to
/// become visible; the count's modification order alone keeps it from reaching zero.
pub const VIEW_CLONE: Access = access("view-clone", Ordering::Relaxed);
/// A view is dropped. Partner: [`VIEW_LAST`]. Publishes all reads made through this clone to the one that releases.
pub const VIEW_DROP: Access = access("view-drop", Ordering::Release);
/// The last view looks at the count again. Partner: every [`VIEW_DROP`] before it. All reads of the other clones
/// happen before the release, hence before the owner frees or thaws the bytes.
pub const VIEW_LAST: Access = access("view-last", Ordering::Acquire);

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

/// Waiting receivers shall look at their deadlines again. Only models need it; elsewhere a deadline wakes its waiter.
pub const WAKE_NUDGED_RECEIVERS: WakeUp = wake_up("wake-nudged-receivers");
/// Waiting senders shall look at their deadlines again. Only models need it; elsewhere a deadline wakes its waiter.
pub const WAKE_NUDGED_SENDERS: WakeUp = wake_up("wake-nudged-senders");

/// All atomic accesses of the protocol.
pub const ACCESSES: &[Access] = &[VIEW_CLONE, VIEW_DROP, VIEW_LAST];

/// All wake-ups of the protocol.
pub const WAKE_UPS: &[WakeUp] = &[
    WAKE_MESSAGE,
    WAKE_SPACE,
    WAKE_LAST_SENDER,
    WAKE_CLOSED_RECEIVERS,
    WAKE_CLOSED_SENDERS,
    WAKE_NO_RECEIVER,
    WAKE_NUDGED_RECEIVERS,
    WAKE_NUDGED_SENDERS,
];

const fn access(name: &'static str, ordering: Ordering) -> Access {
    Access { name, ordering }
}

const fn wake_up(name: &'static str) -> WakeUp {
    WakeUp { name }
}

#[cfg(feature = "loom")]
pub use mutation::{Unknown, break_site};
#[cfg(feature = "loom")]
pub(super) use mutation::{is_dropped, ordering};

#[cfg(feature = "loom")]
mod mutation {
    use super::{ACCESSES, Access, Ordering, WAKE_UPS, WakeUp};
    use std::sync::OnceLock;

    static BROKEN: OnceLock<String> = OnceLock::new();

    /// No site has that name, or another one is broken already.
    #[derive(Debug)]
    pub struct Unknown;

    /// Breaks the site of this name for the rest of the process: an ordering becomes `Relaxed`, a wake-up is dropped.
    ///
    /// # Errors
    ///
    /// When no site has that name, or when a site was broken before.
    pub fn break_site(name: &str) -> Result<(), Unknown> {
        let mut names = ACCESSES.iter().map(|site| site.name).chain(WAKE_UPS.iter().map(|site| site.name));
        if !names.any(|known| known == name) {
            return Err(Unknown);
        }
        BROKEN.set(name.to_owned()).map_err(|_| Unknown)
    }

    fn is_broken(name: &str) -> bool {
        BROKEN.get().is_some_and(|broken| broken == name)
    }

    pub(in super::super) fn ordering(site: Access) -> Ordering {
        if is_broken(site.name) { Ordering::Relaxed } else { site.ordering }
    }

    pub(in super::super) fn is_dropped(site: WakeUp) -> bool {
        is_broken(site.name)
    }
}
