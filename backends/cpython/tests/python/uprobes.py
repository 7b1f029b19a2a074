"""CPython's own account of who takes whose GIL: probes on its functions take_gil and drop_gil, by Linux's uprobes.

They need root, the kernel's tracefs, and a libpython with a symbol table. `why_not` says what is missing.
"""

import ctypes
import os
import re
import subprocess
from contextlib import contextmanager
from pathlib import Path

TRACEFS = Path("/sys/kernel/tracing")
GROUP = f"viewchan{os.getpid()}"
INTERPRETER_OFFSET = 16
"""Where a PyThreadState of CPython 3.13 has its interpreter: behind two pointers to its neighbours."""


def library():
    """The file that has CPython's functions, and where in it they are."""
    maps = Path("/proc/self/maps").read_text()
    for file in dict.fromkeys(re.findall(r"r-xp .* (/\S*python\S*)$", maps, re.MULTILINE)):
        places = functions(file)
        if len(places) == 2:
            return file, places
    return None


def functions(file):
    """Where in a file take_gil and drop_gil are."""
    try:
        symbols = subprocess.run(["nm", file], capture_output=True, text=True).stdout
        segments = subprocess.run(["readelf", "-lW", file], capture_output=True, text=True).stdout
    except FileNotFoundError:
        return {}
    loads = [[int(field, 16) for field in line.split()[1:5]] for line in segments.splitlines() if " LOAD " in line]
    found = {}
    for address, name in re.findall(r"^([0-9a-f]+) t (take_gil|drop_gil)$", symbols, re.MULTILINE):
        address = int(address, 16)
        for offset, start, _physical, size in loads:
            if start <= address < start + size:
                found[name] = address - start + offset
    return found


def why_not():
    """Why the probes cannot be set here, or nothing."""
    if not os.access(TRACEFS / "uprobe_events", os.W_OK):
        return "the kernel's uprobes cannot be used here (no root, or no tracefs)"
    if library() is None:
        return "this CPython has no symbols take_gil and drop_gil"
    return ""


def write(name, text):
    descriptor = os.open(TRACEFS / name, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


@contextmanager
def probes():
    """Events of this process, in order, as a list that is complete after `with`: (thread, function, interpreter)."""
    file, places = library()
    # take_gil(tstate) and drop_gil(interp, tstate, final_release), by the calling convention of x86-64.
    write("uprobe_events", f"p:{GROUP}/take {file}:{places['take_gil']:#x} interp=+{INTERPRETER_OFFSET}(%di):x64\n")
    write("uprobe_events", f"p:{GROUP}/drop {file}:{places['drop_gil']:#x} interp=%di:x64\n")
    events = []
    instance = TRACEFS / "instances" / GROUP
    instance.mkdir()
    try:
        (instance / "buffer_size_kb").write_text("16384")
        # Only threads of this process, and those that they start: others may run the same library at the same time.
        (instance / "options/event-fork").write_text("1")
        (instance / "set_event_pid").write_text(" ".join(os.listdir("/proc/self/task")))
        (instance / f"events/{GROUP}/enable").write_text("1")
        yield events
        (instance / f"events/{GROUP}/enable").write_text("0")
        text = (instance / "trace").read_text()
        lost = re.search(r"entries-in-buffer/entries-written: (\d+)/(\d+)", text)
        assert lost[1] == lost[2], f"{lost[2]} events, of which {lost[1]} are kept"
        ours = {int(thread) for thread in os.listdir("/proc/self/task")}
        pattern = r"-(\d+) +\[.*?: (take|drop): .*interp=(0x[0-9a-f]+)"
        for thread, function, interp in re.findall(pattern, text):
            events.append((int(thread), function, int(interp, 16)))
        assert any(thread in ours for thread, _, _ in events), text[:2000]
    finally:
        (instance / f"events/{GROUP}/enable").write_text("0")
        instance.rmdir()
        write("uprobe_events", f"-:{GROUP}/take\n")
        write("uprobe_events", f"-:{GROUP}/drop\n")


def interpreter_address():
    """The address of the present interpreter's state, as the events have it."""
    get = ctypes.pythonapi.PyInterpreterState_Get
    get.restype = ctypes.c_void_p
    return get()
