//! Classes whose instances are a Rust value.

use super::{Owned, Ref, Result};
use crate::runtime::{Call, Python};
use core::ffi::{CStr, c_int, c_uint, c_void};
use core::mem::ManuallyDrop;
use pyo3_ffi as ffi;

/// What is behind an instance of a class.
pub(crate) trait Class: Sized {
    /// With the module's name in front.
    const NAME: &'static CStr;
    const DOC: &'static CStr;
    /// Whether Python code can make one.
    const CAN_BE_MADE: bool = false;
    /// Beside deallocation and documentation.
    fn slots() -> Vec<ffi::PyType_Slot>;
}

/// An object of Python with a Rust value in it.
#[repr(C)]
pub(crate) struct Instance<T> {
    head: ffi::PyObject,
    /// The interpreter that it belongs to. Not asked of the class: in the end that may know no module any more.
    home: ManuallyDrop<Python>,
    value: ManuallyDrop<T>,
}

impl<T: Class> Instance<T> {
    /// A new instance.
    pub(crate) fn create<'p>(class: Ref<'p>, home: &Python, value: T) -> Result<Owned<'p>> {
        // SAFETY: the class was made by `new_type::<T>`: its instances have this size.
        let object = unsafe { class.attached().owned(ffi::PyType_GenericAlloc(class.as_ptr().cast(), 0)) }?;
        let instance = object.as_ptr().cast::<Self>();
        // SAFETY: the memory is there for both, and nobody has seen it yet.
        unsafe {
            (&raw mut (*instance).home).write(ManuallyDrop::new(home.clone()));
            (&raw mut (*instance).value).write(ManuallyDrop::new(value));
        }
        Ok(object)
    }

    /// The value in an instance.
    ///
    /// # Safety
    ///
    /// The object is an instance of the class that was made by `new_type::<T>`.
    pub(crate) unsafe fn value<'p>(object: Ref<'p>) -> &'p T {
        // SAFETY: the caller's contract; the value is there until the object is deallocated.
        unsafe { &(*object.as_ptr().cast::<Self>()).value }
    }

    /// Drops the value and frees the object.
    ///
    /// # Safety
    ///
    /// The object is an instance, as above, and is being deallocated, on a thread that is attached.
    unsafe fn deallocate(object: *mut ffi::PyObject) {
        let instance = object.cast::<Self>();
        // SAFETY: the caller's contract: nobody uses either afterwards.
        let (home, value) =
            unsafe { (ManuallyDrop::take(&mut (*instance).home), ManuallyDrop::take(&mut (*instance).value)) };
        // SAFETY: as above.
        let class = unsafe { ffi::Py_TYPE(object) };
        // SAFETY: the thread is attached, where the object belongs.
        let call = unsafe { Call::begin(&home) };
        drop(value);
        drop(call);
        // SAFETY: allocated by `PyType_GenericAlloc`, without garbage collection.
        unsafe { ffi::PyObject_Free(object.cast()) }
        // SAFETY: an instance has a reference to its class.
        unsafe { ffi::Py_DecRef(class.cast()) }
    }
}

/// Makes the class of `T` in a module.
pub(crate) fn new_type<'p, T: Class>(module: Ref<'p>) -> Result<Owned<'p>> {
    let mut slots = T::slots();
    slots.push(slot(ffi::Py_tp_dealloc, deallocate::<T> as *mut c_void));
    slots.push(slot(ffi::Py_tp_doc, T::DOC.as_ptr().cast_mut().cast()));
    slots.push(ffi::PyType_Slot::default());
    let made = if T::CAN_BE_MADE { 0 } else { ffi::Py_TPFLAGS_DISALLOW_INSTANTIATION };
    let mut spec = ffi::PyType_Spec {
        name: T::NAME.as_ptr(),
        basicsize: size_of::<Instance<T>>() as c_int,
        itemsize: 0,
        flags: (ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_IMMUTABLETYPE | made) as c_uint,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: the specification is complete; what it points at besides `slots`, which is copied, is static.
    unsafe {
        module.attached().owned(ffi::PyType_FromModuleAndSpec(module.as_ptr(), &raw mut spec, core::ptr::null_mut()))
    }
}

pub(crate) fn slot(slot: c_int, pfunc: *mut c_void) -> ffi::PyType_Slot {
    ffi::PyType_Slot { slot, pfunc }
}

unsafe extern "C" fn deallocate<T: Class>(object: *mut ffi::PyObject) {
    // SAFETY: CPython deallocates an instance of `T`'s class, on a thread that is attached.
    unsafe { Instance::<T>::deallocate(object) }
}

pub(crate) fn slot_of_module(slot: c_int, value: *mut c_void) -> ffi::PyModuleDef_Slot {
    ffi::PyModuleDef_Slot { slot, value }
}

/// A table of methods or properties, made once for the life of the process.
pub(crate) struct Table(*mut c_void);

// SAFETY: nobody writes to it.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

impl Table {
    /// With the entry that ends it.
    pub(crate) fn new<T>(mut entries: Vec<T>, end: T) -> Self {
        entries.push(end);
        Self(Box::leak(entries.into_boxed_slice()).as_mut_ptr().cast())
    }

    pub(crate) fn as_ptr(&self) -> *mut c_void {
        self.0
    }
}
