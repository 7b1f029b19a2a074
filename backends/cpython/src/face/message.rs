//! From an object of Python to what can be sent.

use super::buffer::BufferValue;
use super::ends::{ReceiveEndValue, SendEndValue};
use super::entry::Ours;
use super::view::ViewValue;
use super::{Context, Error};
use crate::py::{Builtin, Exported, Instance, Raised, Ref, Result};
use crate::runtime::Python;
use crate::runtime::record::{Bytes, Content, freeze};
use crate::strategy::Strategy;
use viewchan::{Buffer, Format, Layout};

/// What an object is to a channel.
pub(super) enum Sendable<'p> {
    /// Bytes; an array if there is a layout.
    Immutable(Immutable<'p>, Option<Layout>),
    SendEnd(&'p SendEndValue),
    ReceiveEnd(&'p ReceiveEndValue),
}

/// An object whose bytes never change.
pub(super) enum Immutable<'p> {
    Bytes(Ref<'p>),
    Buffer(&'p BufferValue),
    View(&'p ViewValue),
}

impl Immutable<'_> {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes.bytes(),
            Self::Buffer(buffer) => buffer.frozen_bytes(),
            Self::View(view) => view.view(),
        }
    }
}

impl<'p> Context<'p> {
    pub(super) fn sendable(&self, object: Ref<'p>) -> Result<Sendable<'p>> {
        if let Some(immutable) = self.immutable(object)? {
            let layout = match &immutable {
                Immutable::Bytes(_) => None,
                Immutable::Buffer(buffer) => buffer.layout_if_shaped(),
                Immutable::View(view) => view.layout_if_shaped(),
            };
            return Ok(Sendable::Immutable(immutable, layout));
        }
        if object.is_memoryview() {
            let (immutable, layout) = self.part(object)?;
            return Ok(Sendable::Immutable(immutable, layout));
        }
        if let Some(end) = self.value::<SendEndValue>(object) {
            return Ok(Sendable::SendEnd(end));
        }
        if let Some(end) = self.value::<ReceiveEndValue>(object) {
            return Ok(Sendable::ReceiveEnd(end));
        }
        Err(self.refuse(object))
    }

    fn immutable(&self, object: Ref<'p>) -> Result<Option<Immutable<'p>>> {
        if object.is_bytes() {
            return Ok(Some(Immutable::Bytes(object)));
        }
        if let Some(view) = self.value::<ViewValue>(object) {
            return Ok(Some(Immutable::View(view)));
        }
        let Some(buffer) = self.value::<BufferValue>(object) else { return Ok(None) };
        if !buffer.is_frozen() {
            return Err(self.raise(Error::NotShareable, "the Buffer is still writable: freeze() it first"));
        }
        Ok(Some(Immutable::Buffer(buffer)))
    }

    /// What a memoryview shows of something immutable.
    fn part(&self, object: Ref<'p>) -> Result<(Immutable<'p>, Option<Layout>)> {
        let exported = Exported::of(object)?;
        let base = object.attribute(c"obj")?;
        // SAFETY: the memoryview has a reference to its base for the whole call: while it is exported it cannot be
        // released.
        let base = unsafe { self.attached.borrowed(base.as_ptr()) }.expect("an attribute is not null");
        let Some(immutable) = self.immutable(base)? else {
            let message = format!(
                "a memoryview of a '{}', which can still be changed, cannot be sent: send viewchan.frozen(obj), which copies once",
                base.class_name()
            );
            return Err(self.raise(Error::NotShareable, &message));
        };
        if exported.is_indirect() {
            return Err(self.raise(Error::NotShareable, "a memoryview with suboffsets cannot be sent: copy it"));
        }
        let whole = immutable.as_slice();
        let format: Format = exported.format().parse().map_err(|error| self.wrong(&error))?;
        let offset = if exported.len() == 0 { 0 } else { exported.start() - whole.as_ptr().addr() };
        let layout = Layout::packed(format, &exported.shape(), Some(exported.strides()), offset, whole.len());
        let layout = layout.map_err(|error| self.wrong(&error))?;
        let is_plain = layout == Layout::bytes(whole.len());
        Ok((immutable, (!is_plain).then_some(layout)))
    }

    /// Pins something immutable as a buffer of the present interpreter.
    pub(super) fn freeze(&self, immutable: &Immutable<'p>, strategy: Strategy) -> Buffer<Python> {
        let content = match immutable {
            Immutable::Bytes(bytes) => {
                // SAFETY: an exact `bytes`, of the interpreter to which the thread is attached.
                Content::Bytes(unsafe { Bytes::new(bytes.as_non_null(), bytes.bytes()) })
            }
            Immutable::Buffer(buffer) => Content::Storage(buffer.storage()),
            Immutable::View(view) => Content::Relayed(view.view().clone()),
        };
        freeze(&self.token(), content, strategy == Strategy::Proxy)
    }

    /// The value of an object of one of our classes.
    pub(super) fn value<T: Ours>(&self, object: Ref<'p>) -> Option<&'p T> {
        let class = T::class(&self.state().classes)?;
        // SAFETY: just found to be an instance of that class.
        object.is_exact(class.as_ptr().cast()).then(|| unsafe { Instance::value(object) })
    }

    fn refuse(&self, object: Ref<'p>) -> Raised {
        let name = object.class_name();
        let advice = match name.as_str() {
            "str" => "encode it first: text.encode()",
            _ if object.exports_memory() => {
                "send viewchan.frozen(obj), which copies once, or fill a viewchan.Buffer and freeze it"
            }
            _ => "only bytes, memoryviews of them, frozen viewchan.Buffers, received views and channel ends can be",
        };
        self.raise(Error::NotShareable, &format!("a '{name}' cannot be sent: {advice}"))
    }

    pub(super) fn wrong(&self, error: &dyn core::fmt::Display) -> Raised {
        self.raise(Error::NotShareable, &error.to_string())
    }

    pub(super) fn out_of_memory(&self) -> Raised {
        self.attached.raise_builtin(Builtin::Memory, "there is not so much memory")
    }
}
