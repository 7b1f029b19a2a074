//! Where a thread's stack is: CPython is told before it asks.
//!
//! CPython 3.14 looks that up when a thread state is attached for the first time, so at each visit. For the first
//! thread of a process the C library reads `/proc/self/maps` then, which takes a hundred times as long as the visit.
//! Here it is looked up once for a thread. And the spare thread state, which goes from thread to thread, has the
//! bounds of the present one.

use crate::py::symbol;
use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use pyo3_ffi as ffi;
use std::sync::LazyLock;

/// `PyUnstable_ThreadState_SetStackProtection`, of 3.14 and later.
type Tell = unsafe extern "C" fn(*mut ffi::PyThreadState, *mut c_void, usize) -> c_int;

static TELL: LazyLock<Option<Tell>> = LazyLock::new(|| {
    let tell = symbol(c"PyUnstable_ThreadState_SetStackProtection");
    // SAFETY: null, which is none, or that function.
    unsafe { core::mem::transmute::<*mut c_void, Option<Tell>>(tell) }
});

thread_local! {
    static STACK: Option<Stack> = Stack::look_up();
}

/// Tells a thread state, which is not attached, where the stack of the calling thread is. If that is not known,
/// CPython asks.
///
/// # Safety
///
/// The state is there, and is the calling thread's.
pub(super) unsafe fn tell(state: *mut ffi::PyThreadState) {
    let Some(tell) = *TELL else { return };
    STACK.with(|stack| {
        if let Some(stack) = stack {
            // SAFETY: the caller's contract. It only sets fields: a stack that is too small, which it refuses with an
            // exception, is not kept here.
            let _done = unsafe { tell(state, stack.start, stack.len) };
        }
    });
}

/// What of a stack can be used.
struct Stack {
    start: *mut c_void,
    len: usize,
}

impl Stack {
    /// Well above the least that CPython accepts.
    const MIN: usize = 256 * 1024;

    /// As CPython does it.
    fn look_up() -> Option<Self> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the attributes are filled in, if it succeeds.
        if unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) } != 0 {
            return None;
        }
        // SAFETY: filled in.
        let mut attributes = unsafe { attributes.assume_init() };
        let (mut start, mut len, mut guard) = (core::ptr::null_mut(), 0, 0);
        // SAFETY: the attributes are there, and so are the places.
        let has_stack =
            unsafe { libc::pthread_attr_getstack(&raw const attributes, &raw mut start, &raw mut len) } == 0;
        // SAFETY: as above.
        let has_guard = unsafe { libc::pthread_attr_getguardsize(&raw const attributes, &raw mut guard) } == 0;
        // SAFETY: as above; they are not used again.
        unsafe { libc::pthread_attr_destroy(&raw mut attributes) };
        let len = len.checked_sub(guard)?;
        (has_stack && has_guard && len >= Self::MIN).then(|| Self { start: start.wrapping_byte_add(guard), len })
    }
}
