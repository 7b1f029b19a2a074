//! An interpreter's own counts of buffers of others: the table behind the strategy `proxy`.

use crate::counted::{Counted, Note, Sole};
use crate::runtime::Runtime;
use crate::sync::{Mutex, UnsafeCell};
use crate::trace::{self, Event};
use rustc_hash::FxHashMap;

/// Where the proxies of an interpreter are. An entry is removed before its block is freed.
pub(crate) struct Proxies<R: Runtime> {
    table: Mutex<FxHashMap<usize, Note<Proxy<R>>>>,
}

/// What one interpreter holds of one buffer.
pub(crate) struct Proxy<R: Runtime> {
    pub(crate) owner: R,
    pub(crate) export: R::Export,
    /// The interpreter in whose table it is, and under which address; none for a thread that was attached to nobody.
    pub(crate) place: Option<(R, usize)>,
    surplus: UnsafeCell<Surplus<R>>,
}

/// What came along with later messages and views of the same buffer, to be given back together.
pub(crate) struct Surplus<R: Runtime> {
    pub(crate) exports: Vec<R::Export>,
    pub(crate) references: Vec<R::Object>,
}

// SAFETY: `surplus` is accessed by members under the mutex of the table, and by the last member, who has the proxy to himself.
unsafe impl<R: Runtime> Sync for Proxy<R> {}

impl<R: Runtime> Proxy<R> {
    pub(crate) fn new(owner: R, export: R::Export, place: Option<(R, usize)>) -> Self {
        let surplus = Surplus { exports: Vec::new(), references: Vec::new() };
        Self { owner, export, place, surplus: UnsafeCell::new(surplus) }
    }

    /// # Safety
    ///
    /// The calling thread is a member and holds the mutex of the table.
    unsafe fn absorb(&self, more: impl FnOnce(&mut Surplus<R>)) {
        self.surplus.with_mut(|surplus| {
            // SAFETY: the mutex makes the access exclusive; the last member has not left.
            more(unsafe { &mut *surplus });
        });
    }

    pub(crate) fn into_parts(self) -> (R, R::Export, Surplus<R>) {
        (self.owner, self.export, self.surplus.into_inner())
    }
}

impl<R: Runtime> Proxies<R> {
    pub(super) fn new() -> Self {
        Self { table: Mutex::new(FxHashMap::default()) }
    }

    /// Joins the proxy of the object at `address`, which takes the reference over. Without one, the reference comes back.
    pub(crate) fn seek(&self, address: usize, object: R::Object) -> Result<Counted<Proxy<R>>, R::Object> {
        let table = self.table.lock();
        // SAFETY: the entry is in the table, and stays there while the mutex is held.
        let joined = table.get(&address).and_then(|note| unsafe { note.join() });
        trace::emit(|| Event::ProxySought { clones: joined.as_ref().map_or(0, |&(_, clones)| clones) });
        let Some((proxy, _)) = joined else { return Err(object) };
        // SAFETY: a member, under the mutex.
        unsafe { proxy.content().absorb(|surplus| surplus.references.push(object)) }
        Ok(proxy)
    }

    /// Joins the proxy that has appeared meanwhile, which takes the export over; or makes one.
    pub(crate) fn join(&self, home: &R, address: usize, owner: R, export: R::Export) -> Counted<Proxy<R>> {
        let mut table = self.table.lock();
        // SAFETY: the entry is in the table, and stays there while the mutex is held.
        if let Some((proxy, clones)) = table.get(&address).and_then(|note| unsafe { note.join() }) {
            trace::emit(|| Event::ProxyJoined { clones });
            // SAFETY: a member, under the mutex.
            unsafe { proxy.content().absorb(|surplus| surplus.exports.push(export)) }
            return proxy;
        }
        let proxy = Sole::new(Proxy::new(owner, export, Some((home.clone(), address)))).share();
        trace::emit(|| Event::ProxyJoined { clones: 1 });
        table.insert(address, proxy.note());
        proxy
    }

    /// The last member has left: takes the entry out, unless another proxy has taken its place.
    pub(crate) fn remove(&self, address: usize, proxy: &Sole<Proxy<R>>) {
        let mut table = self.table.lock();
        if table.get(&address).is_some_and(|note| note.is_of(proxy)) {
            table.remove(&address);
        }
    }
}
