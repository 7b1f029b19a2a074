"""Runs one test case in this process, or lists them. The Rust harness calls it, and so can a person.

run.py --list               a line a case: FILE::CASE, limit in seconds, why this Python is unfit; tabs between
run.py FILE::CASE           exit status 0: passed
run.py --stock              what CPython's own channels do instead: every twin, as a table
run.py --stock --list       a line a twin, as above
run.py --stock FILE::CASE   exit status 0: the defect shows, 3: it does not, 4: it cannot be tried here
"""

import faulthandler
import os
import resource
import signal
import subprocess
import sys

import cases

SHOWS, SHOWS_NOT, UNAVAILABLE = 0, 3, 4
VERDICTS = {SHOWS: "reproduced", SHOWS_NOT: "not reproduced", UNAVAILABLE: "not tried"}
MARK = "\x02"  # Precedes what a twin says in its own process, where CPython may print as well.


def main(arguments):
    if not __debug__:
        sys.exit("run.py: the cases are assertions, and -O leaves them out")
    share_modules(arguments)
    faulthandler.enable()  # The harness sends SIGABRT to what hangs, and learns where.
    match arguments:
        case ["--list"]:
            print_list("test")
        case ["--stock", "--list"]:
            print_list("stock")
        case ["--stock"]:
            print_table()
        case ["--stock", name]:
            status, evidence = try_twin(name)
            print(f"{VERDICTS[status]}: {evidence}")
            sys.exit(status)
        case ["--twin", name]:
            be_twin(name)
        case [name] if not name.startswith("-"):
            cases.find(name, "test")[1]()
        case _:
            sys.exit(__doc__)


def share_modules(arguments):
    """Other interpreters find modules by PYTHONPATH only. If the folder of the cases is not in it, starts again."""
    folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if str(cases.HERE) not in folders:
        os.environ["PYTHONPATH"] = os.pathsep.join([str(cases.HERE), *filter(None, folders)])
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def print_list(prefix):
    for name, function in cases.listed(prefix):
        seconds = getattr(function, "limit_seconds", cases.LIMIT_SECONDS)
        if prefix == "stock":
            seconds += cases.LIMIT_SECONDS  # What counts is the limit of the twin's own process.
        print(name, seconds, getattr(function, "unfit_because", ""), sep="\t")


def print_table():
    """One line a twin."""
    print(f"CPython {sys.version.split()[0]}")
    for name, function in cases.listed("stock"):
        if reason := getattr(function, "unfit_because", None):
            print(f"{function.defect:4} {VERDICTS[UNAVAILABLE]:15} {reason}")
            continue
        status, evidence = try_twin(name)
        print(f"{function.defect:4} {VERDICTS[status]:15} {evidence}", flush=True)


def try_twin(name):
    """Runs a twin in a process of its own, which may hang or crash; exit status and evidence."""
    function, _ = cases.find(name, "stock")
    command = [sys.executable, __file__, "--twin", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            said, complaint = process.communicate(timeout=function.limit_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return SHOWS, f"hung, and was killed after {function.limit_seconds} s"
    if process.returncode < 0:
        return SHOWS, f"crashed: {signal.Signals(-process.returncode).name}"
    _, mark, evidence = said.partition(MARK)
    if process.returncode in VERDICTS and mark:
        return process.returncode, evidence.strip()
    sys.exit(f"{name} ended with {process.returncode}\n{said}{complaint}")


def be_twin(name):
    """Exits as the twin ends, normally: the end of the process may be where the defect shows."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        evidence = cases.find(name, "stock")[1]()
        status = SHOWS if evidence else SHOWS_NOT
    except cases.Unavailable as error:
        status, evidence = UNAVAILABLE, error
    print(f"{MARK}{evidence or 'as it should be'}", flush=True)
    sys.exit(status)


if __name__ == "__main__":
    main(sys.argv[1:])
