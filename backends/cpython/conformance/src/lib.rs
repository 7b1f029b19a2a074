//! The conformance runner of the CPython backend: an extension module for the main interpreter, with one function.
//!
//! ```python
//! import sys, _viewchan_conformance
//! print(_viewchan_conformance.run(sys.argv[1:]))
//! ```
//!
//! | module | what |
//! | --- | --- |
//! | `job` | what is to be run, and the report |
//! | `host` | CPython as a host of scenarios |
//! | `interpreters` | where the interpreters come from, and where they go |
//! | `broken` | what must be refused |
//!
//! The scenarios, the threads that run them and the judgement are of `viewchan-model`; the runtime is of
//! `viewchan-cpython`.

mod broken;
mod host;
mod interpreters;
mod job;
mod report;

use core::ffi::CStr;
use core::ptr;
use pyo3_ffi as ffi;
use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};

static mut FUNCTIONS: [ffi::PyMethodDef; 2] = [
    ffi::PyMethodDef {
        ml_name: c"run".as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: run },
        ml_flags: ffi::METH_O,
        ml_doc:
            c"run(argv, /)\n--\n\nRuns scenarios: argv is [ROUNDS, FLAW, SCENARIO/STRATEGY...]. The report, in JSON."
                .as_ptr(),
    },
    ffi::PyMethodDef::zeroed(),
];

static mut DEFINITION: ffi::PyModuleDef = ffi::PyModuleDef {
    m_base: ffi::PyModuleDef_HEAD_INIT,
    m_name: c"_viewchan_conformance".as_ptr(),
    m_doc: c"The conformance runner of viewchan's CPython backend.".as_ptr(),
    m_size: 0,
    m_methods: (&raw mut FUNCTIONS).cast(),
    // It does not say that it can be imported by interpreters with a GIL of their own: they refuse it.
    m_slots: ptr::null_mut(),
    m_traverse: None,
    m_clear: None,
    m_free: None,
};

/// Called by CPython when the module is imported.
#[unsafe(no_mangle)]
#[allow(unreachable_pub, reason = "CPython reaches it by its name")]
pub extern "C" fn PyInit__viewchan_conformance() -> *mut ffi::PyObject {
    let definition = &raw mut DEFINITION;
    // SAFETY: the definition is complete, and only CPython changes it, under the main interpreter's GIL.
    unsafe { ffi::PyModuleDef_Init(definition) }
}

/// `run(argv)`.
unsafe extern "C" fn run(_module: *mut ffi::PyObject, argv: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: CPython calls a function of the module on a thread that is attached, with a good reference.
    let Some(argv) = (unsafe { strings(argv) }) else { return ptr::null_mut() };
    // SAFETY: the thread is attached. It is so again when `conduct` is over.
    let main = unsafe { ffi::PyEval_SaveThread() };
    // SAFETY: as just done.
    let conduct = || unsafe { interpreters::conduct(main, || job::run(&argv)) };
    // What a panic leaves behind is not used again: the caller is told, and the process ends.
    let done = catch_unwind(AssertUnwindSafe(conduct));
    // SAFETY: saved above, on this thread, which is attached to nobody.
    unsafe { ffi::PyEval_RestoreThread(main) }
    let text = done.unwrap_or_else(|_| Err("the runner has panicked".to_owned()));
    // SAFETY: the thread is attached.
    unsafe { answer(text) }
}

/// # Safety
///
/// The calling thread is attached.
unsafe fn answer(text: Result<String, String>) -> *mut ffi::PyObject {
    match text {
        // SAFETY: these are so many bytes of UTF-8.
        Ok(text) => unsafe { ffi::PyUnicode_FromStringAndSize(text.as_ptr().cast(), text.len() as ffi::Py_ssize_t) },
        Err(why) => {
            let why = CString::new(why.replace('\0', "?")).expect("no zero is left");
            // SAFETY: CPython has set it.
            let class = unsafe { ffi::PyExc_RuntimeError };
            // SAFETY: both are good.
            unsafe { ffi::PyErr_SetString(class, why.as_ptr()) }
            ptr::null_mut()
        }
    }
}

/// The strings of a list. `None` if it is something else, and then an exception is set.
///
/// # Safety
///
/// The calling thread is attached, and the reference is good.
unsafe fn strings(list: *mut ffi::PyObject) -> Option<Vec<String>> {
    // SAFETY: the caller's contract. The size of what is not a list is -1, with an exception set.
    let size = unsafe { ffi::PyList_Size(list) };
    if size < 0 {
        return None;
    }
    let string = |index| {
        // SAFETY: the index is within the list, which nobody changes meanwhile.
        let item = unsafe { ffi::PyList_GetItem(list, index) };
        // SAFETY: the list's reference is good. Null if it is no string, with an exception set.
        let text = unsafe { ffi::PyUnicode_AsUTF8AndSize(item, ptr::null_mut()) };
        // SAFETY: not null, so it is a string that ends with a zero.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
    };
    (0..size).map(string).collect()
}
