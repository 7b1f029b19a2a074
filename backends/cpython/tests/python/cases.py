"""What a test case says of itself, and how cases are found."""

import functools
import importlib
import os
import sys
from pathlib import Path

LIMIT_SECONDS = 60
"""How long a case may take, if it does not say otherwise. Nothing should come near it: it is for what hangs."""

STRATEGIES = ("view", "handover", "deferred", "proxy", "shared")

HERE = Path(__file__).parent


class Unavailable(Exception):
    """A twin cannot be tried on this Python."""


def limit(seconds):
    """The case may take so long."""

    def mark(case):
        case.limit_seconds = seconds
        return case

    return mark


def seconds_of_stress():
    """How long a case of stress goes on."""
    return float(os.environ.get("VIEWCHAN_SECONDS", "5"))


def unfit(condition, reason):
    """Where the condition holds, CPython itself cannot run the case. The harness prints the reason."""

    def mark(case):
        if condition:
            case.unfit_because = reason
        return case

    return mark


def needs(module):
    """The case needs a module that not every build of CPython comes with."""
    try:
        importlib.import_module(module)
    except ImportError:
        return unfit(True, f"this Python comes without {module}")
    return unfit(False, "")


def each_strategy(function):
    """A case for each strategy, whose name is the function's argument: FILE::CASE-STRATEGY."""
    function.variants = STRATEGIES
    return function


def twin(defect, limit_seconds=5):
    """The function does to CPython's own queues and channels what the case of the same name does to ours.

    It returns what it saw of the defect, or None. A twin that crashes, or takes longer than its limit, has shown it.
    """

    def mark(function):
        function.defect = defect
        function.limit_seconds = limit_seconds
        return unfit(sys.version_info < (3, 13), "CPython's channels are different ones before 3.13")(function)

    return mark


def listed(prefix):
    """Every case `PREFIX_...` of every file `PREFIX_*.py`, as pairs of FILE::CASE and function."""
    for path in sorted(HERE.glob(f"{prefix}_*.py")):
        module = importlib.import_module(path.stem)
        for name, function in vars(module).items():
            if name.startswith(f"{prefix}_") and callable(function):
                for variant in getattr(function, "variants", [None]):
                    yield f"{path.stem}::{name}" + (f"-{variant}" if variant else ""), function


def find(name, prefix):
    """The case that is called FILE::CASE, or FILE.py::CASE: the function, and what to call."""
    stem, _, case = name.partition("::")
    case, _, variant = case.partition("-")
    stem = stem.removesuffix(".py")
    if not stem.startswith(f"{prefix}_") or not case.startswith(f"{prefix}_"):
        sys.exit(f"{name}: expected {prefix}_FILE::{prefix}_CASE")
    function = getattr(importlib.import_module(stem), case)
    return function, functools.partial(function, *filter(None, [variant]))
