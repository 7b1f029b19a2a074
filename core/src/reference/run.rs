//! Running code in an interpreter, with channel ends as its only luggage.

use super::{Attached, Interpreter};
use crate::runtime::Ended;
use crate::strategy::Strategy;
use crate::{ReceiveEnd, SendEnd};
use core::any::Any;
use core::fmt;
use std::collections::BTreeMap;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Whatever error a run comes back with.
pub type AnyError = Box<dyn Error + Send + Sync>;

/// Channel ends by name, to be passed to [`Interpreter::run`]. Ends of channels with any strategy, and nothing else.
#[derive(Default)]
pub struct Channels {
    /// Each is a [`SendEnd`] or a [`ReceiveEnd`].
    ends: BTreeMap<String, Box<dyn Any + Send>>,
}

impl Channels {
    /// No ends yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a send end. One that had the name before is dropped.
    #[must_use]
    pub fn with_send<S: Strategy<Interpreter>>(mut self, name: &str, end: SendEnd<Interpreter, S>) -> Self {
        self.ends.insert(name.to_owned(), Box::new(end));
        self
    }

    /// Adds a receive end. One that had the name before is dropped.
    #[must_use]
    pub fn with_receive<S: Strategy<Interpreter>>(mut self, name: &str, end: ReceiveEnd<Interpreter, S>) -> Self {
        self.ends.insert(name.to_owned(), Box::new(end));
        self
    }

    /// Takes a send end out.
    ///
    /// # Errors
    ///
    /// [`NoSuchEnd`] if there is none of that name, direction and strategy. What there is stays.
    pub fn take_send<S: Strategy<Interpreter>>(&mut self, name: &str) -> Result<SendEnd<Interpreter, S>, NoSuchEnd> {
        self.take(name, "send end")
    }

    /// Takes a receive end out.
    ///
    /// # Errors
    ///
    /// [`NoSuchEnd`] if there is none of that name, direction and strategy. What there is stays.
    pub fn take_receive<S: Strategy<Interpreter>>(
        &mut self,
        name: &str,
    ) -> Result<ReceiveEnd<Interpreter, S>, NoSuchEnd> {
        self.take(name, "receive end")
    }

    /// The names that are left, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.ends.keys().map(String::as_str)
    }

    fn take<E: 'static>(&mut self, name: &str, kind: &'static str) -> Result<E, NoSuchEnd> {
        let no_such_end = |is_there| NoSuchEnd { name: name.to_owned(), kind, is_there };
        let end = self.ends.remove(name).ok_or_else(|| no_such_end(false))?;
        match end.downcast() {
            Ok(end) => Ok(*end),
            Err(other) => {
                self.ends.insert(name.to_owned(), other);
                Err(no_such_end(true))
            }
        }
    }
}

impl fmt::Debug for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// [`Channels`] has no such end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSuchEnd {
    name: String,
    kind: &'static str,
    is_there: bool,
}

impl fmt::Display for NoSuchEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kind, is_there } = self;
        match is_there {
            true => write!(f, "the channel end {name:?} is not a {kind} of the strategy asked for"),
            false => write!(f, "there is no channel end {name:?}, or it was taken already; a {kind} was asked for"),
        }
    }
}

impl Error for NoSuchEnd {}

impl Interpreter {
    /// Runs `work` in this interpreter, with `channels` as all that it gets.
    ///
    /// `work` is a function or a closure that captures nothing: whatever else it needs comes through a channel. The calling
    /// thread may be attached anywhere, or nowhere; it leaves where it is for the time. Ends that `work` does not take are
    /// dropped when it is done.
    ///
    /// ```no_run
    /// use viewchan::reference::Channels;
    /// use viewchan::{BufferMut, Interpreter, ReceiveEnd, SendEnd, unbounded};
    ///
    /// let (questions, answered): (SendEnd, ReceiveEnd) = unbounded();
    /// let asker = Interpreter::new();
    /// asker.attach(|token| questions.send(token, BufferMut::from(vec![20, 22]).freeze(token)))?;
    ///
    /// let channels = Channels::new().with_receive("numbers", answered);
    /// let result = Interpreter::new().run(channels, |_token, mut channels| {
    ///     let numbers: ReceiveEnd = channels.take_receive("numbers")?;
    ///     let view = numbers.recv()?.into_view().map_err(|_| "not a buffer")?;
    ///     Ok(view.iter().map(|&byte| u32::from(byte)).sum::<u32>())
    /// });
    /// assert_eq!(result.reraise()?, 42);
    /// # Ok::<(), viewchan::reference::AnyError>(())
    /// ```
    ///
    /// The result is the value, or how it failed; a panic of `work` does not come out of here, but out of
    /// [`RunResult::reraise`].
    pub fn run<T>(
        &self,
        channels: Channels,
        work: fn(&mut Attached<'_>, Channels) -> Result<T, AnyError>,
    ) -> RunResult<T> {
        // Nothing of ours is in between when `work` unwinds, and it captures nothing that could be left half done.
        let ran = catch_unwind(AssertUnwindSafe(|| self.stay(|token| work(token, channels))));
        RunResult(match ran {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(error))) => Err(Failure::Error(error)),
            Ok(Err(Ended)) => Err(Failure::Ended),
            Err(panic) => Err(Failure::Panic(panic)),
        })
    }
}

/// What [`Interpreter::run`] came to: a value or a [`Failure`].
#[must_use = "it may be a failure"]
#[derive(Debug)]
pub struct RunResult<T>(Result<T, Failure>);

impl<T> RunResult<T> {
    /// The failure, if it is one.
    pub fn failure(&self) -> Option<&Failure> {
        self.0.as_ref().err()
    }

    /// The value, or the failure.
    ///
    /// # Errors
    ///
    /// The failure.
    pub fn into_result(self) -> Result<T, Failure> {
        self.0
    }

    /// The value; a failure is handed on: an error as an error, a panic as that panic.
    ///
    /// # Errors
    ///
    /// The error that the function returned, or [`Ended`].
    ///
    /// # Panics
    ///
    /// If the function did, with its payload. The panic hook has spoken already.
    pub fn reraise(self) -> Result<T, AnyError> {
        match self.0 {
            Ok(value) => Ok(value),
            Err(Failure::Error(error)) => Err(error),
            Err(Failure::Ended) => Err(Box::new(Ended)),
            Err(Failure::Panic(payload)) => resume_unwind(payload),
        }
    }
}

/// Why a run has no value.
#[non_exhaustive]
pub enum Failure {
    /// The function returned this error.
    Error(AnyError),
    /// The function panicked with this payload.
    Panic(Box<dyn Any + Send>),
    /// The interpreter's end had begun: the function has not run.
    Ended,
}

impl fmt::Display for Failure {
    /// The message of the error or of the panic.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::Panic(payload) => match (payload.downcast_ref::<String>(), payload.downcast_ref::<&str>()) {
                (Some(message), _) => write!(f, "panicked: {message}"),
                (None, Some(message)) => write!(f, "panicked: {message}"),
                (None, None) => f.write_str("panicked without a message"),
            },
            Self::Ended => Ended.fmt(f),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => f.debug_tuple("Error").field(error).finish(),
            Self::Panic(_) => write!(f, "Panic({:?})", self.to_string()),
            Self::Ended => f.write_str("Ended"),
        }
    }
}

impl Error for Failure {}
