//! The owner's handle on a buffer.

use crate::reference::Interpreter;
use crate::runtime::{Cause, Ended, InterpreterId, Runtime};
use core::fmt;
use core::mem::ManuallyDrop;

/// A handle of the owner on immutable bytes: one reference.
///
/// Sending one moves its reference into the message. To send and keep it, send a [`clone_ref`](Self::clone_ref).
/// A handle belongs to code of its owner. Dropped by a thread that is not attached to the owner, it enters the owner for
/// a moment, as an [attachment](Cause::Attach) of its own.
pub struct Buffer<R: Runtime = Interpreter> {
    owner: ManuallyDrop<R>,
    object: ManuallyDrop<R::Object>,
}

impl<R: Runtime> Buffer<R> {
    /// Makes a handle of a reference, for runtimes and strategies.
    ///
    /// # Safety
    ///
    /// `object` is a reference to an immutable object that `owner` owns, not yet given back; the handle takes it over.
    pub unsafe fn from_parts(owner: R, object: R::Object) -> Self {
        Self { owner: ManuallyDrop::new(owner), object: ManuallyDrop::new(object) }
    }

    /// Takes the handle apart, for runtimes and strategies. The caller takes the reference over.
    pub fn into_parts(self) -> (R, R::Object) {
        let mut buffer = ManuallyDrop::new(self);
        // SAFETY: `buffer` is neither used nor dropped again, so this field is taken once.
        let owner = unsafe { ManuallyDrop::take(&mut buffer.owner) };
        // SAFETY: as above.
        let object = unsafe { ManuallyDrop::take(&mut buffer.object) };
        (owner, object)
    }

    /// The interpreter that owns the bytes.
    pub fn owner(&self) -> &R {
        &self.owner
    }

    /// Another handle.
    ///
    /// # Panics
    ///
    /// If the token is another interpreter's: a bug in the calling program.
    #[must_use]
    pub fn clone_ref(&self, token: &R::Token<'_>) -> Self {
        assert_home(&*self.owner, token);
        // SAFETY: 1. the token is the owner's, as just asserted; 2. this handle holds the reference.
        let object = unsafe { R::incref(token, &self.object) };
        // SAFETY: the object is its owner's, and the reference is new.
        unsafe { Self::from_parts(R::clone(&self.owner), object) }
    }

    /// Gives the reference back under the owner's lock, acquired with `cause` if the thread does not hold it.
    pub fn give_back(self, cause: Cause) {
        let (owner, object) = self.into_parts();
        let give_back = |token: &R::Token<'_>| {
            // SAFETY: 1. the token is the owner's; 2. the handle held the reference.
            unsafe { R::decref(token, object) }
        };
        // SAFETY: `give_back` uses its own token.
        let given_back = unsafe { owner.visit(cause, give_back) };
        // An owner that has ended took its references along (`Runtime`, requirement 4): nothing is left to give back.
        let _: Result<(), Ended> = given_back;
    }

    /// The reference that the handle holds, for runtimes and strategies.
    pub fn object(&self) -> &R::Object {
        &self.object
    }
}

impl<R: Runtime> Drop for Buffer<R> {
    fn drop(&mut self) {
        // SAFETY: this is the drop: nobody uses the fields afterwards.
        let owner = unsafe { ManuallyDrop::take(&mut self.owner) };
        // SAFETY: as above.
        let object = unsafe { ManuallyDrop::take(&mut self.object) };
        // SAFETY: the parts of a handle, whose reference has not been given back.
        unsafe { Self::from_parts(owner, object) }.give_back(Cause::Attach);
    }
}

impl<R: Runtime> fmt::Debug for Buffer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").field("owner", &self.owner.id()).finish_non_exhaustive()
    }
}

/// Panics unless the token is `owner`'s.
pub(crate) fn assert_home<R: Runtime>(owner: &R, token: &R::Token<'_>) {
    let (owner, here): (InterpreterId, InterpreterId) = (owner.id(), R::here(token).id());
    assert!(owner == here, "the buffer belongs to {owner}, but the thread is attached to {here}");
}
