//! From CPython's calling conventions to functions with a [`Context`], and back.

use super::errors::Errors;
use crate::py::{Attached, Builtin, Class, Instance, Owned, Raised, Ref, Result};
use crate::runtime::{Call, Python, Token};
use core::cell::Cell;
use core::ffi::{CStr, c_int};
use core::ptr::NonNull;
use pyo3_ffi as ffi;
use std::panic::{AssertUnwindSafe, catch_unwind};
use viewchan::Runtime;

/// What the module has in each interpreter.
pub(super) struct State {
    pub(super) home: Python,
    pub(super) classes: Classes,
    pub(super) errors: Errors,
    /// Threads that wait are told when the interpreter is about to join them.
    pub(super) is_watched: Cell<bool>,
}

/// A reference that the module's state has.
pub(super) type Kept = Option<NonNull<ffi::PyObject>>;

pub(super) struct Classes {
    pub(super) send_end: Kept,
    pub(super) receive_end: Kept,
    pub(super) view: Kept,
    pub(super) buffer: Kept,
}

impl State {
    /// Everything that the state refers to, for the garbage collector.
    pub(super) fn kept(&mut self) -> impl Iterator<Item = &mut Kept> {
        let Classes { send_end, receive_end, view, buffer } = &mut self.classes;
        [send_end, receive_end, view, buffer].into_iter().chain(self.errors.kept())
    }
}

/// One of our classes.
pub(super) trait Ours: Class {
    fn class(classes: &Classes) -> Kept;
}

/// One call from Python.
pub(crate) struct Context<'p> {
    pub(crate) attached: Attached<'p>,
    state: &'p State,
    call: Call<'p>,
}

impl<'p> Context<'p> {
    pub(crate) fn home(&self) -> &'p Python {
        &self.state.home
    }

    pub(crate) fn token(&self) -> Token<'p> {
        self.call.token()
    }

    pub(super) fn state(&self) -> &'p State {
        self.state
    }

    pub(super) fn call(&self) -> &Call<'p> {
        &self.call
    }

    /// A class or an exception that the state keeps.
    pub(super) fn kept(&self, kept: Kept) -> Result<Ref<'p>> {
        // SAFETY: the state has a reference for as long as the module is there.
        let kept = unsafe { self.attached.borrowed(kept.map_or(core::ptr::null_mut(), NonNull::as_ptr)) };
        let gone = || self.attached.raise_builtin(Builtin::Runtime, "viewchan has been finalized in this interpreter");
        kept.ok_or_else(gone)
    }

    pub(super) fn create<T: Class>(&self, class: Kept, value: T) -> Result<Owned<'p>> {
        Instance::create(self.kept(class)?, self.home(), value)
    }
}

/// Runs a call in the interpreter of `state`.
///
/// # Safety
///
/// The calling thread is attached to some interpreter throughout `'p`.
pub(super) unsafe fn enter<'p, T>(
    attached: Attached<'p>,
    state: *mut State,
    work: impl FnOnce(&Context<'p>) -> Result<T>,
) -> Result<T> {
    // SAFETY: the module's state is there while anything of the module is called, and changed by the garbage
    // collector only.
    let Some(state) = (unsafe { state.as_ref::<'p>() }) else {
        return Err(attached.raise_builtin(Builtin::Runtime, "viewchan has been finalized in this interpreter"));
    };
    if !state.home.is_present() {
        // SAFETY: the thread is attached.
        let here = unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) };
        let message = format!("this object belongs to {}, and is used in interpreter {here}", state.home.id());
        return Err(attached.raise_builtin(Builtin::Runtime, &message));
    }
    // SAFETY: the thread is attached to `home`, as just seen.
    let context = Context { attached, state, call: unsafe { Call::begin(&state.home) } };
    // What is left half done by a panic is dropped; nothing of it is used again.
    catch_unwind(AssertUnwindSafe(|| work(&context))).unwrap_or_else(|_| {
        Err(attached.raise_builtin(Builtin::Runtime, "viewchan has panicked: this is a bug, please report it"))
    })
}

/// Runs a method of an instance of `T`'s class.
///
/// # Safety
///
/// `object` is such an instance, and the calling thread is attached throughout the call.
pub(super) unsafe fn method<T: Class>(
    object: *mut ffi::PyObject,
    work: impl for<'p> FnOnce(&Context<'p>, Ref<'p>, &'p T) -> Result<Owned<'p>>,
) -> *mut ffi::PyObject {
    // SAFETY: the caller's contract.
    let attached = unsafe { Attached::assume() };
    // SAFETY: the caller's contract.
    let this = unsafe { attached.borrowed(object) }.expect("an object is not null");
    // SAFETY: as above.
    let state = unsafe { state_of_class(ffi::Py_TYPE(object)) };
    // SAFETY: the caller's contract.
    to_ptr(unsafe { enter(attached, state, |context| work(context, this, Instance::<T>::value(this))) })
}

/// Fills a buffer from an instance of `T`'s class: nothing is received, released or sent.
///
/// # Safety
///
/// As for [`method`].
pub(super) unsafe fn export<T: Class>(
    object: *mut ffi::PyObject,
    fill: impl for<'p> FnOnce(Ref<'p>, &'p T) -> Result<()>,
) -> c_int {
    // SAFETY: the caller's contract.
    let attached = unsafe { Attached::assume() };
    // SAFETY: the caller's contract.
    let this = unsafe { attached.borrowed(object) }.expect("an object is not null");
    // SAFETY: the caller's contract.
    fill(this, unsafe { Instance::<T>::value(this) }).map_or_else(|Raised| -1, |()| 0)
}

/// Looks at the value of an instance of `T`'s class.
///
/// # Safety
///
/// As for [`method`].
pub(super) unsafe fn peek<T: Class, V>(object: *mut ffi::PyObject, look: impl FnOnce(&T) -> V) -> V {
    // SAFETY: the caller's contract.
    let this = unsafe { Attached::assume().borrowed(object) }.expect("an object is not null");
    // SAFETY: the caller's contract.
    look(unsafe { Instance::<T>::value(this) })
}

/// Runs the constructor of one of our classes.
///
/// # Safety
///
/// `class` is one of ours, and the calling thread is attached throughout the call.
pub(super) unsafe fn constructor(
    class: *mut ffi::PyTypeObject,
    work: impl for<'p> FnOnce(&Context<'p>) -> Result<Owned<'p>>,
) -> *mut ffi::PyObject {
    // SAFETY: the caller's contract.
    let attached = unsafe { Attached::assume() };
    // SAFETY: the caller's contract.
    to_ptr(unsafe { enter(attached, state_of_class(class), work) })
}

/// Runs a function of the module.
///
/// # Safety
///
/// `module` is ours, and the calling thread is attached throughout the call.
pub(super) unsafe fn function(
    module: *mut ffi::PyObject,
    work: impl for<'p> FnOnce(&Context<'p>) -> Result<Owned<'p>>,
) -> *mut ffi::PyObject {
    // SAFETY: the caller's contract.
    let attached = unsafe { Attached::assume() };
    // SAFETY: the state is a pointer to ours, see `module`.
    to_ptr(unsafe { enter(attached, state_of(module).read(), work) })
}

/// The state of the module that made a class. Null if the garbage collector has been at the class.
///
/// # Safety
///
/// `class` is one of ours, and the calling thread is attached.
unsafe fn state_of_class(class: *mut ffi::PyTypeObject) -> *mut State {
    // SAFETY: the caller's contract.
    let state = unsafe { ffi::PyType_GetModuleState(class) }.cast::<*mut State>();
    // SAFETY: null, or where the module keeps the pointer to its state.
    unsafe { state.as_ref() }.map_or(core::ptr::null_mut(), |state| *state)
}

/// Where the module keeps the pointer to its state.
///
/// # Safety
///
/// `module` is ours.
pub(super) unsafe fn state_of(module: *mut ffi::PyObject) -> *mut *mut State {
    // SAFETY: the caller's contract.
    unsafe { ffi::PyModule_GetState(module) }.cast()
}

/// A result as CPython wants it.
fn to_ptr(result: Result<Owned<'_>>) -> *mut ffi::PyObject {
    result.map_or_else(|Raised| core::ptr::null_mut(), Owned::into_ptr)
}

/// A method or function with our one calling convention.
pub(super) fn fast(
    name: &'static CStr,
    call: ffi::PyCFunctionFastWithKeywords,
    doc: &'static CStr,
) -> ffi::PyMethodDef {
    ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: call },
        ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        ml_doc: doc.as_ptr(),
    }
}

/// `methods!(Class { c"name", c"doc" => function; ... })`: the slot with the methods of a class. A function gets the
/// context, the object, its value and the arguments, and returns an object.
macro_rules! methods {
    ($class:ty { $($name:literal, $doc:expr => $work:path;)* }) => {{
        static TABLE: std::sync::LazyLock<$crate::py::Table> = std::sync::LazyLock::new(|| {
            let methods = vec![$({
                unsafe extern "C" fn entry(
                    this: *mut pyo3_ffi::PyObject,
                    args: *const *mut pyo3_ffi::PyObject,
                    positional: pyo3_ffi::Py_ssize_t,
                    names: *mut pyo3_ffi::PyObject,
                ) -> *mut pyo3_ffi::PyObject {
                    // SAFETY: CPython calls a method of the class, by its calling convention, on a thread that is
                    // attached.
                    unsafe {
                        $crate::face::entry::method::<$class>(this, |context, this, value| {
                            $work(context, this, value, $crate::py::Args::fast(context.attached, args, positional, names)?)
                        })
                    }
                }
                $crate::face::entry::fast($name, entry, $doc)
            }),*];
            $crate::py::Table::new(methods, pyo3_ffi::PyMethodDef::zeroed())
        });
        $crate::py::slot(pyo3_ffi::Py_tp_methods, TABLE.as_ptr())
    }};
}

/// `properties!(Class { c"name", c"doc" => getter; ... })`: the slot with the properties of a class. A getter gets
/// the context, the object and its value. A setter, after a comma, also gets the new value.
macro_rules! properties {
    ($class:ty { $($name:literal, $doc:expr => $get:path $(, $set:path)?;)* }) => {{
        static TABLE: std::sync::LazyLock<$crate::py::Table> = std::sync::LazyLock::new(|| {
            let properties = vec![$({
                unsafe extern "C" fn get(
                    this: *mut pyo3_ffi::PyObject,
                    _: *mut core::ffi::c_void,
                ) -> *mut pyo3_ffi::PyObject {
                    // SAFETY: CPython gets a property of the class, on a thread that is attached.
                    unsafe { $crate::face::entry::method::<$class>(this, $get) }
                }
                #[allow(unused_mut, unused_assignments)]
                let mut set: Option<pyo3_ffi::setter> = None;
                $(set = {
                    unsafe extern "C" fn set(
                        this: *mut pyo3_ffi::PyObject,
                        value: *mut pyo3_ffi::PyObject,
                        _: *mut core::ffi::c_void,
                    ) -> core::ffi::c_int {
                        // SAFETY: CPython sets a property of the class, on a thread that is attached; null deletes it.
                        let set = unsafe {
                            $crate::face::entry::method::<$class>(this, |context, this, old| {
                                $set(context, this, old, context.attached.borrowed(value)).map(|()| context.attached.none())
                            })
                        };
                        if set.is_null() { -1 } else {
                            // SAFETY: None, which is not needed.
                            unsafe { pyo3_ffi::Py_DecRef(set) };
                            0
                        }
                    }
                    Some(set)
                };)?
                pyo3_ffi::PyGetSetDef {
                    name: $name.as_ptr(),
                    get: Some(get),
                    set,
                    doc: $doc.as_ptr(),
                    closure: core::ptr::null_mut(),
                }
            }),*];
            $crate::py::Table::new(properties, pyo3_ffi::PyGetSetDef::default())
        });
        $crate::py::slot(pyo3_ffi::Py_tp_getset, TABLE.as_ptr())
    }};
}

pub(super) use {methods, properties};
