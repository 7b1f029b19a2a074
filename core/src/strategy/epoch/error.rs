//! What [`publish`](super::Publisher::publish) refuses.

use core::fmt;

/// Why [`Publisher::publish`](super::Publisher::publish) failed. The buffer is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishError<P> {
    /// The buffer does not belong to the interpreter that the thread is attached to.
    NotOwner(P),
}

impl<P> PublishError<P> {
    /// The buffer, back.
    #[must_use]
    pub fn into_inner(self) -> P {
        let Self::NotOwner(buffer) = self;
        buffer
    }
}

impl<P> fmt::Display for PublishError<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the buffer belongs to another interpreter than the one attached to")
    }
}

impl<P: fmt::Debug> core::error::Error for PublishError<P> {}
