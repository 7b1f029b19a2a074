//! CPython as a host of scenarios.
//!
//! A thread of a scenario is a plain thread that comes to run code, as one does that calls `viewchan.run`. Its
//! errands are run by the threads of the backend that do so in production; so a buffer may come home a little later
//! than the thread that released it goes on, and `left_over` waits for that.

use crate::interpreters;
use core::marker::PhantomData;
use std::thread;
use std::time::{Duration, Instant};
use viewchan::runtime::Ended;
use viewchan::trace::ObjectId;
use viewchan::{Buffer, Runtime};
use viewchan_cpython::runtime::{Python, Token, host};
use viewchan_cpython::storage::Storage;
use viewchan_model::engine::host::Host;

/// Real interpreters, entered and left in these ways.
pub(crate) struct CPython<W>(PhantomData<W>);

/// What a host can do wrongly. What is here is right.
pub(crate) trait Ways: 'static {
    fn attach(to: &Python, work: impl FnOnce(&mut Token<'_>)) -> Result<(), Ended> {
        host::attach(to, work)
    }

    fn detach(_stay: &mut Token<'_>, work: impl FnOnce()) {
        // SAFETY: the work has no token: the stay's is lent to this function.
        unsafe { Python::outside(work) }
    }

    fn end(python: &Python) -> Result<(), Ended> {
        interpreters::end(python)
    }
}

/// All as it should be.
pub(crate) enum Sound {}

impl Ways for Sound {}

/// How long the collectors may take. Longer than any machine needs that is not stuck.
const SETTLED_WITHIN: Duration = Duration::from_secs(10);

impl<W: Ways> Host for CPython<W> {
    const ENGINE: &'static str = "cpython";

    type Runtime = Python;
    type Stay<'a> = Token<'a>;

    fn interpreter(_batch: usize) -> Python {
        interpreters::take()
    }

    fn retire(interpreter: Python) {
        interpreters::give_back(interpreter);
    }

    fn token<'s, 'a>(stay: &'s Self::Stay<'a>) -> &'s <Python as Runtime>::Token<'a> {
        stay
    }

    fn attach(_stay: Option<&mut Token<'_>>, to: &Python, work: impl FnOnce(&mut Token<'_>)) -> Result<(), Ended> {
        W::attach(to, work)
    }

    fn detach(stay: &mut Token<'_>, work: impl FnOnce()) {
        W::detach(stay, work);
    }

    fn safepoint(stay: &mut Token<'_>) {
        host::safepoint(stay);
    }

    fn end(interpreter: &Python) -> Result<(), Ended> {
        W::end(interpreter)
    }

    fn freeze(stay: &Token<'_>, bytes: Vec<u8>) -> Buffer<Python> {
        host::freeze(stay, Storage::copy_of(&bytes).expect("there is memory for a few bytes"))
    }

    fn thaw(
        stay: &Token<'_>,
        buffer: Buffer<Python>,
        write: impl FnOnce(&mut [u8]),
    ) -> Result<Buffer<Python>, Buffer<Python>> {
        let mut storage = host::thaw(stay, buffer)?;
        write(storage.as_mut_slice());
        storage.freeze();
        Ok(host::freeze(stay, storage))
    }

    fn bytes(buffer: &Buffer<Python>) -> &[u8] {
        host::bytes(buffer)
    }

    fn object_id(buffer: &Buffer<Python>) -> ObjectId {
        host::object_id(buffer)
    }

    /// What is still pinned, which is all that there is: no event has to be counted.
    fn left_over(interpreters: &[Python], _counted: i64) -> i64 {
        let pinned = || interpreters.iter().map(Python::pinned).sum::<usize>();
        let limit = Instant::now() + SETTLED_WITHIN;
        // A collector tells nobody when it is done.
        while pinned() > 0 && Instant::now() < limit {
            thread::sleep(Duration::from_micros(200));
        }
        i64::try_from(pinned()).expect("fewer buffers than that")
    }
}
