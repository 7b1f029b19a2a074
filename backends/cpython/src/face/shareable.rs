//! Ends in CPython's own ways from one interpreter to another: `Interpreter.prepare_main`,
//! `concurrent.interpreters.Queue`.
//!
//! A class registers a function that turns an object into *cross-interpreter data*: a pointer, a function that makes
//! an object of it in the other interpreter, and one that frees it. CPython keeps that interface to itself and has
//! changed it, so it is looked up by name and used only in the versions that are known; in others these ways refuse
//! ends, and ours remain.

use super::claim::Claim;
use super::entry::{Context, Kept};
use super::{Error, module};
use crate::py::{Attached, Builtin, Raised, Ref, Result, done, symbol};
use crate::runtime::{Call, registry};
use core::ffi::{c_int, c_ulong, c_void};
use core::ptr;
use parking_lot::Mutex;
use pyo3_ffi as ffi;

/// `struct _xidata`: the same in 3.12 to 3.14. CPython clears it before, and fills in the interpreter behind.
#[repr(C)]
struct Data {
    data: *mut c_void,
    object: *mut ffi::PyObject,
    interpreter: i64,
    new_object: Option<unsafe extern "C" fn(*mut Data) -> *mut ffi::PyObject>,
    free: Option<unsafe extern "C" fn(*mut c_void)>,
}

type GetData = unsafe extern "C" fn(*mut ffi::PyThreadState, *mut ffi::PyObject, *mut Data) -> c_int;

/// `_PyXIData_getdata_t` of 3.14.
#[repr(C)]
struct Functions {
    basic: Option<GetData>,
    fallback: Option<unsafe extern "C" fn()>,
}

/// Registers a class of ends with CPython, where that is known to work.
pub(super) fn register(class: Kept) -> Result<()> {
    let Some(class) = class else { return Ok(()) };
    let class = class.as_ptr().cast::<ffi::PyTypeObject>();
    // SAFETY: the names are those of these functions in these versions.
    let result = unsafe {
        match minor_version() {
            12 | 13 => {
                let register = symbol(c"_PyCrossInterpreterData_RegisterClass");
                let register: Option<unsafe extern "C" fn(*mut ffi::PyTypeObject, GetData) -> c_int> =
                    core::mem::transmute(register);
                register.map_or(0, |register| register(class, get_data))
            }
            14 => {
                let register = symbol(c"_PyXIData_RegisterClass");
                let register: Option<
                    unsafe extern "C" fn(*mut ffi::PyThreadState, *mut ffi::PyTypeObject, Functions) -> c_int,
                > = core::mem::transmute(register);
                let functions = Functions { basic: Some(get_data), fallback: None };
                register.map_or(0, |register| register(ffi::PyThreadState_Get(), class, functions))
            }
            _ => 0,
        }
    };
    done(result)
}

/// The version of the CPython that runs: 13 of 3.13.
fn minor_version() -> c_ulong {
    let version = symbol(c"Py_Version").cast::<c_ulong>();
    // SAFETY: null, or a constant, since 3.11.
    unsafe { version.as_ref() }.map_or(0, |version| version >> 16 & 0xff)
}

/// What the pointer leads to. The claim is taken by the first object that is made of it.
struct Travelling(Mutex<Option<Claim>>);

unsafe extern "C" fn get_data(_: *mut ffi::PyThreadState, object: *mut ffi::PyObject, data: *mut Data) -> c_int {
    // SAFETY: CPython calls it with an object of a class that was registered, on a thread that is attached.
    let attached = unsafe { Attached::assume() };
    // SAFETY: as above.
    let object: Ref<'_> = unsafe { attached.borrowed(object) }.expect("an object is not null");
    let get_claim = |context: &Context<'_>| context.claim(object);
    let Some(home) = registry::present() else {
        let Raised = over(attached);
        return -1;
    };
    // SAFETY: the thread is attached to `home`.
    match unsafe { module::in_present(attached, &home, get_claim) } {
        Ok(claim) => {
            let travelling = Box::new(Travelling(Mutex::new(Some(claim))));
            // SAFETY: the data is there to be filled.
            unsafe {
                (*data).data = Box::into_raw(travelling).cast();
                (*data).object = ptr::null_mut();
                (*data).new_object = Some(new_object);
                (*data).free = Some(free);
            }
            0
        }
        Err(Raised) => -1,
    }
}

unsafe extern "C" fn new_object(data: *mut Data) -> *mut ffi::PyObject {
    // SAFETY: CPython calls it with what `get_data` has filled, on a thread that is attached.
    let attached = unsafe { Attached::assume() };
    // SAFETY: as above.
    let travelling = unsafe { &*(*data).data.cast::<Travelling>() };
    let arrive = |context: &Context<'_>| {
        // The mutex is free again when the end arrives.
        let claim = travelling.0.lock().take();
        match claim {
            Some(claim) => Ok(context.arrive(claim)?.into_ptr()),
            None => Err(context.raise(Error::NotShareable, "the end has arrived elsewhere already")),
        }
    };
    // The module may be new in this interpreter.
    let Ok(_module) = attached.import(c"viewchan._viewchan") else { return ptr::null_mut() };
    let Some(home) = registry::present() else {
        let Raised = over(attached);
        return ptr::null_mut();
    };
    // SAFETY: the thread is attached to `home`.
    unsafe { module::in_present(attached, &home, arrive) }.unwrap_or(ptr::null_mut())
}

fn over(attached: Attached<'_>) -> Raised {
    attached.raise_builtin(Builtin::Runtime, "viewchan has been finalized in this interpreter")
}

unsafe extern "C" fn free(data: *mut c_void) {
    // SAFETY: it came from `Box::into_raw` in `get_data`, and is freed once.
    let travelling = unsafe { Box::from_raw(data.cast::<Travelling>()) };
    match registry::present() {
        Some(home) => {
            // SAFETY: CPython frees data on a thread that is attached: to `home`.
            let _call = unsafe { Call::begin(&home) };
            drop(travelling);
        }
        // An interpreter that has never heard of us, or not any more: what a receive end holds cannot be given back
        // from there.
        None => core::mem::forget(travelling),
    }
}
