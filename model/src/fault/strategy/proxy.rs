//! Broken variants of `proxy`, told again, with one table for all interpreters.

use super::{Reference, flawed};
use crate::engine::tool::sync::Mutex;
use crate::engine::tool::sync::atomic::{AtomicUsize, Ordering};
use crate::engine::tool::{self, UnsafeCell};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use viewchan::reference::{Export, Object};
use viewchan::runtime::Ended;
use viewchan::strategy::Strategy;
use viewchan::trace::{self, Event};
use viewchan::{Attached, Buffer, Cause, Interpreter, InterpreterId, Runtime};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Nothing: the control.
    None,
    /// A receive visits the owner without looking for its interpreter's proxy.
    ProxyNotSought,
    /// What a proxy takes over is not noted.
    AbsorbedForgotten,
    /// A proxy is joined without a look whether its last member has left.
    DeadProxyRevived,
    /// What a dying proxy takes out of the table is not looked at.
    NextProxyRemoved,
    /// The table is used without its mutex.
    TableUnlocked,
}

flawed! {
    Proxy;
    None "none",
    ProxyNotSought "proxy-not-sought",
    AbsorbedForgotten "absorbed-forgotten",
    DeadProxyRevived "dead-proxy-revived",
    NextProxyRemoved "next-proxy-removed",
    TableUnlocked "table-unlocked",
}

/// Whose proxy, and of which object.
type Key = (InterpreterId, usize);

/// Where the proxies are.
struct Table {
    mutex: Mutex<()>,
    proxies: UnsafeCell<BTreeMap<Key, *mut Block>>,
}

// SAFETY: `proxies` is used under the mutex, except where that is the flaw.
unsafe impl Sync for Table {}
// SAFETY: as above.
unsafe impl Send for Table {}

tool::lazy_static! {
    static ref TABLE: Table = Table { mutex: Mutex::new(()), proxies: UnsafeCell::new(BTreeMap::new()) };
}

fn with_table<B: Broken, T>(work: impl FnOnce(&mut BTreeMap<Key, *mut Block>) -> T) -> T {
    let _guard = (B::FLAW != Flaw::TableUnlocked).then(|| TABLE.mutex.lock().expect("nobody panics under it"));
    TABLE.proxies.with_mut(|proxies| {
        // SAFETY: under the mutex, except where that is the flaw: loom has spoken already then, and nobody else checks.
        work(unsafe { &mut *proxies })
    })
}

/// `proxy` with a flaw.
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

    fn open(message: Reference, home: Option<&Interpreter>) -> Result<Pin<B>, Ended> {
        let (owner, object) = message.into_parts();
        let key = home.map(|home| (home.id(), Interpreter::address(&object)));
        let object = match key {
            Some(key) if B::FLAW != Flaw::ProxyNotSought => match seek(key, object) {
                Ok(joined) => return Ok(joined),
                Err(object) => object,
            },
            _ => object,
        };
        let is_owners = home.is_none_or(|home| *home == owner);
        let create = || {
            let export = |token: &Attached<'_>| {
                // SAFETY: the message held the reference, and the token is the owner's.
                unsafe { Interpreter::export(token, object) }
            };
            // SAFETY: `export` uses its own token.
            let export = unsafe { owner.visit(Cause::ViewCreation, export) }?;
            Ok(match key {
                None => Pin::new(Block::new(owner, export, None)),
                Some(key) => join(key, owner, export),
            })
        };
        if is_owners {
            return create();
        }
        // SAFETY: `create` uses no token.
        unsafe { Interpreter::outside(create) }
    }
}

/// Joins the proxy, which takes the reference over. Without one, the reference comes back.
fn seek<B: Broken>(key: Key, object: Object) -> Result<Pin<B>, Object> {
    with_table::<B, _>(|table| {
        let joined = table.get(&key).and_then(|&block| Pin::join(block));
        trace::emit(|| Event::ProxySought { clones: joined.as_ref().map_or(0, |&(_, clones)| clones) });
        let Some((proxy, _)) = joined else { return Err(object) };
        proxy.absorb(|surplus| surplus.references.push(object));
        Ok(proxy)
    })
}

/// Joins the proxy that has appeared meanwhile, which takes the export over; or makes one.
fn join<B: Broken>(key: Key, owner: Interpreter, export: Export) -> Pin<B> {
    with_table::<B, _>(|table| {
        if let Some((proxy, clones)) = table.get(&key).and_then(|&block| Pin::join(block)) {
            trace::emit(|| Event::ProxyJoined { clones });
            proxy.absorb(|surplus| surplus.exports.push(export));
            return proxy;
        }
        let proxy = Pin::new(Block::new(owner, export, Some(key)));
        trace::emit(|| Event::ProxyJoined { clones: 1 });
        table.insert(key, proxy.block);
        proxy
    })
}

/// As in the strategy `proxy`.
struct Block {
    clones: AtomicUsize,
    owner: Interpreter,
    export: Export,
    key: Option<Key>,
    surplus: UnsafeCell<Surplus>,
}

#[derive(Default)]
struct Surplus {
    exports: Vec<Export>,
    references: Vec<Object>,
}

impl Block {
    fn new(owner: Interpreter, export: Export, key: Option<Key>) -> Self {
        Self { clones: AtomicUsize::new(1), owner, export, key, surplus: UnsafeCell::default() }
    }
}

/// As in the strategy `proxy`.
pub(super) struct Pin<B: Broken> {
    block: *mut Block,
    flaw: PhantomData<B>,
}

// SAFETY: as in the strategy `proxy`.
unsafe impl<B: Broken> Send for Pin<B> {}
// SAFETY: as in the strategy `proxy`.
unsafe impl<B: Broken> Sync for Pin<B> {}

impl<B: Broken> Pin<B> {
    fn new(block: Block) -> Self {
        Self { block: Box::into_raw(Box::new(block)), flaw: PhantomData }
    }

    /// One more member, and their number. The block is in the table, and the table is locked.
    fn join(block: *mut Block) -> Option<(Self, usize)> {
        // SAFETY: a proxy is freed behind its removal from the table.
        let clones = unsafe { &(*block).clones };
        let is_open = |before: usize| before > 0 || B::FLAW == Flaw::DeadProxyRevived;
        let more = |before: usize| is_open(before).then_some(before + 1);
        let before = clones.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some((Self { block, flaw: PhantomData }, before + 1))
    }

    fn block(&self) -> &Block {
        // SAFETY: this pin is a member.
        unsafe { &*self.block }
    }

    /// The table is locked.
    fn absorb(&self, more: impl FnOnce(&mut Surplus)) {
        if B::FLAW == Flaw::AbsorbedForgotten {
            return;
        }
        self.block().surplus.with_mut(|surplus| {
            // SAFETY: under the mutex.
            more(unsafe { &mut *surplus });
        });
    }
}

impl<B: Broken> AsRef<[u8]> for Pin<B> {
    fn as_ref(&self) -> &[u8] {
        self.block().export.as_ref()
    }
}

impl<B: Broken> Clone for Pin<B> {
    fn clone(&self) -> Self {
        let before = self.block().clones.fetch_add(1, Ordering::Relaxed);
        trace::emit(|| Event::ViewCloned { clones: before + 1 });
        Self { block: self.block, flaw: PhantomData }
    }
}

impl<B: Broken> Drop for Pin<B> {
    fn drop(&mut self) {
        let left = self.block().clones.fetch_sub(1, Ordering::AcqRel) - 1;
        trace::emit(|| Event::ViewDropped { clones: left });
        if left > 0 {
            return;
        }
        if let Some(key) = self.block().key {
            let is_this = |block: &*mut Block| *block == self.block || B::FLAW == Flaw::NextProxyRemoved;
            with_table::<B, _>(|table| table.get(&key).is_some_and(is_this).then(|| table.remove(&key)));
        }
        // SAFETY: the last member owns the block.
        release(*unsafe { Box::from_raw(self.block) });
    }
}

fn release(block: Block) {
    let Block { owner, export, surplus, .. } = block;
    let Surplus { exports, references } = surplus.into_inner();
    let give_back = |token: &Attached<'_>| {
        for export in std::iter::once(export).chain(exports) {
            // SAFETY: the last member is gone, and the token is the owner's.
            let object = unsafe { Interpreter::unexport(token, export) };
            // SAFETY: the reference came out of the export.
            unsafe { Interpreter::decref(token, object) }
        }
        for object in references {
            // SAFETY: the message held the reference.
            unsafe { Interpreter::decref(token, object) }
        }
    };
    // SAFETY: `give_back` uses its own token.
    unsafe { owner.visit(Cause::ViewRelease, give_back) }.expect("the owner is alive");
}
