//! Waiting at a file descriptor: for `select`, for asyncio, and for Ctrl-C.
//!
//! A channel says when it becomes ready and when it ceases to be ([`Readiness`]); here that is a byte in a socket.
//! Threads of the main interpreter wait at one, since a signal interrupts that and nothing else; those of other
//! interpreters, where no signal is handled, wait as the core does.

use super::Context;
use crate::py::Result;
use crate::runtime::Python;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;
use viewchan::Runtime;
use viewchan::channel::{Listener, Readiness};

/// A socket that is readable while something is ready.
pub(super) struct Signal {
    readable: UnixStream,
    writable: UnixStream,
}

impl Signal {
    pub(super) fn new() -> io::Result<Self> {
        let (readable, writable) = UnixStream::pair()?;
        readable.set_nonblocking(true)?;
        writable.set_nonblocking(true)?;
        Ok(Self { readable, writable })
    }

    pub(super) fn fileno(&self) -> RawFd {
        self.readable.as_raw_fd()
    }

    /// Nothing is ready, as far as is known: for one that watches nothing at the moment.
    pub(super) fn clear(&self) {
        self.set(false);
    }

    /// Waits until it is readable. `false` if the deadline passed.
    fn wait(&self, deadline: Option<Instant>) -> rustix::io::Result<bool> {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        let ready = poll(&mut [PollFd::new(&self.readable, PollFlags::IN)], left.as_ref())?;
        Ok(ready > 0)
    }
}

impl Readiness for Signal {
    /// Told of changes only: so there is one byte or none, and no write ever blocks. When it is told first, there may
    /// be nothing to read.
    fn set(&self, ready: bool) {
        let _done = if ready { (&self.writable).write(&[0]) } else { (&self.readable).read(&mut [0]) };
    }
}

impl Context<'_> {
    /// Waits, with the GIL given up, until what is watched is ready. `false` if the deadline passed. A signal's
    /// handler may raise.
    pub(super) fn wait_until_ready(
        &self,
        watch: impl Fn(Listener),
        unwatch: impl Fn(&Listener),
        deadline: Option<Instant>,
    ) -> Result<bool> {
        let signal = Arc::new(Signal::new().map_err(|error| self.attached.raise_os(&error))?);
        let listener: Listener = signal.clone();
        watch(listener.clone());
        let waited = self.wait_at(&signal, deadline);
        unwatch(&listener);
        waited
    }

    /// The thread, of another interpreter than the main one, is about to wait as the core does: until something
    /// comes, or the interpreter is about to end.
    pub(super) fn watch_threads(&self) -> Result<()> {
        let is_watched = &self.state().is_watched;
        if !is_watched.get() {
            let watch = self.attached.import(c"viewchan._threads")?.get().attribute(c"watch")?;
            let watched = watch.get().call(&self.attached.tuple([])?, None)?;
            is_watched.set(watched.get().is_true());
        }
        Ok(())
    }

    fn wait_at(&self, signal: &Signal, deadline: Option<Instant>) -> Result<bool> {
        loop {
            // SAFETY: the work uses no token.
            let ready = unsafe { Python::outside(|| signal.wait(deadline)) };
            match ready {
                Ok(ready) => return Ok(ready),
                Err(Errno::INTR) => self.attached.check_signals()?,
                Err(error) => return Err(self.attached.raise_os(&error.into())),
            }
        }
    }
}
