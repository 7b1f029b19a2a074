//! CPython below its objects: reference counts, allocators, functions by name.

use core::ffi::CStr;
use core::ptr::NonNull;
use pyo3_ffi as ffi;

/// The count of references to an object, as CPython 3.12 and later keep it: the lower half of a word.
///
/// # Safety
///
/// The object is there, and nobody changes the count meanwhile.
pub(crate) unsafe fn references(object: NonNull<ffi::PyObject>) -> u32 {
    // SAFETY: the caller's contract; the word is at the start of the object.
    unsafe { count_place(object).read() }
}

/// # Safety
///
/// As for [`references`]; and nobody else ever touches the object.
pub(crate) unsafe fn set_references(object: NonNull<ffi::PyObject>, references: u32) {
    // SAFETY: the caller's contract.
    unsafe { count_place(object).write(references) }
}

fn count_place(object: NonNull<ffi::PyObject>) -> NonNull<u32> {
    const { assert!(size_of::<usize>() == 8, "the layout of an object's head is known for 64 bits only") }
    let halves = object.cast::<u32>();
    // SAFETY: an object begins with a word of two halves.
    if cfg!(target_endian = "big") { unsafe { halves.add(1) } } else { halves }
}

/// Whether large blocks of CPython's object allocator come from its raw one, which is `malloc`. So it is unless debug
/// hooks or another allocator were asked for (`PYTHONMALLOC`, `-X dev`, tracemalloc).
pub(crate) fn allocates_raw() -> bool {
    type Name = unsafe extern "C" fn() -> *const core::ffi::c_char;
    static NAME: std::sync::LazyLock<Option<Name>> = std::sync::LazyLock::new(|| {
        // SAFETY: the symbol, if it is there, is this function in every version since 3.7.
        unsafe { core::mem::transmute(symbol(c"_PyMem_GetCurrentAllocatorName")) }
    });
    let Some(name) = *NAME else { return false };
    // SAFETY: it takes nothing and needs no GIL: it compares addresses of functions.
    let name = unsafe { name() };
    // SAFETY: null, or a constant.
    !name.is_null() && matches!(unsafe { CStr::from_ptr(name) }.to_bytes(), b"pymalloc" | b"malloc")
}

/// CPython counts the blocks of an interpreter, and frees none of its pools in the end if the count is not zero. A
/// block from `malloc` that belongs to us from now on is taken off, by freeing another one that was not counted.
pub(crate) fn take_off_the_count() {
    /// More than any pool has.
    const SIZE: usize = 1024;
    if allocates_raw() {
        // SAFETY: the thread is attached. Its object allocator gives blocks that it does not know to the raw one,
        // from which this comes, or does nothing with null.
        unsafe { ffi::PyObject_Free(PyMem_RawMalloc(SIZE)) }
    }
}

unsafe extern "C" {
    /// In CPython's stable ABI since 3.13 by its headers, and in every version before by its libraries.
    fn PyMem_RawMalloc(size: usize) -> *mut core::ffi::c_void;
    fn PyMem_RawFree(memory: *mut core::ffi::c_void);
}

/// Frees an object whose memory came from `malloc`, and whose interpreter is gone.
///
/// # Safety
///
/// Nobody refers to it, [`allocates_raw`] is true, and it is larger than what pools have.
pub(crate) unsafe fn free_raw(object: NonNull<ffi::PyObject>) {
    // SAFETY: the caller's contract: the raw allocator knows no interpreters.
    unsafe { PyMem_RawFree(object.as_ptr().cast()) }
}

/// Whether CPython has begun to finalize the process: all callbacks of the main interpreter have been called.
pub(crate) fn is_finalizing() -> bool {
    type IsFinalizing = unsafe extern "C" fn() -> core::ffi::c_int;
    let name = [c"Py_IsFinalizing", c"_Py_IsFinalizing"].map(symbol).into_iter().find(|address| !address.is_null());
    // SAFETY: the first has been public since 3.13, the second was there before; both are this function.
    let is_finalizing: Option<IsFinalizing> = unsafe { core::mem::transmute(name.unwrap_or(core::ptr::null_mut())) };
    // SAFETY: it takes nothing, and needs no GIL.
    is_finalizing.is_some_and(|is_finalizing| unsafe { is_finalizing() } != 0)
}

/// The address of a function of this process, or null.
pub(crate) fn symbol(name: &CStr) -> *mut core::ffi::c_void {
    // SAFETY: a lookup.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
}
