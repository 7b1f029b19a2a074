//! Arguments of a call, by position or by name.

use super::{Attached, Builtin, Ref, Result};
use pyo3_ffi as ffi;

/// The arguments as CPython's fast calling convention passes them.
pub(crate) struct Args<'p> {
    attached: Attached<'p>,
    positional: Vec<Ref<'p>>,
    named: Vec<(String, Ref<'p>)>,
}

impl<'p> Args<'p> {
    /// # Safety
    ///
    /// The parameters are those of a `METH_FASTCALL | METH_KEYWORDS` function, good for `'p`.
    pub(crate) unsafe fn fast(
        attached: Attached<'p>,
        args: *const *mut ffi::PyObject,
        positional: ffi::Py_ssize_t,
        names: *mut ffi::PyObject,
    ) -> Result<Self> {
        // SAFETY: the caller's contract: null or a tuple.
        let names = unsafe { attached.borrowed(names) }.map_or_else(Vec::new, Ref::items);
        let positional = positional.unsigned_abs();
        // SAFETY: the caller's contract: so many references, the named ones last.
        let arg = |index| unsafe { attached.borrowed(*args.add(index)) }.expect("an argument is not null");
        let named = names.iter().enumerate().map(|(index, name)| Ok((name.to_text()?, arg(positional + index))));
        let named = named.collect::<Result<_>>()?;
        Ok(Self { attached, positional: (0..positional).map(arg).collect(), named })
    }

    /// # Safety
    ///
    /// The parameters are those of a `tp_new` function, good for `'p`: a tuple, and null or a dictionary.
    pub(crate) unsafe fn of_new(
        attached: Attached<'p>,
        args: *mut ffi::PyObject,
        keywords: *mut ffi::PyObject,
    ) -> Result<Self> {
        // SAFETY: the caller's contract.
        let positional = unsafe { attached.borrowed(args) }.expect("a tuple").items();
        let mut named = Vec::new();
        if !keywords.is_null() {
            let (mut at, mut name, mut value) = (0, core::ptr::null_mut(), core::ptr::null_mut());
            // SAFETY: the caller's contract; the dictionary is not changed meanwhile.
            while unsafe { ffi::PyDict_Next(keywords, &raw mut at, &raw mut name, &raw mut value) } != 0 {
                // SAFETY: borrowed from the dictionary.
                if let (Some(name), Some(value)) = unsafe { (attached.borrowed(name), attached.borrowed(value)) } {
                    named.push((name.to_text()?, value));
                }
            }
        }
        Ok(Self { attached, positional, named })
    }

    /// The arguments in the order of the parameters of `function`, whose first `required` have to be there.
    pub(crate) fn bind<const N: usize>(
        self,
        function: &str,
        parameters: [&str; N],
        required: usize,
    ) -> Result<[Option<Ref<'p>>; N]> {
        let refuse = |message: String| self.attached.raise_builtin(Builtin::Type, &format!("{function}() {message}"));
        let mut bound = [None; N];
        if self.positional.len() > N {
            let given = self.positional.len();
            return Err(refuse(format!("takes at most {N} arguments ({given} given)")));
        }
        for (place, arg) in bound.iter_mut().zip(&self.positional) {
            *place = Some(*arg);
        }
        for (name, arg) in &self.named {
            match parameters.iter().position(|parameter| parameter == name) {
                None => return Err(refuse(format!("got an unexpected keyword argument '{name}'"))),
                Some(index) if bound[index].is_some() => {
                    return Err(refuse(format!("got multiple values for argument '{name}'")));
                }
                Some(index) => bound[index] = Some(*arg),
            }
        }
        match (0..required).find(|&index| bound[index].is_none()) {
            Some(index) => Err(refuse(format!("missing required argument '{}'", parameters[index]))),
            None => Ok(bound),
        }
    }
}
