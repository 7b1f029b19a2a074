//! What must be refused: each a host or a strategy with one mistake. A runner that lets one of them pass is broken.

use crate::host::{CPython, Sound, Ways};
use core::mem::{self, ManuallyDrop};
use viewchan::ledger::Errands;
use viewchan::runtime::Ended;
use viewchan::strategy::{Shared, Strategy, View};
use viewchan::{Buffer, Runtime};
use viewchan_cpython::runtime::{Python, Token, host};
use viewchan_model::engine::conformance::{Seen, Specified, observe};
use viewchan_model::report::Run;

/// A mistake: its name, and the run that has it. The specification is that of the strategy `view` or `deferred`.
pub(crate) type Flaw = (&'static str, fn(&Specified, u64) -> (Run, Seen));

pub(crate) const FLAWS: [Flaw; 6] = [
    ("lock-at-clone", observe::<CPython<Sound>, Shared>),
    ("release-forgotten", observe::<CPython<Sound>, Forgetful>),
    ("errand-forgotten", observe::<CPython<ForgetsErrands>, viewchan::strategy::Deferred>),
    ("end-refuses-nobody", observe::<CPython<EndsNothing>, View>),
    ("end-wakes-nobody", observe::<CPython<EndsNothing>, View>),
    ("lock-kept-while-detached", observe::<CPython<KeepsLock>, View>),
];

/// A thread that detaches stays where it is.
enum KeepsLock {}

impl Ways for KeepsLock {
    fn detach(_stay: &mut Token<'_>, work: impl FnOnce()) {
        work();
    }
}

/// Ending says that it was done.
enum EndsNothing {}

impl Ways for EndsNothing {
    fn end(_python: &Python) -> Result<(), Ended> {
        Ok(())
    }
}

/// A thread that leaves hands its errands over to nobody.
enum ForgetsErrands {}

impl Ways for ForgetsErrands {
    fn attach(to: &Python, work: impl FnOnce(&mut Token<'_>)) -> Result<(), Ended> {
        host::attach(to, |stay| {
            work(stay);
            while let Some(errand) = Python::with_errands(Errands::take) {
                mem::forget(errand);
            }
        })
    }
}

/// The strategy `view`, but no view is ever released.
enum Forgetful {}

type Message = <View as Strategy<Python>>::Message;

impl Strategy<Python> for Forgetful {
    type Message = Message;
    type Pin = Kept;
    type Choice = ();

    fn pin((): (), token: &Token<'_>, buffer: Buffer<Python>) -> Message {
        View::pin((), token, buffer)
    }

    fn owner(message: &Message) -> &Python {
        <View as Strategy<Python>>::owner(message)
    }

    fn withdraw(token: &Token<'_>, message: Message) -> Buffer<Python> {
        View::withdraw(token, message)
    }

    fn open(message: Message, home: Option<&Python>) -> Result<Kept, Ended> {
        View::open(message, home).map(|pin| Kept(ManuallyDrop::new(pin)))
    }
}

#[derive(Clone)]
struct Kept(ManuallyDrop<<View as Strategy<Python>>::Pin>);

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}
