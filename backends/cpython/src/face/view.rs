//! `View`: what a received memoryview shows. Its deallocation is the release.

use super::Context;
use super::entry::{Classes, Kept, Ours, export, methods};
use crate::py::{Args, Builtin, Class, Exporting, Owned, Ref, Result, slot};
use crate::runtime::Python;
use crate::strategy::Any;
use core::ffi::{CStr, c_int};
use pyo3_ffi as ffi;
use std::ffi::CString;
use viewchan::{ArrayView, Layout, View};

/// A view, and how it is exported.
pub(super) enum ViewValue {
    Bytes { view: View<Python, Any>, layout: Layout },
    Array { array: ArrayView<Python, Any>, format: CString },
}

impl ViewValue {
    /// All bytes that were sent.
    pub(super) fn view(&self) -> &View<Python, Any> {
        match self {
            Self::Bytes { view, .. } => view,
            Self::Array { array, .. } => array.view(),
        }
    }

    pub(super) fn layout_if_shaped(&self) -> Option<Layout> {
        match self {
            Self::Bytes { .. } => None,
            Self::Array { array, .. } => Some(array.layout().clone()),
        }
    }

    fn layout(&self) -> &Layout {
        match self {
            Self::Bytes { layout, .. } => layout,
            Self::Array { array, .. } => array.layout(),
        }
    }

    fn format(&self) -> &CStr {
        match self {
            Self::Bytes { .. } => c"B",
            Self::Array { format, .. } => format,
        }
    }
}

/// A format as CPython spells it.
pub(super) fn spelled(layout: &Layout) -> CString {
    CString::new(layout.format().to_pep3118()).expect("a format has no zero in it")
}

impl<'p> Context<'p> {
    /// A memoryview of what was received.
    pub(super) fn show(&self, view: View<Python, Any>) -> Result<Owned<'p>> {
        let layout = Layout::bytes(view.len());
        self.memoryview(ViewValue::Bytes { view, layout })
    }

    /// The same of an array.
    pub(super) fn show_array(&self, array: ArrayView<Python, Any>) -> Result<Owned<'p>> {
        let format = spelled(array.layout());
        self.memoryview(ViewValue::Array { array, format })
    }

    fn memoryview(&self, value: ViewValue) -> Result<Owned<'p>> {
        let view = self.create(self.state().classes.view, value)?;
        // SAFETY: the reference is good.
        unsafe { self.attached.owned(ffi::PyMemoryView_FromObject(view.as_ptr())) }
    }
}

impl Ours for ViewValue {
    fn class(classes: &Classes) -> Kept {
        classes.view
    }
}

impl Class for ViewValue {
    const NAME: &'static CStr = c"viewchan.View";
    const DOC: &'static CStr =
        c"What a received memoryview shows. When the last memoryview of it is gone, it is released.";

    fn slots() -> Vec<ffi::PyType_Slot> {
        vec![
            slot(ffi::Py_bf_getbuffer, get_buffer as *mut _),
            methods!(ViewValue { c"__reduce_ex__", c"A view cannot be pickled." => refuse_pickle; }),
        ]
    }
}

/// Of every class here: a pickle would outlive what it stands for.
pub(super) fn refuse_pickle<'p, T>(context: &Context<'p>, this: Ref<'p>, _: &T, _: Args<'p>) -> Result<Owned<'p>> {
    let name = this.class_name();
    let message = format!("a viewchan.{name} cannot be pickled: send it through a channel, or copy its bytes");
    Err(context.attached.raise_builtin(Builtin::Type, &message))
}

unsafe extern "C" fn get_buffer(this: *mut ffi::PyObject, buffer: *mut ffi::Py_buffer, flags: c_int) -> c_int {
    // SAFETY: CPython asks an instance of the class, on a thread that is attached.
    unsafe {
        export::<ViewValue>(this, |this, value| {
            let layout = value.layout();
            let start = value.view().as_ptr().wrapping_add(layout.offset()).cast_mut();
            Exporting { start, layout, format: value.format(), is_readonly: true }.fill(this, buffer, flags)
        })
    }
}
