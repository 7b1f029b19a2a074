//! `Buffer`: memory that is writable until it is frozen.

use super::entry::{Classes, Context, Kept, Ours, constructor, export, methods, properties};
use super::view::{refuse_pickle, spelled};
use crate::py::{Args, Builtin, Class, Exported, Exporting, Owned, Ref, Result, slot};
use crate::storage::Storage;
use core::cell::{Cell, RefCell};
use core::ffi::{CStr, c_int};
use pyo3_ffi as ffi;
use std::ffi::CString;
use std::sync::Arc;
use viewchan::{Format, Layout};

/// Memory of the interpreter, which shares it with what it sends once it is frozen. The GIL guards it all.
pub(super) struct BufferValue {
    storage: RefCell<Arc<Storage>>,
    layout: Layout,
    format: CString,
    /// Exports through which somebody could write, and others.
    writable_exports: Cell<usize>,
    exports: Cell<usize>,
}

impl BufferValue {
    fn new(storage: Storage, layout: Layout) -> Self {
        let format = spelled(&layout);
        let storage = RefCell::new(Arc::new(storage));
        Self { storage, layout, format, writable_exports: Cell::new(0), exports: Cell::new(0) }
    }

    pub(super) fn storage(&self) -> Arc<Storage> {
        Arc::clone(&self.storage.borrow())
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.storage.borrow().is_frozen()
    }

    pub(super) fn frozen_bytes(&self) -> &[u8] {
        let storage = self.storage.borrow();
        // SAFETY: the same bytes, for as long as this value has the storage, which is as long as it is borrowed: it
        // never gets another one, and thawing takes a call of its own, in which nobody has the bytes.
        unsafe { &*core::ptr::from_ref(storage.frozen_bytes()) }
    }

    pub(super) fn layout_if_shaped(&self) -> Option<Layout> {
        let is_plain = self.layout == Layout::bytes(self.layout.nbytes());
        (!is_plain).then(|| self.layout.clone())
    }
}

impl Ours for BufferValue {
    fn class(classes: &Classes) -> Kept {
        classes.buffer
    }
}

impl Class for BufferValue {
    const NAME: &'static CStr = c"viewchan.Buffer";
    const DOC: &'static CStr = c"Buffer(shape, format='B')\n--\n\n\
        Memory that is writable until it is frozen, and can then be sent without a copy.\n\n\
        The shape is a number of bytes, or of elements, or a tuple of lengths; the format one of the module struct.";
    const CAN_BE_MADE: bool = true;

    fn slots() -> Vec<ffi::PyType_Slot> {
        vec![
            slot(ffi::Py_tp_new, new as *mut _),
            slot(ffi::Py_bf_getbuffer, get_buffer as *mut _),
            slot(ffi::Py_bf_releasebuffer, release_buffer as *mut _),
            slot(ffi::Py_mp_length, length as *mut _),
            methods!(BufferValue {
                c"freeze",
                    c"freeze($self)\n--\n\nMake it immutable, and return it. BufferError while a memoryview or an \
                    array could still write to it." => freeze;
                c"thaw",
                    c"thaw($self)\n--\n\nMake it writable again, and return it. BufferError while a message, a \
                    view or anything else refers to its memory." => thaw;
                c"__reduce_ex__", c"A buffer cannot be pickled." => refuse_pickle;
            }),
            properties!(BufferValue {
                c"frozen", c"Whether it is immutable." => get_frozen;
                c"nbytes", c"Number of bytes." => get_nbytes;
                c"shape", c"Length of each axis." => get_shape;
                c"format", c"Format of an element, as the module struct spells it." => get_format;
            }),
        ]
    }
}

impl<'p> Context<'p> {
    /// A frozen copy of what an object exports, in C order.
    pub(super) fn frozen_copy(&self, object: Ref<'p>) -> Result<Owned<'p>> {
        let exported = Exported::of(object)?;
        let format: Format = exported.format().parse().map_err(|error| self.wrong(&error))?;
        let layout = Layout::contiguous(format, &exported.shape(), exported.len());
        let layout = layout.map_err(|error| self.wrong(&error))?;
        let mut storage = Storage::zeroed(exported.len()).ok_or_else(|| self.out_of_memory())?;
        exported.copy_to(storage.as_mut_slice())?;
        storage.freeze();
        self.create(self.state().classes.buffer, BufferValue::new(storage, layout))
    }

    fn lengths(&self, shape: Ref<'p>) -> Result<Vec<usize>> {
        match shape.is_tuple() {
            true => shape.items().into_iter().map(|len| self.size("a length of the shape", len)).collect(),
            false => Ok(vec![self.size("the number of elements", shape)?]),
        }
    }
}

unsafe extern "C" fn new(
    class: *mut ffi::PyTypeObject,
    args: *mut ffi::PyObject,
    keywords: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: CPython makes an instance of the class, on a thread that is attached.
    unsafe {
        constructor(class, |context| {
            let args = Args::of_new(context.attached, args, keywords)?;
            let [shape, format] = args.bind("Buffer", ["shape", "format"], 1)?;
            let shape = context.lengths(shape.expect("required"))?;
            let format = format.map_or_else(|| Ok("B".to_owned()), Ref::to_text)?;
            let value =
                |error: &dyn core::fmt::Display| context.attached.raise_builtin(Builtin::Value, &error.to_string());
            let format: Format = format.parse().map_err(|error| value(&error))?;
            let layout = Layout::contiguous(format, &shape, isize::MAX as usize).map_err(|error| value(&error))?;
            let len = layout.nbytes();
            let storage = Storage::zeroed(len).ok_or_else(|| context.out_of_memory())?;
            let layout = Layout::contiguous(format, &shape, len).map_err(|error| value(&error))?;
            context.create(context.state().classes.buffer, BufferValue::new(storage, layout))
        })
    }
}

fn freeze<'p>(context: &Context<'p>, this: Ref<'p>, buffer: &'p BufferValue, args: Args<'p>) -> Result<Owned<'p>> {
    let [] = args.bind("freeze", [], 0)?;
    let writable = buffer.writable_exports.get();
    if writable > 0 {
        let message = format!("the Buffer cannot be frozen: {writable} memoryviews or arrays could still write to it");
        return Err(context.attached.raise_builtin(Builtin::Buffer, &message));
    }
    buffer.storage.borrow().freeze();
    Ok(this.to_owned())
}

fn thaw<'p>(context: &Context<'p>, this: Ref<'p>, buffer: &'p BufferValue, args: Args<'p>) -> Result<Owned<'p>> {
    let [] = args.bind("thaw", [], 0)?;
    context.collect_all();
    let mut storage = buffer.storage.borrow_mut();
    match Arc::get_mut(&mut storage).filter(|_| buffer.exports.get() == 0) {
        Some(storage) => {
            storage.thaw();
            Ok(this.to_owned())
        }
        None => {
            let message = "the Buffer cannot be thawed: a message, a view or a memoryview refers to it";
            Err(context.attached.raise_builtin(Builtin::Buffer, message))
        }
    }
}

fn get_frozen<'p>(context: &Context<'p>, _: Ref<'p>, buffer: &'p BufferValue) -> Result<Owned<'p>> {
    Ok(context.attached.bool(buffer.is_frozen()))
}

fn get_nbytes<'p>(context: &Context<'p>, _: Ref<'p>, buffer: &'p BufferValue) -> Result<Owned<'p>> {
    context.attached.int(buffer.layout.nbytes() as u64)
}

fn get_shape<'p>(context: &Context<'p>, _: Ref<'p>, buffer: &'p BufferValue) -> Result<Owned<'p>> {
    let lengths = buffer.layout.shape().iter().map(|&len| context.attached.int(len as u64));
    context.attached.tuple(lengths.collect::<Result<Vec<_>>>()?)
}

fn get_format<'p>(context: &Context<'p>, _: Ref<'p>, buffer: &'p BufferValue) -> Result<Owned<'p>> {
    context.attached.str(buffer.format.to_str().expect("a format is ASCII"))
}

unsafe extern "C" fn length(this: *mut ffi::PyObject) -> ffi::Py_ssize_t {
    // SAFETY: CPython asks an instance of the class.
    let length = |value: &BufferValue| value.layout.shape().first().map_or(1, |&len| len as ffi::Py_ssize_t);
    // SAFETY: as above.
    unsafe { super::entry::peek::<BufferValue, _>(this, length) }
}

unsafe extern "C" fn get_buffer(this: *mut ffi::PyObject, buffer: *mut ffi::Py_buffer, flags: c_int) -> c_int {
    // SAFETY: CPython asks an instance of the class, on a thread that is attached.
    unsafe {
        export::<BufferValue>(this, |this, value| {
            let storage = value.storage.borrow();
            let is_readonly = storage.is_frozen();
            let start = storage.start();
            Exporting { start, layout: &value.layout, format: &value.format, is_readonly }.fill(this, buffer, flags)?;
            let count = |exports: &Cell<usize>| exports.set(exports.get() + 1);
            count(&value.exports);
            if !is_readonly {
                count(&value.writable_exports);
            }
            Ok(())
        })
    }
}

unsafe extern "C" fn release_buffer(this: *mut ffi::PyObject, buffer: *mut ffi::Py_buffer) {
    // SAFETY: the buffer was filled by `get_buffer`.
    let is_readonly = unsafe { (*buffer).readonly } != 0;
    let release = |value: &BufferValue| {
        let count = |exports: &Cell<usize>| exports.set(exports.get() - 1);
        count(&value.exports);
        if !is_readonly {
            count(&value.writable_exports);
        }
    };
    // SAFETY: CPython releases what an instance of the class exported, on a thread that is attached.
    unsafe { super::entry::peek::<BufferValue, _>(this, release) }
}
