//! The buffer protocol, from both sides.

use super::{Attached, Builtin, Raised, Ref, Result, done};
use core::ffi::{CStr, c_int};
use core::marker::PhantomData;
use pyo3_ffi as ffi;
use viewchan::Layout;

/// Somebody's exported memory, until this is dropped.
pub(crate) struct Exported<'p> {
    /// Boxed: exporters may have it point into itself, as `PyBuffer_FillInfo` does.
    buffer: Box<ffi::Py_buffer>,
    _attached: PhantomData<Attached<'p>>,
}

impl<'p> Exported<'p> {
    /// Asks for everything: format, shape, strides.
    pub(crate) fn of(object: Ref<'p>) -> Result<Self> {
        let mut buffer = Box::new(ffi::Py_buffer::new());
        // SAFETY: the reference is good, and the buffer is there to be filled.
        done(unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), &raw mut *buffer, ffi::PyBUF_FULL_RO) })?;
        Ok(Self { buffer, _attached: PhantomData })
    }

    /// The address of the element whose indices are all 0.
    pub(crate) fn start(&self) -> usize {
        self.buffer.buf.addr()
    }

    /// Number of bytes of all elements together.
    pub(crate) fn len(&self) -> usize {
        self.buffer.len.unsigned_abs()
    }

    /// Whether elements have to be reached through pointers.
    pub(crate) fn is_indirect(&self) -> bool {
        !self.buffer.suboffsets.is_null()
    }

    pub(crate) fn format(&self) -> &str {
        if self.buffer.format.is_null() {
            return "B";
        }
        // SAFETY: the exporter's text, with a zero at the end, until the buffer is released.
        unsafe { CStr::from_ptr(self.buffer.format) }.to_str().unwrap_or("?")
    }

    pub(crate) fn shape(&self) -> Vec<usize> {
        self.dimensions(self.buffer.shape).iter().map(|len| len.unsigned_abs()).collect()
    }

    pub(crate) fn strides(&self) -> &[isize] {
        self.dimensions(self.buffer.strides)
    }

    fn dimensions(&self, start: *mut ffi::Py_ssize_t) -> &[isize] {
        if start.is_null() {
            return &[];
        }
        // SAFETY: the exporter's array, of one for each dimension, until the buffer is released.
        unsafe { core::slice::from_raw_parts(start, self.buffer.ndim.unsigned_abs() as usize) }
    }

    /// Copies the elements in C order.
    pub(crate) fn copy_to(&self, target: &mut [u8]) -> Result<()> {
        assert_eq!(target.len(), self.len(), "as many bytes as there are");
        // SAFETY: the target has so many bytes; the buffer is not released.
        done(unsafe {
            ffi::PyBuffer_ToContiguous(
                target.as_mut_ptr().cast(),
                &raw const *self.buffer,
                self.buffer.len,
                b'C' as core::ffi::c_char,
            )
        })
    }
}

impl Drop for Exported<'_> {
    fn drop(&mut self) {
        // SAFETY: filled by `of`, and released once.
        unsafe { ffi::PyBuffer_Release(&raw mut *self.buffer) }
    }
}

/// Memory that one of our objects exports.
pub(crate) struct Exporting<'a> {
    /// The address of the element whose indices are all 0.
    pub(crate) start: *mut u8,
    /// Lives as long as the object.
    pub(crate) layout: &'a Layout,
    /// The layout's format. Lives as long as the object.
    pub(crate) format: &'a CStr,
    pub(crate) is_readonly: bool,
}

impl Exporting<'_> {
    /// Fills a buffer as it is asked for.
    ///
    /// # Safety
    ///
    /// `exporter` is the object that exports this memory, and `buffer` is to be filled.
    pub(crate) unsafe fn fill(&self, exporter: Ref<'_>, buffer: *mut ffi::Py_buffer, flags: c_int) -> Result<()> {
        let refuse = |why| {
            // SAFETY: the caller's contract. Whoever is refused may release nothing.
            unsafe { (*buffer).obj = core::ptr::null_mut() }
            Err::<(), Raised>(exporter.attached().raise_builtin(Builtin::Buffer, why))
        };
        let wants = |flag| flags & flag == flag;
        let (is_c, is_f) = (self.layout.is_c_contiguous(), self.layout.is_f_contiguous());
        if wants(ffi::PyBUF_WRITABLE) && self.is_readonly {
            return refuse("the memory is read-only");
        }
        if wants(ffi::PyBUF_C_CONTIGUOUS) && !is_c || wants(ffi::PyBUF_F_CONTIGUOUS) && !is_f {
            return refuse("the memory is not contiguous in that order");
        }
        if wants(ffi::PyBUF_ANY_CONTIGUOUS) && !is_c && !is_f || !wants(ffi::PyBUF_STRIDES) && !is_c {
            return refuse("the memory is not contiguous");
        }
        // Of what has no dimensions, there is neither shape nor stride.
        let only = |wanted, pointer| if wanted && self.layout.ndim() > 0 { pointer } else { core::ptr::null_mut() };
        let shape = self.layout.shape().as_ptr().cast::<ffi::Py_ssize_t>().cast_mut();
        let strides = self.layout.strides().as_ptr().cast_mut();
        let filled = ffi::Py_buffer {
            buf: self.start.cast(),
            obj: exporter.to_owned().into_ptr(),
            len: self.layout.nbytes() as ffi::Py_ssize_t,
            itemsize: self.layout.format().itemsize() as ffi::Py_ssize_t,
            readonly: c_int::from(self.is_readonly),
            ndim: self.layout.ndim() as c_int,
            format: if wants(ffi::PyBUF_FORMAT) { self.format.as_ptr().cast_mut() } else { core::ptr::null_mut() },
            shape: only(wants(ffi::PyBUF_ND), shape),
            strides: only(wants(ffi::PyBUF_STRIDES), strides),
            suboffsets: core::ptr::null_mut(),
            internal: core::ptr::null_mut(),
        };
        // SAFETY: the caller's contract.
        unsafe { buffer.write(filled) }
        Ok(())
    }
}
