//! A broadcast slot: the owner publishes, any number of threads read the current value in place, and what is replaced goes
//! back to its owner when nobody can be reading it any more.
//!
//! ```text
//!           publish                publish of another          every guard of            collect
//!   Buffer ────────▶ current ────────────────────────▶ retired ───────────────▶ on the ──────────▶ (given back)
//!          owner's   │ ▲ pin, load, read:   no lock    │ ▲     then is gone     list    by a thread
//!          lock,     └─┘ no lock                       └─┘                       ▲      attached to
//!          held          nothing shared is written     read under older guards   │      the owner
//!          already   │                                                           │
//!                    └───────────────────────────────────────────────────────────┘
//!                                      the slot's last holder is dropped
//! ```
//!
//! | state | holds | who may touch it |
//! | --- | --- | --- |
//! | `Buffer` | one reference | the owner's threads |
//! | current | that reference, exported, with a node for the return list | anyone, for reading, under a guard made before |
//! | retired | the same node | whoever loaded it before, for reading, under the guard of then |
//! | on the list | the same node | the thread that is attached to the owner |
//!
//! A guard is a promise of [reclamation by epochs](crate::sync::epoch): a value taken out of the slot is deferred, and what
//! is deferred waits for all guards that exist at that moment. Who makes a guard later does not find it any more. So
//! no reader counts, and two readers never write the same memory. Nobody's lock is taken but the publisher's own, which it
//! holds already (G1); returning allocates nothing and cannot fail (G8).
//!
//! # What lingers
//!
//! With no reading or other publish in progress and nothing kept back, a value is on its owner's return list when the
//! `publish` that replaced it returns. A reading keeps back every value that is replaced while it lasts, not only the
//! one that it shows: keep it short. What was kept back goes home in the course of later publishes, of
//! [`Publisher::reclaim`], of every 128th reading of a reader, and at the latest with the slot's last holder.
//!
//! # Happens-before
//!
//! Everything the publisher did before a publish is visible to whoever reads that value. Everything read through a reading
//! happens before its owner frees or thaws the bytes.

mod error;

pub use error::PublishError;

use crate::Buffer;
use crate::counted::Sole;
use crate::ledger::chain::{Chain, Due};
use crate::ledger::{Ledger, returns::put_back, run_errands_at_once};
use crate::reference::Interpreter;
use crate::runtime::Runtime;
use crate::sync::epoch::{Atomic, Collector, Guard, LocalHandle};
use crate::sync::site::{EPOCH_LAST, EPOCH_LOAD, EPOCH_PUBLISH};
use crate::sync::{ConstPtr, Mutex, Shared, UnsafeCell, fresh_id};
use crate::trace::{self, Event, SlotId, ValueId};
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::ptr::NonNull;

/// A slot of the reference runtime, empty.
#[must_use]
pub fn slot() -> (Publisher, Subscriber) {
    slot_with()
}

/// [`slot`], for any runtime.
#[must_use]
pub fn slot_with<R: Runtime>() -> (Publisher<R>, Subscriber<R>) {
    let (slot, collector) = (Shared::new(Slot::new()), Collector::new());
    let publisher = Publisher { collector: collector.clone(), holder: Holder { slot: Shared::clone(&slot) } };
    (publisher, Subscriber { collector, holder: Holder { slot } })
}

/// What the holders share.
struct Slot<R: Runtime> {
    id: SlotId,
    /// Null while nothing was published.
    current: Atomic<Value<R>>,
    /// How many publishers, subscribers and readers there are.
    holders: Mutex<usize>,
}

impl<R: Runtime> Slot<R> {
    fn new() -> Self {
        // The publisher and the first subscriber.
        Self { id: SlotId(fresh_id()), current: Atomic::null(), holders: Mutex::new(2) }
    }
}

/// A share in the slot. The last one to go gives the current value back.
struct Holder<R: Runtime> {
    slot: Shared<Slot<R>>,
}

impl<R: Runtime> Holder<R> {
    fn another(&self) -> Self {
        let mut holders = self.slot.holders.lock();
        *holders += 1;
        trace::emit(|| Event::SlotJoined { slot: self.slot.id, holders: *holders });
        Self { slot: Shared::clone(&self.slot) }
    }

    /// The last holder has left: takes the current value out.
    fn empty(&self) {
        // ORDERING: EPOCH_LAST (Relaxed): the mutex in `leave` orders this after all that other holders did.
        if let Some(last) = self.slot.current.take(EPOCH_LAST) {
            // SAFETY: 1. it was the current value, and has been taken out just now; 2. a reading borrows a reader, which is a
            // holder: none is left.
            unsafe { Replaced::<R>(last).go_home() }
        }
    }

    /// Counts this holder out, and says how many are left.
    fn leave(&self) -> usize {
        let mut holders = self.slot.holders.lock();
        *holders -= 1;
        trace::emit(|| Event::SlotLeft { slot: self.slot.id, holders: *holders });
        *holders
    }
}

impl<R: Runtime> Drop for Holder<R> {
    fn drop(&mut self) {
        if self.leave() == 0 {
            self.empty();
        }
        // What was retired has gone home just before this, and may be this thread's errand.
        run_errands_at_once::<R>();
    }
}

/// A published buffer. One load from the slot, one from here, and a reader is at the bytes.
struct Value<R: Runtime> {
    /// Exported bytes stay put (`Runtime`, requirement 3).
    bytes: NonNull<[u8]>,
    /// The node that goes on the return list. Nobody looks inside; a reading announces that it is in use.
    node: UnsafeCell<Sole<Due<R>>>,
}

// SAFETY: `bytes` are read only, as part of an export, which is `Sync`; `node` is taken by the one who has the value alone.
unsafe impl<R: Runtime> Sync for Value<R> {}
// SAFETY: the owner and the export are `Send`, and `bytes` belong to the export.
unsafe impl<R: Runtime> Send for Value<R> {}

impl<R: Runtime> Value<R> {
    /// Allocates one. The pointer is for [`Replaced`].
    fn leak(node: Sole<Due<R>>) -> NonNull<Self> {
        let value = Self { bytes: NonNull::from(node.content().export.as_ref()), node: UnsafeCell::new(node) };
        NonNull::from(Box::leak(Box::new(value)))
    }
}

/// A value that was taken out of its slot.
struct Replaced<R: Runtime>(NonNull<Value<R>>);

// SAFETY: whoever has it takes over the value, which is `Send`.
unsafe impl<R: Runtime> Send for Replaced<R> {}

impl<R: Runtime> Replaced<R> {
    /// Puts the value's node on its owner's return list. Takes no lock, allocates nothing, cannot fail (G8).
    ///
    /// # Safety
    ///
    /// 1. The value was taken out of its slot, once.
    /// 2. Nobody reads it any more: every reading happens-before this call.
    unsafe fn go_home(self) {
        // SAFETY: the pointer came from `Value::leak`; the caller has it to itself.
        let value = unsafe { Box::from_raw(self.0.as_ptr()) };
        // Announced as a write, so that a checker sees any reader that is left.
        value.node.with_mut(|_| ());
        put_back(Chain::new(value.node.into_inner()));
    }
}

fn value_id<R: Runtime>(value: NonNull<Value<R>>) -> ValueId {
    ValueId(value.addr().get())
}

/// A guard that tells of itself.
struct Pin {
    guard: ManuallyDrop<Guard>,
    slot: SlotId,
}

impl Pin {
    #[inline]
    fn new(handle: &LocalHandle, slot: SlotId) -> Self {
        let guard = ManuallyDrop::new(handle.pin());
        trace::emit(|| Event::SlotPinned { slot });
        Self { guard, slot }
    }
}

impl Drop for Pin {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this is the drop: nobody uses the field afterwards.
        let guard = unsafe { ManuallyDrop::take(&mut self.guard) };
        guard.unpin(|| trace::emit(|| Event::SlotUnpinned { slot: self.slot }));
    }
}

/// The end that publishes. Threads may share it by reference; each publishes buffers of the interpreter that it is in.
///
/// Dropped, it leaves the current value readable; that goes back to its owner when subscribers and readers are gone as well.
pub struct Publisher<R: Runtime = Interpreter> {
    // Dropped first: so everything retired has gone home when the last holder leaves.
    collector: Collector,
    holder: Holder<R>,
}

impl<R: Runtime> Publisher<R> {
    /// Makes the buffer the slot's current value, in place of the one before.
    ///
    /// Collects a batch of what came back, then exports the buffer, under the lock held already. Waits for no reader.
    ///
    /// # Errors
    ///
    /// [`PublishError::NotOwner`], with the buffer in it, if it belongs to another interpreter than the one attached to.
    pub fn publish(&self, token: &R::Token<'_>, buffer: Buffer<R>) -> Result<(), PublishError<Buffer<R>>> {
        if R::here(token).id() != buffer.owner().id() {
            return Err(PublishError::NotOwner(buffer));
        }
        Ledger::<R>::lend(token);
        let (owner, object) = buffer.into_parts();
        // SAFETY: 1. the token is the owner's, as just seen; 2. the handle held the reference.
        let export = unsafe { R::export(token, object) };
        let handle = self.collector.register();
        // SAFETY: the thread is attached to the owner.
        let node = unsafe { R::here(token).ledger().spares.block(Due::new(owner, export)) };
        self.replace(&handle, Value::leak(node));
        handle.reclaim();
        Ok(())
    }

    fn replace(&self, handle: &LocalHandle, new: NonNull<Value<R>>) {
        let slot = &*self.holder.slot;
        let pin = Pin::new(handle, slot.id);
        // ORDERING: EPOCH_PUBLISH (Release), pairs with EPOCH_LOAD: who loads the value can read it. (Acquire), pairs with the
        // EPOCH_PUBLISH before: the former value was written, maybe by another thread, before it goes home.
        let former = slot.current.swap(new, EPOCH_PUBLISH, &pin.guard);
        let replaced = former.map(value_id);
        trace::emit(|| Event::Published { slot: slot.id, value: value_id(new), replaced });
        if let Some(former) = former {
            let replaced = Replaced::<R>(former);
            // SAFETY: 1. the swap took it out; 2. who loaded it did so before the swap, under a guard that exists still or is
            // gone: the function runs after all of them. Who makes a guard from now on does not load it any more.
            pin.guard.defer(move || unsafe { replaced.go_home() });
            trace::emit(|| Event::Retired { slot: slot.id, value: value_id(former) });
        }
    }

    /// Sends home some of what was replaced and is not being read any more, without publishing anything new.
    ///
    /// Each publish does that, too. This is for a publisher that publishes rarely, and whose readers read rarely.
    pub fn reclaim(&self) {
        self.collector.register().reclaim();
        run_errands_at_once::<R>();
    }

    /// Identity of the slot.
    #[must_use]
    pub fn slot_id(&self) -> SlotId {
        self.holder.slot.id
    }
}

/// The end that is handed around: clones of it reach the readers' threads.
pub struct Subscriber<R: Runtime = Interpreter> {
    // Dropped first, as in `Publisher`.
    collector: Collector,
    holder: Holder<R>,
}

impl<R: Runtime> Subscriber<R> {
    /// A reader for the calling thread. It allocates; make one for each thread, not for each reading.
    #[must_use]
    pub fn reader(&self) -> Reader<R> {
        let holder = self.holder.another();
        Reader { handle: self.collector.register(), holder }
    }

    /// Identity of the slot.
    #[must_use]
    pub fn slot_id(&self) -> SlotId {
        self.holder.slot.id
    }
}

impl<R: Runtime> Clone for Subscriber<R> {
    fn clone(&self) -> Self {
        let holder = self.holder.another();
        Self { collector: self.collector.clone(), holder }
    }
}

/// Reads the slot, on the thread that made it.
///
/// ```compile_fail,E0277
/// fn send<T: Send>() {}
/// send::<viewchan::strategy::epoch::Reader>(); // a reader stays on its thread
/// ```
pub struct Reader<R: Runtime = Interpreter> {
    // Dropped first, as in `Publisher`.
    handle: LocalHandle,
    holder: Holder<R>,
}

impl<R: Runtime> Reader<R> {
    /// The current value, to be read in place; `None` if nothing was published yet.
    ///
    /// Takes no lock, waits for nobody, writes nothing that another reader uses, but for a look at what is retired, once in 128.
    #[inline]
    #[must_use]
    pub fn read(&self) -> Option<Reading<'_, R>> {
        let slot = &*self.holder.slot;
        let pin = Pin::new(&self.handle, slot.id);
        // ORDERING: EPOCH_LOAD (Acquire), pairs with EPOCH_PUBLISH: the node's content is readable.
        let current = slot.current.load(EPOCH_LOAD, &pin.guard);
        trace::emit(|| Event::SlotLoaded { slot: slot.id, value: current.map(value_id) });
        // SAFETY: the value was leaked in `publish`. It goes home in two places: 1. in a deferred function, which waits for
        // this guard, since the guard existed when the value was taken out, else the load would not have found it; 2. with
        // the last holder, and this reader is one.
        let value = unsafe { current?.as_ref() };
        let (in_use, value) = (value.node.get(), NonNull::from(value));
        Some(Reading { _in_use: in_use, value, _pin: pin, _errands: Errands(PhantomData), _reader: PhantomData })
    }

    /// Identity of the slot.
    #[must_use]
    pub fn slot_id(&self) -> SlotId {
        self.holder.slot.id
    }
}

/// The value that was current when it was made: bytes, in place, for as long as it exists.
///
/// Short is good: while it exists, all that is replaced in the slot is kept back; if it is leaked, for ever. Dropped by
/// a thread that is attached to nobody, it may collect what it set free for an idle owner, and wait for its lock.
///
/// ```compile_fail,E0505
/// # fn outlive(reader: viewchan::strategy::epoch::Reader) {
/// let reading = reader.read();
/// drop(reader); // a reading borrows its reader
/// drop(reading);
/// # }
/// ```
pub struct Reading<'a, R: Runtime = Interpreter> {
    /// Until the drop: a checker refuses that the value goes home before (G2). Dropped first.
    _in_use: ConstPtr<Sole<Due<R>>>,
    /// Not a reference: while this is dropped, it may go.
    value: NonNull<Value<R>>,
    _pin: Pin,
    _errands: Errands<R>,
    _reader: PhantomData<&'a Reader<R>>,
}

/// Dropped behind a guard: what the guard set free may be this thread's errand.
struct Errands<R: Runtime>(PhantomData<fn() -> R>);

impl<R: Runtime> Drop for Errands<R> {
    #[inline]
    fn drop(&mut self) {
        run_errands_at_once::<R>();
    }
}

impl<R: Runtime> Deref for Reading<'_, R> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: the guard keeps the value.
        let bytes = unsafe { self.value.as_ref() }.bytes;
        // SAFETY: the value keeps the export, and the export the bytes; nobody writes to exported bytes.
        unsafe { bytes.as_ref() }
    }
}

impl<R: Runtime> AsRef<[u8]> for Reading<'_, R> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

macro_rules! debug_by_slot {
    ($($name:ident),*) => {$(
        impl<R: Runtime> fmt::Debug for $name<R> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.slot_id()).finish()
            }
        }
    )*};
}
debug_by_slot!(Publisher, Subscriber, Reader);

impl<R: Runtime> fmt::Debug for Reading<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("len", &self.len()).finish_non_exhaustive()
    }
}
