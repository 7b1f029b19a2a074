//! What the engines that run real code need of a language runtime, beside the [`Runtime`] that the protocol runs on.
//!
//! A backend implements [`Host`] for its own runtime. Then it runs the shipped scenarios as they are, through the very
//! worker that runs them on the reference runtime: see `conformance`.

use std::ops::DerefMut;
use viewchan::reference::{Attached, BufferMut, Interpreter, ThawError};
use viewchan::runtime::Ended;
#[cfg(doc)]
use viewchan::trace::Event;
use viewchan::trace::ObjectId;
use viewchan::{Batches, Buffer, Runtime};

/// What a runtime calls the proof that a thread is attached.
pub type Token<'a, H> = <<H as Host>::Runtime as Runtime>::Token<'a>;

/// A runtime whose interpreters scenarios can be run in.
///
/// What is to be held against the specification must be told: the runtime emits [`Event::Entered`] at each acquisition of
/// an interpreter's lock, on the thread that acquires it. The protocol emits its own events.
pub trait Host: 'static {
    /// The name of its engine in reports.
    const ENGINE: &'static str;

    /// The runtime. Buffers, ends, views and slots are of this one.
    type Runtime: Runtime;

    /// What a thread has while it is attached to an interpreter to run code there.
    type Stay<'a>;

    /// An interpreter that nobody is attached to, and that collects so many returned buffers at a time, and lets so many
    /// releases wait for each other, as in the specification; or fewer. It need not be new, but must have nothing left of an
    /// earlier round.
    fn interpreter(batch: usize) -> Self::Runtime;

    /// A round is over: nobody uses this interpreter any more. It may have ended.
    fn retire(interpreter: Self::Runtime) {
        drop(interpreter);
    }

    /// The token of a thread that is attached. (An implementation takes `&'s Self::Stay<'a>`, word for word: with the type in its
    /// place, lifetimes do not match.)
    fn token<'s, 'a>(stay: &'s Self::Stay<'a>) -> &'s Token<'a, Self>;

    /// Does the work attached to an interpreter, and goes back to where the thread was: to its `stay`, or to nobody. A
    /// thread that is there already just does the work, also if the interpreter is ending. It must stand a `work` that
    /// unwinds.
    ///
    /// # Errors
    ///
    /// [`Ended`] if the thread is not there yet and the interpreter's end has begun; the work was not done.
    fn attach(
        stay: Option<&mut Self::Stay<'_>>,
        to: &Self::Runtime,
        work: impl FnOnce(&mut Self::Stay<'_>),
    ) -> Result<(), Ended>;

    /// Does the work attached to nobody, and goes back.
    fn detach(stay: &mut Self::Stay<'_>, work: impl FnOnce());

    /// Collects what has come back, and lets another thread in if one waits.
    fn safepoint(stay: &mut Self::Stay<'_>);

    /// Begins the end of an interpreter, from any thread, attached to it or not. Waits for nobody who is inside.
    ///
    /// # Errors
    ///
    /// [`Ended`] if it had begun before.
    fn end(interpreter: &Self::Runtime) -> Result<(), Ended>;

    /// Makes a buffer of these bytes, owned by the interpreter.
    fn freeze(stay: &Self::Stay<'_>, bytes: Vec<u8>) -> Buffer<Self::Runtime>;

    /// Writes to the bytes and freezes them again, if the handle is all that refers to them.
    ///
    /// # Errors
    ///
    /// The handle, if it is not. Nothing was written.
    fn thaw(
        stay: &Self::Stay<'_>,
        buffer: Buffer<Self::Runtime>,
        write: impl FnOnce(&mut [u8]),
    ) -> Result<Buffer<Self::Runtime>, Buffer<Self::Runtime>>;

    /// The bytes.
    fn bytes(buffer: &Buffer<Self::Runtime>) -> &[u8];

    /// The object's identity in trace events.
    fn object_id(buffer: &Buffer<Self::Runtime>) -> ObjectId;

    /// How many buffers of these interpreters are left over, after all threads have ended and dropped what they had: more
    /// than 0 were leaked, fewer were freed twice. `counted` is what the events of those threads say.
    ///
    /// A host whose other threads still free something waits for them first. One that does not emit [`Event::Freed`], or
    /// not on the threads of the scenario, knows the number from elsewhere.
    fn left_over(_interpreters: &[Self::Runtime], counted: i64) -> i64 {
        counted
    }
}

/// The reference runtime.
#[derive(Debug)]
pub enum Reference {}

impl Host for Reference {
    const ENGINE: &'static str = "threads";

    type Runtime = Interpreter;
    type Stay<'a> = Attached<'a>;

    fn interpreter(batch: usize) -> Interpreter {
        Interpreter::with_batches(Batches { collected: batch, released: batch, kept: batch })
    }

    fn token<'s, 'a>(stay: &'s Self::Stay<'a>) -> &'s Token<'a, Self> {
        stay
    }

    fn attach(
        stay: Option<&mut Attached<'_>>,
        to: &Interpreter,
        work: impl FnOnce(&mut Attached<'_>),
    ) -> Result<(), Ended> {
        match stay {
            Some(stay) => stay.try_attach_to(to, work),
            None => to.try_attach(work),
        }
    }

    fn detach(stay: &mut Attached<'_>, work: impl FnOnce()) {
        stay.detach(work);
    }

    fn safepoint(stay: &mut Attached<'_>) {
        stay.safepoint();
    }

    fn end(interpreter: &Interpreter) -> Result<(), Ended> {
        interpreter.end()
    }

    fn freeze(stay: &Attached<'_>, bytes: Vec<u8>) -> Buffer {
        BufferMut::from(bytes).freeze(stay)
    }

    fn thaw(stay: &Attached<'_>, buffer: Buffer, write: impl FnOnce(&mut [u8])) -> Result<Buffer, Buffer> {
        match buffer.try_thaw(stay) {
            Ok(mut bytes) => {
                write(bytes.deref_mut());
                Ok(bytes.freeze(stay))
            }
            Err(ThawError::InUse(buffer)) => Err(buffer),
            Err(other) => unreachable!("the buffers of scenarios are not foreign: {other}"),
        }
    }

    fn bytes(buffer: &Buffer) -> &[u8] {
        buffer
    }

    fn object_id(buffer: &Buffer) -> ObjectId {
        buffer.object_id()
    }
}
