//! The extension module, one in each interpreter.

use super::buffer::BufferValue;
use super::ends::{ReceiveEndValue, SendEndValue};
use super::entry::{Classes, Context, Kept, State, enter, fast, function, state_of};
use super::errors::Errors;
use super::shareable;
use super::view::ViewValue;
use crate::py::{Args, Attached, Builtin, Class, Owned, Ref, Result, Table, done, new_type, slot_of_module};
use crate::runtime::registry::{self, Found};
use crate::runtime::{Call, Python, ending};
use core::cell::Cell;
use core::ffi::{CStr, c_int, c_void};
use core::ptr::{self, NonNull};
use pyo3_ffi as ffi;
use std::sync::LazyLock;
use viewchan::runtime::Cause;

/// Called by CPython when the library is loaded for an interpreter.
#[unsafe(no_mangle)]
#[allow(unreachable_pub, reason = "CPython finds it by its name")]
pub extern "C" fn PyInit__viewchan() -> *mut ffi::PyObject {
    // SAFETY: the definition is complete, and stays.
    unsafe { ffi::PyModuleDef_Init(definition()) }
}

fn definition() -> *mut ffi::PyModuleDef {
    struct Definition(Box<ffi::PyModuleDef>);
    // SAFETY: CPython changes it, under its own locks, as it does with those of C modules.
    unsafe impl Send for Definition {}
    // SAFETY: as above.
    unsafe impl Sync for Definition {}
    static DEFINITION: LazyLock<Definition> = LazyLock::new(|| {
        let slots = vec![
            slot_of_module(ffi::Py_mod_exec, execute as *mut c_void),
            slot_of_module(ffi::Py_mod_multiple_interpreters, ffi::Py_MOD_PER_INTERPRETER_GIL_SUPPORTED),
        ];
        Definition(Box::new(ffi::PyModuleDef {
            m_base: ffi::PyModuleDef_HEAD_INIT,
            m_name: c"viewchan._viewchan".as_ptr(),
            m_doc: c"The extension module of viewchan.".as_ptr(),
            m_size: size_of::<*mut State>() as ffi::Py_ssize_t,
            m_methods: functions().as_ptr().cast(),
            m_slots: Table::new(slots, ffi::PyModuleDef_Slot::default()).as_ptr().cast(),
            m_traverse: Some(traverse),
            m_clear: Some(clear),
            m_free: Some(free),
        }))
    });
    ptr::from_ref(&*DEFINITION.0).cast_mut()
}

/// The module's functions: each gets the context and the arguments.
macro_rules! functions {
    ($($name:literal, $doc:expr => $work:expr;)*) => {
        vec![$({
            unsafe extern "C" fn entry(
                module: *mut ffi::PyObject,
                args: *const *mut ffi::PyObject,
                positional: ffi::Py_ssize_t,
                names: *mut ffi::PyObject,
            ) -> *mut ffi::PyObject {
                // SAFETY: CPython calls a function of the module, by its calling convention, on a thread that is
                // attached.
                unsafe {
                    function(module, |context| {
                        let work: for<'p> fn(&Context<'p>, Args<'p>) -> Result<Owned<'p>> = $work;
                        work(context, Args::fast(context.attached, args, positional, names)?)
                    })
                }
            }
            fast($name, entry, $doc)
        }),*]
    };
}

fn functions() -> Table {
    let functions = functions! {
        c"channel",
            c"channel(maxsize=0, strategy='view', undelivered='deliver')\n--\n\nA new channel, of at most \
            `maxsize` messages (0: without a limit): its send end and its receive end." => |context, args| context.channel(args);
        c"frozen",
            c"frozen(obj, /)\n--\n\nA frozen copy of anything that exports its memory, with its format and shape. \
            This copies once." => |context, args| {
            let [object] = args.bind("frozen", ["obj"], 1)?;
            context.frozen_copy(object.expect("required"))
        };
        c"stats",
            c"stats(interp=None)\n--\n\nHow often viewchan acquired an interpreter's GIL, by cause. None: the \
            present one." => stats;
        c"pinned",
            c"pinned(interp=None)\n--\n\nHow many of an interpreter's buffers are pinned by messages and views, \
            or wait to be collected." => |context, args| {
            let [interp] = args.bind("pinned", ["interp"], 0)?;
            let pinned = match context.find(interp)? {
                Found::Handle(python) => python.pinned(),
                Found::Gone(_) => 0,
            };
            context.attached.int(pinned as u64)
        };
        c"collect",
            c"collect()\n--\n\nTake back what others have released of this interpreter's buffers; the number \
            still pinned." => |context, args| {
            let [] = args.bind("collect", [], 0)?;
            context.collect_all();
            context.attached.int(context.home().pinned() as u64)
        };
        c"_run", c"Run something in another interpreter." => |context, args| context.run(args);
        c"_knows", c"Whether an interpreter has imported viewchan." => |context, args| {
            let [id] = args.bind("_knows", ["id"], 1)?;
            let id = id.expect("required").to_index()?;
            Ok(context.attached.bool(u64::try_from(id).is_ok_and(|id| registry::find_alive(id).is_some())))
        };
        c"_end", c"The interpreter ends: for atexit." => |context, args| {
            let [] = args.bind("_end", [], 0)?;
            ending::end(context.call());
            Ok(context.attached.none())
        };
        c"_interrupt",
            c"The interpreter is about to join its threads: those that wait at a channel give up." => |context, args| {
            let [] = args.bind("_interrupt", [], 0)?;
            ending::interrupt(&context.token());
            Ok(context.attached.none())
        };
        c"_after_fork", c"The process is the child of a fork." => |context, args| {
            let [] = args.bind("_after_fork", [], 0)?;
            ending::forget_threads();
            Ok(context.attached.none())
        };
    };
    Table::new(functions, ffi::PyMethodDef::zeroed())
}

fn stats<'p>(context: &Context<'p>, args: Args<'p>) -> Result<Owned<'p>> {
    let [interp] = args.bind("stats", ["interp"], 0)?;
    let numbers = match context.find(interp)? {
        Found::Handle(python) => Cause::ALL.map(|cause| python.acquisitions(cause)),
        Found::Gone(numbers) => numbers,
    };
    let stats = context.attached.dict()?;
    for (cause, number) in Cause::ALL.into_iter().zip(numbers) {
        let acquisitions = context.attached.int(number)?;
        stats.get().set_item(&context.attached.str(&cause.to_string())?, &acquisitions)?;
    }
    Ok(stats)
}

impl Context<'_> {
    /// Collects until nothing more comes.
    pub(super) fn collect_all(&self) {
        ending::collect_all(&self.token());
    }
}

/// Runs `work` with a context of the interpreter to which the thread is attached, in which the module has been
/// imported.
///
/// # Safety
///
/// The thread is attached to `home` throughout `'p`.
pub(super) unsafe fn in_present<'p, T>(
    attached: Attached<'p>,
    home: &'p Python,
    work: impl FnOnce(&Context<'p>) -> Result<T>,
) -> Result<T> {
    let module = {
        // SAFETY: the thread is attached to `home`, and importing runs code of Python.
        let _call = unsafe { Call::begin(home) };
        attached.import(c"viewchan._viewchan")?
    };
    // SAFETY: the reference is good. Null for what is no module, and for a module that is not of an extension.
    if unsafe { ffi::PyModule_GetDef(module.as_ptr()) } != definition() {
        return Err(attached.raise_builtin(Builtin::Runtime, "sys.modules has something else as viewchan._viewchan"));
    }
    // SAFETY: the module is ours. Null if it has not been executed yet.
    let state = unsafe { state_of(module.as_ptr()).as_ref() }.map_or(ptr::null_mut(), |state| *state);
    // SAFETY: the module keeps its state, and the thread is attached.
    unsafe { enter(attached, state, work) }
}

unsafe extern "C" fn execute(module: *mut ffi::PyObject) -> c_int {
    // SAFETY: CPython executes the module, on a thread that is attached.
    let attached = unsafe { Attached::assume() };
    // SAFETY: as above.
    let module = unsafe { attached.borrowed(module) }.expect("a module is not null");
    set_up(module).map_or(-1, |()| 0)
}

fn set_up(module: Ref<'_>) -> Result<()> {
    // Refused first, if it is refused: from then on the interpreter's end is waited for.
    module.attached().import(c"atexit")?;
    let (home, is_new) = registry::enrol();
    let classes = Classes { send_end: None, receive_end: None, view: None, buffer: None };
    let state = Box::leak(Box::new(State { home, classes, errors: Errors::default(), is_watched: Cell::new(false) }));
    // SAFETY: the module is ours, and has room for the pointer. From here on it frees the state, also if this fails.
    unsafe { state_of(module.as_ptr()).write(state) }
    let attached = module.attached();
    publish(module, c"viewchan.__version__", attached.str(env!("CARGO_PKG_VERSION"))?.get())?;
    publish(module, c"viewchan._is_debug_build", attached.bool(cfg!(debug_assertions)).get())?;
    state.errors.create(attached, |name, class| publish(module, name, class))?;
    state.classes.send_end = class::<SendEndValue>(module)?;
    state.classes.receive_end = class::<ReceiveEndValue>(module)?;
    state.classes.view = class::<ViewValue>(module)?;
    state.classes.buffer = class::<BufferValue>(module)?;
    shareable::register(state.classes.send_end)?;
    shareable::register(state.classes.receive_end)?;
    if !is_new {
        return Ok(());
    }
    announce_end(module, &state.home).inspect_err(|_| registry::withdraw(&state.home))
}

fn class<T: Class>(module: Ref<'_>) -> Result<Kept> {
    let class = new_type::<T>(module)?;
    publish(module, T::NAME, class.get())?;
    Ok(NonNull::new(class.into_ptr()))
}

/// Adds something to the module under the last part of its name.
fn publish(module: Ref<'_>, name: &CStr, object: Ref<'_>) -> Result<()> {
    let name = &name.to_bytes_with_nul()[c"viewchan.".count_bytes()..];
    let name = CStr::from_bytes_with_nul(name).expect("it was one");
    // SAFETY: the references are good.
    done(unsafe { ffi::PyModule_AddObjectRef(module.as_ptr(), name.as_ptr(), object.as_ptr()) })
}

/// Sees to it that `ending` is told when the interpreter ends.
fn announce_end(module: Ref<'_>, home: &Python) -> Result<()> {
    let attached = module.attached();
    let arguments = attached.tuple([module.attribute(c"_end")?])?;
    attached.import(c"atexit")?.get().attribute(c"register")?.get().call(&arguments, None)?;
    if home.is_main() {
        let keywords = attached.dict()?;
        keywords.get().set_item(&attached.str("after_in_child")?, &module.attribute(c"_after_fork")?)?;
        let register = attached.import(c"os")?.get().attribute(c"register_at_fork")?;
        register.get().call(&attached.tuple([])?, Some(&keywords))?;
    }
    ending::announce(attached, home)
}

unsafe extern "C" fn traverse(module: *mut ffi::PyObject, visit: ffi::visitproc, argument: *mut c_void) -> c_int {
    // SAFETY: the module is ours. Null, if it has not been executed.
    let Some(state) = (unsafe { state_of(module).read().as_mut() }) else { return 0 };
    for kept in state.kept().filter_map(|kept| *kept) {
        // SAFETY: the garbage collector's function, for a reference of the module's.
        let result = unsafe { visit(kept.as_ptr(), argument) };
        if result != 0 {
            return result;
        }
    }
    0
}

unsafe extern "C" fn clear(module: *mut ffi::PyObject) -> c_int {
    // SAFETY: as above.
    if let Some(state) = unsafe { state_of(module).read().as_mut() } {
        for kept in state.kept().filter_map(Option::take) {
            // SAFETY: the reference was the state's.
            unsafe { ffi::Py_DecRef(kept.as_ptr()) }
        }
    }
    0
}

unsafe extern "C" fn free(module: *mut c_void) {
    let module = module.cast::<ffi::PyObject>();
    // SAFETY: CPython frees the module, on a thread that is attached.
    unsafe { clear(module) };
    // SAFETY: the module is ours.
    let state = unsafe { state_of(module).replace(ptr::null_mut()) };
    if !state.is_null() {
        // SAFETY: made in `set_up`, and freed here, once.
        drop(unsafe { Box::from_raw(state) });
    }
}
