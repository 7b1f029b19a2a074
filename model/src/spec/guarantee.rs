//! The nine guarantees, and what it means to break one.

use std::error::Error;
use std::fmt;

/// A guarantee of viewchan. SPEC.md states each one formally under its identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guarantee {
    /// A foreign lock is acquired only to create or to release a view.
    G1,
    /// Nobody can write to bytes that a message or a view shows.
    G2,
    /// References = owner handles + messages + views; freed exactly once, never leaked.
    G3,
    /// At most one interpreter's lock at a time, and none while waiting for another.
    G4,
    /// In order, and exactly one of received, withdrawn, discarded.
    G5,
    /// No deadlock, no lost wake-up.
    G6,
    /// Messages and views outlive the owner's interest in the buffer, and its interpreter; nobody is inside one that has
    /// ended.
    G7,
    /// A release always succeeds.
    G8,
    /// Ends keep to their direction, and travel through channels without getting lost.
    G9,
}

impl Guarantee {
    /// All guarantees, in order.
    pub const ALL: [Self; 9] =
        [Self::G1, Self::G2, Self::G3, Self::G4, Self::G5, Self::G6, Self::G7, Self::G8, Self::G9];

    /// The identifier that SPEC.md and the code cite.
    pub fn id(self) -> &'static str {
        match self {
            Self::G1 => "G1",
            Self::G2 => "G2",
            Self::G3 => "G3",
            Self::G4 => "G4",
            Self::G5 => "G5",
            Self::G6 => "G6",
            Self::G7 => "G7",
            Self::G8 => "G8",
            Self::G9 => "G9",
        }
    }

    /// Its name in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::G1 => "lock discipline",
            Self::G2 => "no mutable alias",
            Self::G3 => "counting",
            Self::G4 => "one lock",
            Self::G5 => "exactly once",
            Self::G6 => "progress",
            Self::G7 => "lifetime",
            Self::G8 => "release cannot fail",
            Self::G9 => "ends",
        }
    }
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id(), self.name())
    }
}

/// A guarantee is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub guarantee: Guarantee,
    /// How, with the names of the scenario.
    pub why: String,
}

impl Violation {
    /// A violation of `guarantee`, explained by `why`.
    pub(super) fn new(guarantee: Guarantee, why: impl Into<String>) -> Self {
        Self { guarantee, why: why.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.guarantee, self.why)
    }
}

impl Error for Violation {}

/// Why [`Rules::step`](super::Rules::step) does not take an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The thread wants it, but has to wait: for a lock, for a message, for space.
    Blocked,
    /// It breaks a guarantee, whatever the thread wants.
    Violation(Violation),
    /// It breaks no guarantee, but the protocol does something else at this point; or it names something that the
    /// scenario does not have.
    Unexpected {
        /// What was expected.
        why: String,
    },
}

impl From<Violation> for Refusal {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blocked => write!(f, "blocked"),
            Self::Violation(violation) => violation.fmt(f),
            Self::Unexpected { why } => write!(f, "unexpected: {why}"),
        }
    }
}

impl Error for Refusal {}
