//! The module's exceptions, and what of the core becomes which.

use super::Context;
use super::entry::Kept;
use crate::py::{Attached, Owned, Raised, Ref, Result};
use core::ffi::CStr;
use pyo3_ffi as ffi;
use viewchan::channel::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};

/// The exceptions of this package.
#[derive(Clone, Copy)]
pub(crate) enum Error {
    Closed,
    Empty,
    Full,
    Timeout,
    NotShareable,
    OwnerEnded,
    RunFailed,
}

/// Name, documentation and second base of each, in the order of [`Error`].
const ERRORS: [(&CStr, &CStr, Base); 7] = [
    (
        c"viewchan.ClosedError",
        c"The end was closed or sent away, the channel is closed, or the interpreter of the waiting thread is ending.",
        Base::None,
    ),
    (c"viewchan.EmptyError", c"There is no message at the moment.", Base::None),
    (c"viewchan.FullError", c"There is no space at the moment.", Base::None),
    (
        c"viewchan.TimeoutError",
        c"Nothing came, or no space, in time. After a send that timed out nothing of it is in the channel.",
        Base::Timeout,
    ),
    (c"viewchan.NotShareableError", c"The object cannot be sent. The message says what can be done.", Base::Type),
    (
        c"viewchan.OwnerEndedError",
        c"The interpreter that sent the message has ended, and the message with it; the channel goes on.",
        Base::None,
    ),
    (
        c"viewchan.RunFailedError",
        c"Code that ran in another interpreter failed with an exception that has no counterpart here.",
        Base::None,
    ),
];

#[derive(Clone, Copy)]
enum Base {
    None,
    Timeout,
    Type,
}

/// The exception classes of an interpreter.
#[derive(Default)]
pub(super) struct Errors {
    base: Kept,
    errors: [Kept; ERRORS.len()],
}

impl Errors {
    /// Makes them, and gives each to `publish`.
    pub(super) fn create(
        &mut self,
        attached: Attached<'_>,
        mut publish: impl FnMut(&CStr, Ref<'_>) -> Result<()>,
    ) -> Result<()> {
        let base = new_exception(attached, c"viewchan.Error", c"Base of this package's errors.", None)?;
        publish(c"viewchan.Error", base.get())?;
        for ((name, doc, second), place) in ERRORS.into_iter().zip(&mut self.errors) {
            // SAFETY: builtin exceptions are there as long as Python is.
            let second = unsafe {
                match second {
                    Base::None => None,
                    Base::Timeout => attached.borrowed(ffi::PyExc_TimeoutError),
                    Base::Type => attached.borrowed(ffi::PyExc_TypeError),
                }
            };
            let bases = match second {
                None => attached.tuple([base.get().to_owned()]),
                Some(second) => attached.tuple([base.get().to_owned(), second.to_owned()]),
            }?;
            let error = new_exception(attached, name, doc, Some(&bases))?;
            publish(name, error.get())?;
            *place = core::ptr::NonNull::new(error.into_ptr());
        }
        self.base = core::ptr::NonNull::new(base.into_ptr());
        Ok(())
    }

    pub(super) fn kept(&mut self) -> impl Iterator<Item = &mut Kept> {
        core::iter::once(&mut self.base).chain(&mut self.errors)
    }
}

fn new_exception<'p>(attached: Attached<'p>, name: &CStr, doc: &CStr, bases: Option<&Owned<'p>>) -> Result<Owned<'p>> {
    let bases = bases.map_or(core::ptr::null_mut(), Owned::as_ptr);
    // SAFETY: the thread is attached; the texts are there, and the bases are a tuple of exceptions.
    unsafe { attached.owned(ffi::PyErr_NewExceptionWithDoc(name.as_ptr(), doc.as_ptr(), bases, core::ptr::null_mut())) }
}

impl Context<'_> {
    /// Sets an exception of this package.
    pub(crate) fn raise(&self, error: Error, message: &str) -> Raised {
        match self.kept(self.state().errors.errors[error as usize]) {
            Ok(class) => self.attached.raise(class, message),
            Err(raised) => raised,
        }
    }

    /// Whether the exception that is set is this one.
    pub(super) fn has_raised(&self, error: Error) -> bool {
        // SAFETY: the thread is attached, and the class is there.
        self.kept(self.state().errors.errors[error as usize])
            .is_ok_and(|class| unsafe { ffi::PyErr_ExceptionMatches(class.as_ptr()) } != 0)
    }
}

/// An error of the core, as an exception.
pub(super) trait Raises {
    fn kind(&self) -> Error;
}

impl<P> Raises for SendError<P> {
    fn kind(&self) -> Error {
        match self {
            Self::NotOwner(_) | Self::Unreachable(_) => Error::NotShareable,
            _ => Error::Closed,
        }
    }
}

impl<P> Raises for TrySendError<P> {
    fn kind(&self) -> Error {
        match self {
            Self::NotOwner(_) | Self::Unreachable(_) => Error::NotShareable,
            Self::Full(_) => Error::Full,
            _ => Error::Closed,
        }
    }
}

impl<P> Raises for SendTimeoutError<P> {
    fn kind(&self) -> Error {
        match self {
            Self::NotOwner(_) | Self::Unreachable(_) => Error::NotShareable,
            Self::TimedOut(_) => Error::Timeout,
            _ => Error::Closed,
        }
    }
}

impl Raises for RecvError {
    fn kind(&self) -> Error {
        match self {
            Self::OwnerEnded => Error::OwnerEnded,
            _ => Error::Closed,
        }
    }
}

impl Raises for TryRecvError {
    fn kind(&self) -> Error {
        match self {
            Self::OwnerEnded => Error::OwnerEnded,
            Self::Empty => Error::Empty,
            _ => Error::Closed,
        }
    }
}

impl Raises for RecvTimeoutError {
    fn kind(&self) -> Error {
        match self {
            Self::OwnerEnded => Error::OwnerEnded,
            Self::TimedOut => Error::Timeout,
            _ => Error::Closed,
        }
    }
}
