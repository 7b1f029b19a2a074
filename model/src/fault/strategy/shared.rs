//! Broken variants of `shared`, told again.

use super::{Reference, flawed};
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr;
use viewchan::reference::Export;
use viewchan::runtime::Ended;
use viewchan::strategy::Strategy;
use viewchan::trace::{self, Event};
use viewchan::{Attached, Buffer, Cause, Interpreter, Runtime};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Nothing: the control.
    None,
    /// A clone takes its reference and its export without the owner's lock.
    NoLockAtClone,
    /// A clone visits the owner, and takes neither reference nor export.
    CloneTakesNothing,
}

flawed! {
    Shared;
    None "none",
    NoLockAtClone "no-lock-at-clone",
    CloneTakesNothing "clone-takes-nothing",
}

/// `shared` with a flaw.
pub(super) struct Faulty<B>(PhantomData<B>);

impl<B: Broken> Strategy<Interpreter> for Faulty<B> {
    type Message = Reference;
    type Pin = Pin<B>;
    type Choice = ();

    fn pin((): (), _token: &Attached<'_>, buffer: Buffer) -> Reference {
        Reference::new(buffer)
    }

    fn owner(message: &Reference) -> &Interpreter {
        message.owner()
    }

    fn withdraw(_token: &Attached<'_>, message: Reference) -> Buffer {
        message.into_buffer()
    }

    fn open(message: Reference, _home: Option<&Interpreter>) -> Result<Pin<B>, Ended> {
        let (owner, object) = message.into_parts();
        let export = |token: &Attached<'_>| {
            // SAFETY: the message held the reference, and the token is the owner's.
            unsafe { Interpreter::export(token, object) }
        };
        // SAFETY: `export` uses its own token.
        let export = unsafe { owner.visit(Cause::ViewCreation, export) }?;
        Ok(Pin { owner, export: ManuallyDrop::new(export), flaw: PhantomData })
    }
}

/// As in the strategy `shared`.
pub(super) struct Pin<B> {
    owner: Interpreter,
    export: ManuallyDrop<Export>,
    flaw: PhantomData<B>,
}

// SAFETY: the flaw is no value.
unsafe impl<B> Send for Pin<B> {}
// SAFETY: as above.
unsafe impl<B> Sync for Pin<B> {}

impl<B> AsRef<[u8]> for Pin<B> {
    fn as_ref(&self) -> &[u8] {
        self.export.as_ref()
    }
}

impl<B: Broken> Clone for Pin<B> {
    fn clone(&self) -> Self {
        let export = |token: &Attached<'_>| match B::FLAW {
            // SAFETY: none. This is the flaw.
            Flaw::CloneTakesNothing => unsafe { ptr::read(&*self.export) },
            // SAFETY: the export is live, and the token is the owner's, except where that is the flaw.
            _ => unsafe { Interpreter::reexport(token, &self.export) },
        };
        let export = match B::FLAW {
            // SAFETY: none. This is the flaw.
            Flaw::NoLockAtClone => export(&unsafe { Attached::assume(&self.owner) }),
            // SAFETY: `export` uses its own token.
            _ => unsafe { self.owner.visit(Cause::ViewCreation, export) }.expect("the owner is alive"),
        };
        Self { owner: self.owner.clone(), export: ManuallyDrop::new(export), flaw: PhantomData }
    }
}

impl<B> Drop for Pin<B> {
    fn drop(&mut self) {
        trace::emit(|| Event::ViewDropped { clones: 0 });
        // SAFETY: this is the drop.
        let export = unsafe { ManuallyDrop::take(&mut self.export) };
        let give_back = |token: &Attached<'_>| {
            // SAFETY: nobody reads through this export any more, and the token is the owner's.
            let object = unsafe { Interpreter::unexport(token, export) };
            // SAFETY: the reference came out of the export.
            unsafe { Interpreter::decref(token, object) }
        };
        // SAFETY: `give_back` uses its own token.
        unsafe { self.owner.visit(Cause::ViewRelease, give_back) }.expect("the owner is alive");
    }
}
