//! The few things of CPython's C API that we need, with Rust's manners: references that give themselves back, errors
//! as values.
//!
//! Everything with the lifetime `'p` exists within a call from Python, on a thread that is attached. The calls that
//! give the GIL up in between ([`Runtime`](viewchan::Runtime)'s) neither use nor drop any of it meanwhile.

mod args;
mod buffer;
mod class;
mod memory;

pub(crate) use args::Args;
pub(crate) use buffer::{Exported, Exporting};
pub(crate) use class::{Class, Instance, Table, new_type, slot, slot_of_module};

pub(crate) use memory::{
    allocates_raw, free_raw, is_finalizing, references, set_references, symbol, take_off_the_count,
};

use core::ffi::CStr;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use pyo3_ffi as ffi;
use std::ffi::CString;

/// An exception is set.
#[derive(Debug)]
pub(crate) struct Raised;

pub(crate) type Result<T> = core::result::Result<T, Raised>;

/// Proof that the calling thread is attached to an interpreter.
#[derive(Clone, Copy)]
pub(crate) struct Attached<'p>(PhantomData<(&'p (), *mut ())>);

/// A borrowed reference.
#[derive(Clone, Copy)]
pub(crate) struct Ref<'p> {
    object: NonNull<ffi::PyObject>,
    _attached: Attached<'p>,
}

/// A reference of one's own.
pub(crate) struct Owned<'p>(Ref<'p>);

/// Builtin exceptions.
#[derive(Clone, Copy)]
pub(crate) enum Builtin {
    Buffer,
    Memory,
    Recursion,
    Runtime,
    Type,
    Value,
}

impl<'p> Attached<'p> {
    /// # Safety
    ///
    /// The calling thread is attached throughout `'p`, but for calls that say otherwise.
    pub(crate) unsafe fn assume() -> Self {
        Self(PhantomData)
    }

    /// # Safety
    ///
    /// `object` is null or a reference that is good for `'p`.
    pub(crate) unsafe fn borrowed(self, object: *mut ffi::PyObject) -> Option<Ref<'p>> {
        NonNull::new(object).map(|object| Ref { object, _attached: self })
    }

    /// The result of a function of the C API that returns a new reference, or null with an exception set.
    ///
    /// # Safety
    ///
    /// `object` is such a result.
    pub(crate) unsafe fn owned(self, object: *mut ffi::PyObject) -> Result<Owned<'p>> {
        // SAFETY: the caller's contract.
        unsafe { self.borrowed(object) }.map(Owned).ok_or(Raised)
    }

    pub(crate) fn none(self) -> Owned<'p> {
        // SAFETY: None exists.
        unsafe { self.borrowed(ffi::Py_None()) }.expect("None is not null").to_owned()
    }

    pub(crate) fn bool(self, value: bool) -> Owned<'p> {
        // SAFETY: both exist.
        unsafe { self.borrowed(if value { ffi::Py_True() } else { ffi::Py_False() }) }.expect("not null").to_owned()
    }

    pub(crate) fn int(self, value: u64) -> Result<Owned<'p>> {
        // SAFETY: the thread is attached.
        unsafe { self.owned(ffi::PyLong_FromUnsignedLongLong(value)) }
    }

    pub(crate) fn str(self, text: &str) -> Result<Owned<'p>> {
        // SAFETY: the thread is attached; the text is there, and UTF-8.
        unsafe { self.owned(ffi::PyUnicode_FromStringAndSize(text.as_ptr().cast(), text.len() as ffi::Py_ssize_t)) }
    }

    pub(crate) fn bytes(self, bytes: &[u8]) -> Result<Owned<'p>> {
        // SAFETY: the thread is attached; the bytes are there.
        unsafe { self.owned(ffi::PyBytes_FromStringAndSize(bytes.as_ptr().cast(), bytes.len() as ffi::Py_ssize_t)) }
    }

    pub(crate) fn tuple(self, items: impl Into<Vec<Owned<'p>>>) -> Result<Owned<'p>> {
        let items = items.into();
        // SAFETY: the thread is attached.
        let tuple = unsafe { self.owned(ffi::PyTuple_New(items.len() as ffi::Py_ssize_t)) }?;
        for (index, item) in (0..).zip(items) {
            // SAFETY: the tuple is new and has this place; it takes the reference.
            unsafe { ffi::PyTuple_SetItem(tuple.as_ptr(), index, item.into_ptr()) };
        }
        Ok(tuple)
    }

    pub(crate) fn dict(self) -> Result<Owned<'p>> {
        // SAFETY: the thread is attached.
        unsafe { self.owned(ffi::PyDict_New()) }
    }

    pub(crate) fn import(self, name: &CStr) -> Result<Owned<'p>> {
        // SAFETY: the thread is attached.
        unsafe { self.owned(ffi::PyImport_ImportModule(name.as_ptr())) }
    }

    /// Sets an exception of this class.
    pub(crate) fn raise(self, class: Ref<'_>, message: &str) -> Raised {
        // A message without its zeros is better than none.
        let message = CString::new(message.replace('\0', "\\0")).expect("no zero is left");
        // SAFETY: the thread is attached, and the class is there.
        unsafe { ffi::PyErr_SetString(class.as_ptr(), message.as_ptr()) }
        Raised
    }

    pub(crate) fn raise_builtin(self, class: Builtin, message: &str) -> Raised {
        // SAFETY: builtin exceptions are there as long as Python is.
        let class = unsafe {
            self.borrowed(match class {
                Builtin::Buffer => ffi::PyExc_BufferError,
                Builtin::Memory => ffi::PyExc_MemoryError,
                Builtin::Recursion => ffi::PyExc_RecursionError,
                Builtin::Runtime => ffi::PyExc_RuntimeError,
                Builtin::Type => ffi::PyExc_TypeError,
                Builtin::Value => ffi::PyExc_ValueError,
            })
        };
        self.raise(class.expect("a builtin exception is not null"), message)
    }

    pub(crate) fn raise_os(self, error: &std::io::Error) -> Raised {
        let errno = error.raw_os_error().unwrap_or(libc::EIO);
        // SAFETY: the thread is attached; PyErr_SetFromErrno reads errno.
        unsafe {
            *libc::__errno_location() = errno;
            ffi::PyErr_SetFromErrno(ffi::PyExc_OSError);
        }
        Raised
    }

    /// The exception that is set, as text; it is forgotten.
    pub(crate) fn take_text(self) -> String {
        // SAFETY: the thread is attached; a new reference, or null if there is none.
        let Ok(error) = (unsafe { self.owned(ffi::PyErr_GetRaisedException()) }) else {
            return "no exception".to_owned();
        };
        // SAFETY: the reference is good.
        let text = unsafe { self.owned(ffi::PyObject_Str(error.as_ptr())) }.and_then(|text| text.get().to_text());
        let text = text.unwrap_or_else(|Raised| {
            self.clear();
            "?".to_owned()
        });
        format!("{}: {text}", error.get().class_name())
    }

    /// Forgets the exception that is set.
    pub(crate) fn clear(self) {
        // SAFETY: the thread is attached.
        unsafe { ffi::PyErr_Clear() }
    }

    /// Runs handlers of signals that have come, if this is the thread for that.
    pub(crate) fn check_signals(self) -> Result<()> {
        // SAFETY: the thread is attached.
        done(unsafe { ffi::PyErr_CheckSignals() })
    }
}

/// The result of a function of the C API that returns -1 with an exception set, or something else.
pub(crate) fn done(result: core::ffi::c_int) -> Result<()> {
    if result == -1 { Err(Raised) } else { Ok(()) }
}

impl<'p> Ref<'p> {
    pub(crate) fn attached(self) -> Attached<'p> {
        self._attached
    }

    pub(crate) fn as_ptr(self) -> *mut ffi::PyObject {
        self.object.as_ptr()
    }

    pub(crate) fn as_non_null(self) -> NonNull<ffi::PyObject> {
        self.object
    }

    pub(crate) fn to_owned(self) -> Owned<'p> {
        // SAFETY: the thread is attached, and the reference is good.
        unsafe { ffi::Py_IncRef(self.as_ptr()) }
        Owned(self)
    }

    pub(crate) fn is_none(self) -> bool {
        // SAFETY: None exists.
        self.as_ptr() == unsafe { ffi::Py_None() }
    }

    pub(crate) fn is_true(self) -> bool {
        // SAFETY: True exists.
        self.as_ptr() == unsafe { ffi::Py_True() }
    }

    /// Whether the object is exactly of this class, not of one derived from it.
    pub(crate) fn is_exact(self, class: *mut ffi::PyTypeObject) -> bool {
        // SAFETY: the reference is good.
        unsafe { ffi::Py_TYPE(self.as_ptr()) == class }
    }

    pub(crate) fn is_bytes(self) -> bool {
        self.is_exact(&raw mut ffi::PyBytes_Type)
    }

    pub(crate) fn is_memoryview(self) -> bool {
        self.is_exact(&raw mut ffi::PyMemoryView_Type)
    }

    pub(crate) fn is_tuple(self) -> bool {
        // SAFETY: the reference is good.
        unsafe { ffi::PyTuple_Check(self.as_ptr()) != 0 }
    }

    /// The name of the object's class, for messages.
    pub(crate) fn class_name(self) -> String {
        // SAFETY: the reference is good; the result is a new reference or null.
        let name = unsafe { self._attached.owned(ffi::PyType_GetName(ffi::Py_TYPE(self.as_ptr()))) };
        match name.and_then(|name| name.get().to_text()) {
            Ok(name) => name,
            Err(Raised) => {
                self._attached.clear();
                "?".to_owned()
            }
        }
    }

    pub(crate) fn attribute(self, name: &CStr) -> Result<Owned<'p>> {
        // SAFETY: the reference is good.
        unsafe { self._attached.owned(ffi::PyObject_GetAttrString(self.as_ptr(), name.as_ptr())) }
    }

    /// The attribute, if the object has it.
    pub(crate) fn attribute_if_any(self, name: &CStr) -> Result<Option<Owned<'p>>> {
        match self.attribute(name) {
            Ok(value) => Ok(Some(value)),
            // SAFETY: the thread is attached.
            Err(Raised) if unsafe { ffi::PyErr_ExceptionMatches(ffi::PyExc_AttributeError) } != 0 => {
                self._attached.clear();
                Ok(None)
            }
            Err(Raised) => Err(Raised),
        }
    }

    /// Calls the object with the items of a tuple and of a dictionary.
    pub(crate) fn call(self, arguments: &Owned<'p>, keywords: Option<&Owned<'p>>) -> Result<Owned<'p>> {
        let keywords = keywords.map_or(core::ptr::null_mut(), |keywords| keywords.as_ptr());
        // SAFETY: the references are good, and of a tuple and a dictionary.
        unsafe { self._attached.owned(ffi::PyObject_Call(self.as_ptr(), arguments.as_ptr(), keywords)) }
    }

    pub(crate) fn set_item(self, key: &Owned<'p>, value: &Owned<'p>) -> Result<()> {
        // SAFETY: the references are good.
        done(unsafe { ffi::PyObject_SetItem(self.as_ptr(), key.as_ptr(), value.as_ptr()) })
    }

    /// The text of a `str`.
    pub(crate) fn to_text(self) -> Result<String> {
        let mut len = 0;
        // SAFETY: the reference is good; anything but a `str` is refused with an exception.
        let text = unsafe { ffi::PyUnicode_AsUTF8AndSize(self.as_ptr(), &raw mut len) };
        let text = NonNull::new(text.cast_mut()).ok_or(Raised)?;
        // SAFETY: the `str` has these bytes, for as long as it is there.
        let bytes = unsafe { core::slice::from_raw_parts(text.as_ptr().cast::<u8>(), len.unsigned_abs()) };
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    /// The bytes of an exact `bytes`.
    pub(crate) fn bytes(self) -> &'p [u8] {
        assert!(self.is_bytes(), "an exact bytes object");
        // SAFETY: it is one.
        let (start, len) = unsafe { (ffi::PyBytes_AsString(self.as_ptr()), ffi::PyBytes_Size(self.as_ptr())) };
        // SAFETY: it has these bytes, which never change, for as long as it is there.
        unsafe { core::slice::from_raw_parts(start.cast(), len.unsigned_abs()) }
    }

    /// Whether it exports memory.
    pub(crate) fn exports_memory(self) -> bool {
        // SAFETY: the reference is good.
        unsafe { ffi::PyObject_CheckBuffer(self.as_ptr()) != 0 }
    }

    pub(crate) fn to_float(self) -> Result<f64> {
        // SAFETY: the reference is good.
        let value = unsafe { ffi::PyFloat_AsDouble(self.as_ptr()) };
        if value == -1.0 { no_exception().map(|()| value) } else { Ok(value) }
    }

    /// An integer, by `__index__`.
    pub(crate) fn to_index(self) -> Result<isize> {
        // SAFETY: the reference is good; what does not fit is an OverflowError.
        let value = unsafe { ffi::PyNumber_AsSsize_t(self.as_ptr(), ffi::PyExc_OverflowError) };
        if value == -1 { no_exception().map(|()| value) } else { Ok(value) }
    }

    /// The items of a tuple.
    pub(crate) fn items(self) -> Vec<Ref<'p>> {
        // SAFETY: the caller has found a tuple.
        let len = unsafe { ffi::PyTuple_Size(self.as_ptr()) };
        // SAFETY: the index is below the length; a borrowed reference, good as long as the tuple is.
        let item = |index| unsafe { self._attached.borrowed(ffi::PyTuple_GetItem(self.as_ptr(), index)) };
        (0..len).filter_map(item).collect()
    }
}

/// After a result that may be a value as well as an error.
fn no_exception() -> Result<()> {
    // SAFETY: whoever has a reference is attached.
    if unsafe { ffi::PyErr_Occurred() }.is_null() { Ok(()) } else { Err(Raised) }
}

impl<'p> Owned<'p> {
    pub(crate) fn get(&self) -> Ref<'p> {
        self.0
    }

    pub(crate) fn as_ptr(&self) -> *mut ffi::PyObject {
        self.0.as_ptr()
    }

    /// The reference, which belongs to the caller.
    pub(crate) fn into_ptr(self) -> *mut ffi::PyObject {
        ManuallyDrop::new(self).as_ptr()
    }
}

impl Drop for Owned<'_> {
    fn drop(&mut self) {
        // SAFETY: the thread is attached, and the reference is this one's.
        unsafe { ffi::Py_DecRef(self.as_ptr()) }
    }
}
