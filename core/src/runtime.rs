//! What a language runtime supplies, so that the protocol can run on it.

use core::fmt;

/// Identity of an interpreter: unique in the process, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InterpreterId(pub u64);

impl fmt::Display for InterpreterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "interpreter {}", self.0)
    }
}

/// Why an interpreter's lock was acquired.
///
/// G1: a thread of one interpreter acquires the lock of another one with cause [`ViewCreation`](Self::ViewCreation) or
/// [`ViewRelease`](Self::ViewRelease) only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Cause {
    /// A thread came to run code of this interpreter.
    Attach,
    /// A thread of this interpreter came back: from waiting, from a visit elsewhere, from `detach`.
    Return,
    /// A thread let another one in at a safepoint, and has its turn again.
    Safepoint,
    /// A message was received: the export of its buffer was taken.
    ViewCreation,
    /// The last clone of a view was dropped, or a message was discarded unread: its reference was given back.
    ViewRelease,
}

impl Cause {
    /// All causes, in the order in which they are declared.
    pub const ALL: [Self; 5] = [Self::Attach, Self::Return, Self::Safepoint, Self::ViewCreation, Self::ViewRelease];
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attach => "attach",
            Self::Return => "return",
            Self::Safepoint => "safepoint",
            Self::ViewCreation => "view creation",
            Self::ViewRelease => "view release",
        })
    }
}

/// The interpreter has ended and cannot be entered any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended;

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the interpreter has ended")
    }
}

impl core::error::Error for Ended {}

/// One interpreter of a language runtime: a handle that any thread may hold, also after the interpreter's end.
///
/// The protocol asks four things of a runtime: a lock to [visit](Self::visit), a way to [step outside](Self::outside) of
/// whatever the thread is in, reference counts that are touched under the lock only, and bytes that stay put.
/// In CPython the handle is a gate that counts who is inside, [`Object`](Self::Object) is a `PyObject *`, and
/// [`Export`](Self::Export) a `Py_buffer`.
///
/// # Safety
///
/// Memory safety of every view hangs on an implementation. It must uphold, and SPEC.md says how to show it:
///
/// 1. *Mutual exclusion.* At most one thread at a time is attached to an interpreter, and leaving it happens-before the
///    next entry. A [`Token`](Self::Token) can be used only by a thread that is attached to the interpreter it names.
/// 2. *One lock (G4).* `visit` gives up the calling thread's present interpreter before it waits for this one, and
///    `outside` before it calls the closure; both take it again before they return or unwind.
/// 3. *Pinning.* From `incref` to the matching `decref` the object exists. From `export` to the matching `unexport`
///    its bytes keep their address, length and content, whichever threads run and whatever they call.
/// 4. *Survival.* If the interpreter ends while references or exports exist, what they refer to stays readable.
///    `visit` says [`Ended`] from then on, unless the runtime has adopted the objects and can still give them back.
/// 5. *Clones* of a handle are the same interpreter, and `id` tells interpreters apart.
pub unsafe trait Runtime: Clone + Send + Sync + Sized + 'static {
    /// Proof that the calling thread is attached.
    type Token<'a>;
    /// One reference to an immutable bytes-like object. Plain data: dropping it does not give the reference back.
    type Object: Send + Sync;
    /// One reference with the object's bytes exported. Plain data as well.
    type Export: AsRef<[u8]> + Send + Sync;

    /// Which interpreter this is.
    fn id(&self) -> InterpreterId;

    /// Whether the interpreter can still be entered. A hint: it may end right after a `true`.
    fn is_alive(&self) -> bool;

    /// The interpreter to which the token's thread is attached.
    ///
    /// # Panics
    ///
    /// May panic if the thread has left that interpreter for the moment, so that the token proves nothing.
    fn here<'a>(token: &'a Self::Token<'_>) -> &'a Self;

    /// Runs `work` attached to this interpreter, from any thread.
    ///
    /// A thread that is attached to it already just runs `work`. Any other leaves its present interpreter first, if it
    /// has one, waits for this one's lock, and goes back afterwards. The acquisition is counted under `cause`.
    ///
    /// # Errors
    ///
    /// [`Ended`] if the interpreter is gone; `work` was dropped without running. What it would have given back is then
    /// the runtime's to reclaim or to keep (requirement 4).
    ///
    /// # Panics
    ///
    /// Unwinds if `work` does, after restoring the thread's attachment.
    ///
    /// # Safety
    ///
    /// `work` uses no token but its own: the lock that any other token stands for may be given up meanwhile.
    unsafe fn visit<T>(&self, cause: Cause, work: impl FnOnce(&Self::Token<'_>) -> T) -> Result<T, Ended>;

    /// Runs `work` attached to nobody, then goes back to the present interpreter, if there is one.
    ///
    /// # Safety
    ///
    /// `work` uses no token: the lock that a token stands for is given up meanwhile.
    unsafe fn outside<T>(work: impl FnOnce() -> T) -> T;

    /// Adds a reference.
    ///
    /// # Safety
    ///
    /// The token's interpreter owns the object, and `object` is a reference not yet given back.
    unsafe fn incref(token: &Self::Token<'_>, object: &Self::Object) -> Self::Object;

    /// Gives a reference back. The last one frees the object, here, on its owner's side.
    ///
    /// # Safety
    ///
    /// The token's interpreter owns the object, and `object` is a reference not yet given back.
    unsafe fn decref(token: &Self::Token<'_>, object: Self::Object);

    /// Exports the bytes: from now on they must not change. The reference moves into the export.
    ///
    /// # Safety
    ///
    /// The token's interpreter owns the object, and `object` is a reference not yet given back.
    unsafe fn export(token: &Self::Token<'_>, object: Self::Object) -> Self::Export;

    /// Ends an export. The reference moves out again.
    ///
    /// # Safety
    ///
    /// The token's interpreter owns the object, and nothing reads through the export any more: every earlier read
    /// happens-before this call.
    unsafe fn unexport(token: &Self::Token<'_>, export: Self::Export) -> Self::Object;
}
