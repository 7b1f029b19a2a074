//! Faults on the real code: protocols broken on purpose, to show that the checks can fail.
//!
//! The specification's faults are in [`crate::spec::Fault`]. Most of those that live in the code are here again under the
//! same name, as a broken strategy or as a broken [site](viewchan::sync::site). Loom must refute each, on the scenario
//! named here, and for the reason named here.

#[cfg(feature = "loom")]
mod strategy;

use viewchan::sync::site::WAKE_UPS;

/// A fault that is put into the real code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeFault {
    /// Its name; the specification's fault of the same name, if there is one, is the same mistake.
    pub name: &'static str,
    /// The guarantee that it breaks.
    pub guarantee: &'static str,
    /// How it is put in.
    pub how: How,
    /// The shipped scenario on which loom refutes it.
    pub scenario: &'static str,
    /// A part of what loom or the monitor must say.
    pub says: &'static str,
}

/// How a fault is put into the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// As a strategy with this flaw.
    Strategy,
    /// By breaking the site of this name: an ordering becomes `Relaxed`, a wake-up is dropped.
    Site(&'static str),
}

const fn strategy(
    name: &'static str,
    guarantee: &'static str,
    scenario: &'static str,
    says: &'static str,
) -> CodeFault {
    CodeFault { name, guarantee, how: How::Strategy, scenario, says }
}

const fn site(
    name: &'static str,
    guarantee: &'static str,
    site: &'static str,
    scenario: &'static str,
    says: &'static str,
) -> CodeFault {
    CodeFault { name, guarantee, how: How::Site(site), scenario, says }
}

/// All faults that are put into the real code.
pub const CODE_FAULTS: &[CodeFault] = &[
    strategy("wrong-cause", "G1", "one-message", "G1"),
    strategy("lock-at-clone", "G1", "clones-made-while-dropped", "G1"),
    strategy("no-lock-at-creation", "G3", "one-message", "G3"),
    strategy("no-lock-at-release", "G3", "one-message", "G3"),
    strategy("message-without-reference", "G3", "one-message", "G3"),
    strategy("view-without-reference", "G3", "one-message", "G3"),
    strategy("double-release", "G3", "two-receivers-of-one-buffer", "G3"),
    strategy("forgotten-release", "G3", "last-clone-in-two-threads", "G3"),
    strategy("clone-not-counted", "G3", "received-view-cloned", "Clones(2)"),
    strategy("discard-leaks", "G3", "both-ends-dropped", "G3"),
    strategy("own-lock-kept", "G4", "crossing-releases", "deadlock"),
    site("send-forgets-waiters", "G6", "wake-message", "send-waits-for-space", "deadlock"),
    site("receive-forgets-waiters", "G6", "wake-space", "send-waits-for-space", "deadlock"),
    site("last-sender-forgets-receivers", "G6", "wake-last-sender", "last-senders-wake-receiver", "deadlock"),
    site("close-forgets-receivers", "G6", "wake-closed-receivers", "closed-while-receiving", "deadlock"),
    site("close-forgets-senders", "G6", "wake-closed-senders", "send-waits-then-sender-closes", "deadlock"),
    site("receiver-forgets-senders", "G6", "wake-no-receiver", "send-waits-then-closed", "deadlock"),
    site("deadline-forgets-receivers", "G6", "wake-nudged-receivers", "recv-timeout-alone", "deadlock"),
    site("deadline-forgets-senders", "G6", "wake-nudged-senders", "send-timeout-alone", "deadlock"),
    site("drop-does-not-publish", "G2", "view-drop", "last-clone-in-two-threads", "Causality violation"),
    site("last-does-not-look", "G2", "view-last", "last-clone-in-two-threads", "Causality violation"),
];

impl CodeFault {
    /// The fault with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        CODE_FAULTS.iter().copied().find(|fault| fault.name == name)
    }

    /// What is broken, in words.
    pub fn about(self) -> String {
        match self.how {
            How::Strategy => format!("A strategy with the flaw {}.", self.name),
            How::Site(site) if WAKE_UPS.iter().any(|wake_up| wake_up.name == site) => {
                format!("The notification {site} is never sent.")
            }
            How::Site(site) => format!("The ordering of {site} is Relaxed."),
        }
    }
}

#[cfg(feature = "loom")]
pub use explore::{control, explore};

#[cfg(feature = "loom")]
mod explore {
    use super::strategy::{Broken, Faulty, Flaw};
    use super::{CodeFault, How};
    use crate::engine::loom::{self, Mode};
    use crate::monitor::{Failure, Graph};
    use crate::scenario::Scenario;
    use std::sync::Arc;
    use viewchan::strategy::View;
    use viewchan::sync::site::break_site;

    macro_rules! flawed {
        ($($flaw:ident $name:literal),+ $(,)?) => {
            $(struct $flaw;
            impl Broken for $flaw {
                const FLAW: Flaw = Flaw::$flaw;
            })+

            fn with_flaw(name: &str, scenario: &Arc<Scenario>, fail: fn(Failure) -> !) -> Graph {
                match name {
                    $($name => loom::explore::<Faulty<$flaw>>(scenario, Mode::Rmw, fail),)+
                    _ => panic!("no strategy has the flaw {name}"),
                }
            }
        };
    }

    flawed! {
        None "none",
        NoLockAtRelease "no-lock-at-release",
        NoLockAtCreation "no-lock-at-creation",
        LockAtClone "lock-at-clone",
        WrongCause "wrong-cause",
        MessageWithoutReference "message-without-reference",
        ViewWithoutReference "view-without-reference",
        DoubleRelease "double-release",
        ForgottenRelease "forgotten-release",
        CloneNotCounted "clone-not-counted",
        DiscardLeaks "discard-leaks",
        OwnLockKept "own-lock-kept",
    }

    /// Explores a scenario under loom with a fault. Breaks this process: use a child.
    pub fn explore(fault: CodeFault, scenario: &Arc<Scenario>, fail: fn(Failure) -> !) -> Graph {
        match fault.how {
            How::Strategy => with_flaw(fault.name, scenario, fail),
            How::Site(site) => {
                break_site(site).unwrap_or_else(|error| panic!("{site}: {error:?}"));
                loom::explore::<View>(scenario, Mode::Rmw, fail)
            }
        }
    }

    /// Explores a scenario with the strategy of the faults, but without a flaw: that must pass.
    pub fn control(scenario: &Arc<Scenario>, fail: fn(Failure) -> !) -> Graph {
        with_flaw("none", scenario, fail)
    }
}
