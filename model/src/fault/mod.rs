//! Faults on the real code: protocols broken on purpose, to show that the checks can fail.
//!
//! The specification's faults are in [`crate::spec::Fault`]. Most of those that live in the code are here again under the
//! same name, as a broken strategy or as a broken [site](viewchan::sync::site). Loom must refute each, on the scenario
//! named here, and for the reason named here; and so must shuttle, except for what it cannot see.

mod strategy;

use self::strategy as flawed;
use crate::engine::strategy::{Work, with_strategy};
use crate::scenario::Strategy;
use std::sync::atomic::Ordering;
use viewchan::sync::site::{ACCESSES, DELAYS, WAKE_UPS};

/// A fault that is put into the real code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeFault {
    /// Its name; the specification's fault of the same name, if there is one, is the same mistake.
    pub name: &'static str,
    /// The guarantee that it breaks.
    pub guarantee: &'static str,
    /// The strategy that it is put into. A broken site is below all of them: this is the one to break it under.
    pub strategy: Strategy,
    /// How it is put in.
    pub how: How,
    /// The shipped scenario on which it is refuted.
    pub scenario: &'static str,
    /// A part of what loom, shuttle or the monitor must say.
    pub says: &'static str,
}

/// How a fault is put into the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// As a strategy with this flaw.
    Strategy,
    /// By breaking the site of this name: an ordering becomes `Relaxed`, a wake-up is dropped, a delay is none.
    Site(&'static str),
    /// By leaving of the site of this name, whose ordering is `AcqRel`, only this half.
    Half(&'static str, Ordering),
}

const fn strategy(
    name: &'static str,
    guarantee: &'static str,
    scenario: &'static str,
    says: &'static str,
) -> CodeFault {
    CodeFault { name, guarantee, strategy: Strategy::View, how: How::Strategy, scenario, says }
}

impl CodeFault {
    /// The same fault under another strategy.
    const fn under(self, strategy: Strategy) -> Self {
        Self { strategy, ..self }
    }
}

const fn site(
    name: &'static str,
    guarantee: &'static str,
    site: &'static str,
    scenario: &'static str,
    says: &'static str,
) -> CodeFault {
    CodeFault { name, guarantee, strategy: Strategy::View, how: How::Site(site), scenario, says }
}

const fn half(
    name: &'static str,
    guarantee: &'static str,
    (site, half): (&'static str, Ordering),
    scenario: &'static str,
    says: &'static str,
) -> CodeFault {
    CodeFault { name, guarantee, strategy: Strategy::View, how: How::Half(site, half), scenario, says }
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
    strategy("no-lock-at-clone", "G3", "shared-clone-against-release", "G3").under(Strategy::Shared),
    strategy("clone-takes-nothing", "G3", "shared-clone-against-release", "takes a reference to x")
        .under(Strategy::Shared),
    strategy("proxy-not-sought", "G1", "proxy-joins-in-one-thread", "looks for a proxy of x").under(Strategy::Proxy),
    strategy("absorbed-forgotten", "G3", "proxy-joins-in-one-thread", "gives back a reference to x")
        .under(Strategy::Proxy),
    strategy("dead-proxy-revived", "G3", "proxy-sought-while-released", "G3").under(Strategy::Proxy),
    strategy("next-proxy-removed", "G1", "proxy-replaced-while-released", "reports Clones(0)").under(Strategy::Proxy),
    strategy("table-unlocked", "G3", "proxy-sought-while-released", "Causality violation").under(Strategy::Proxy),
    strategy("message-without-export", "G3", "handover-thaw-refused-in-flight", "exports x to a view")
        .under(Strategy::Handover),
    strategy("lock-at-receive", "G1", "handover-thaw-refused-in-flight", "G1").under(Strategy::Handover),
    strategy("lock-at-last-release", "G1", "collected-at-attach", "G1").under(Strategy::Deferred),
    strategy("return-list-drops-when-full", "G8", "d01-releases-beyond-any-limit", "puts y on the return list of A")
        .under(Strategy::Deferred),
    strategy("errand-while-attached", "G4", "return-to-an-idle-owner", "looks whether A still needs it")
        .under(Strategy::Deferred),
    site("send-forgets-waiters", "G6", "wake-message", "send-waits-for-space", "deadlock"),
    site("receive-forgets-waiters", "G6", "wake-space", "send-waits-for-space", "deadlock"),
    site("last-sender-forgets-receivers", "G6", "wake-last-sender", "last-senders-wake-receiver", "deadlock"),
    site("close-forgets-receivers", "G6", "wake-closed-receivers", "closed-while-receiving", "deadlock"),
    site("close-forgets-senders", "G6", "wake-closed-senders", "send-waits-then-sender-closes", "deadlock"),
    site("receiver-forgets-senders", "G6", "wake-no-receiver", "send-waits-then-closed", "deadlock"),
    site("deadline-forgets-receivers", "G6", "wake-nudged-receivers", "recv-timeout-alone", "deadlock"),
    site("deadline-forgets-senders", "G6", "wake-nudged-senders", "send-timeout-alone", "deadlock"),
    site("drop-does-not-publish", "G2", "view-drop", "last-clone-in-two-threads", "Causality violation"),
    site("sole-does-not-look", "G2", "view-sole", "last-clone-in-two-threads", "Causality violation"),
    site("last-does-not-look", "G2", "view-last", "last-clone-in-two-threads", "Causality violation"),
    site("reads-without-a-guard", "G3", "epoch-pin", "replaced-while-read", "returned a buffer").under(Strategy::Epoch),
    site("goes-back-at-once", "G3", "epoch-defer", "replaced-while-read", "returned a buffer").under(Strategy::Epoch),
    site("reader-does-not-look", "G2", "epoch-load", "peek-against-publish", "Causality violation")
        .under(Strategy::Epoch),
    site("publish-does-not-show", "G2", "epoch-publish", "peek-against-publish", "Causality violation")
        .under(Strategy::Epoch),
    half(
        "publish-shows-nothing",
        "G2",
        ("epoch-publish", Ordering::Acquire),
        "peek-against-publish",
        "Causality violation",
    )
    .under(Strategy::Epoch),
    site("look-sees-no-content", "G2", "return-look", "collected-at-send", "Causality violation")
        .under(Strategy::Deferred),
    site("return-does-not-publish", "G2", "return-push", "collected-at-attach", "Causality violation")
        .under(Strategy::Deferred),
    site("attending-sees-no-content", "G2", "attend", "collected-at-attach", "Causality violation")
        .under(Strategy::Deferred),
    site("errand-given-up-unpublished", "G2", "errand-seen", "errand-passes-at-departure", "Causality violation")
        .under(Strategy::Deferred),
    half(
        "return-sees-no-errand",
        "G2",
        ("return-push", Ordering::Release),
        "two-returns-at-once",
        "Causality violation",
    )
    .under(Strategy::Deferred),
    half(
        "return-publishes-nothing",
        "G2",
        ("return-push", Ordering::Acquire),
        "collected-at-attach",
        "Causality violation",
    )
    .under(Strategy::Deferred),
    site("end-forgets-receivers", "G6", "wake-ending-receivers", "end-interrupts-a-receiver", "deadlock"),
    site("end-forgets-senders", "G6", "wake-ending-senders", "end-interrupts-a-sender", "deadlock"),
];

/// The flaws that shuttle cannot see, and why. Nor can it see any weakened ordering: all are sequentially consistent to it.
pub const UNSEEN_BY_SHUTTLE: &[(&str, &str)] =
    &[("table-unlocked", "no thread is scheduled between two accesses to a cell, and nobody checks them")];

impl CodeFault {
    /// Whether shuttle must refute it as well.
    pub fn is_seen_by_shuttle(self) -> bool {
        match self.how {
            How::Strategy => !UNSEEN_BY_SHUTTLE.iter().any(|&(name, _)| name == self.name),
            How::Site(site) => !ACCESSES.iter().any(|access| access.name == site),
            How::Half(..) => false,
        }
    }

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
            How::Site(site) if DELAYS.iter().any(|delay| delay.name == site) => format!("The delay {site} is none."),
            How::Site(site) => format!("The ordering of {site} is Relaxed."),
            How::Half(site, half) => format!("The ordering of {site} is {half:?}, half of what ships."),
        }
    }
}

/// What is put into the code before it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// Nothing: what ships.
    Nothing,
    /// The strategy that carries the flaws, without one: that must pass.
    Control,
    /// A fault. Breaks this process: use a child.
    Fault(CodeFault),
}

impl Planted {
    /// What goes by this name: a fault; the control as `none`; nothing as `-`.
    ///
    /// # Errors
    ///
    /// When nothing does.
    pub fn from_name(name: &str) -> Result<Self, String> {
        match CodeFault::from_name(name) {
            Some(fault) => Ok(Self::Fault(fault)),
            None if name == "none" => Ok(Self::Control),
            None if name == "-" => Ok(Self::Nothing),
            None => Err(format!("no fault {name:?} lives in the code")),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "-",
            Self::Control => "none",
            Self::Fault(fault) => fault.name,
        }
    }

    /// Puts it in, and does the work with the type of the strategy.
    ///
    /// # Errors
    ///
    /// If the fault is in another strategy, or this build has not got the strategy or cannot break a site.
    pub(crate) fn run<W: Work>(self, strategy: Strategy, work: W) -> Result<W::Outcome, String> {
        match self {
            Self::Nothing => {}
            Self::Control => return flawed::with_flaw("none", strategy, work),
            Self::Fault(CodeFault { name, how: How::Strategy, strategy: own, .. }) => {
                if strategy != own {
                    let (own, other) = (own.name(), strategy.name());
                    return Err(format!("{name} is a flaw of the strategy {own}, not of {other}"));
                }
                return flawed::with_flaw(name, strategy, work);
            }
            Self::Fault(fault) => fault.break_site()?,
        }
        with_strategy!(strategy, S => work.with::<S>())
    }
}

impl CodeFault {
    /// Breaks the site that it is about.
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    fn break_site(self) -> Result<(), String> {
        use viewchan::sync::site::{break_site, weaken_site};

        let broken = match self.how {
            How::Strategy => unreachable!("a flaw is no site"),
            How::Site(site) => break_site(site),
            How::Half(site, half) => weaken_site(site, half),
        };
        broken.map_err(|error| format!("{}: {error}", self.name))
    }

    /// The sites of what ships are constants.
    #[cfg(not(any(feature = "loom", feature = "shuttle")))]
    fn break_site(self) -> Result<(), String> {
        Err(format!("{} breaks a site, which only a build with --features loom or shuttle can do", self.name))
    }
}
