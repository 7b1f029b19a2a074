"""What a test case says of itself, and how cases are found."""

import importlib
import os
import sys
from pathlib import Path

LIMIT_SECONDS = 60
"""How long a case may take, if it does not say otherwise. Nothing should come near it: it is for what hangs."""

HERE = Path(__file__).parent

HANGS = "hangs"
CRASHES = "crashes"


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


def twin(defect, shows=None):
    """The function does to CPython's own queues and channels what the case of the same name does to ours.

    It returns what it saw of the defect, or None. `shows` says that the defect may also hang or crash the process.
    """

    def mark(function):
        function.defect = defect
        function.shows = shows
        function.limit_seconds = getattr(function, "limit_seconds", 10)
        return function

    return mark


def listed(prefix):
    """Every function `PREFIX_...` of every file `PREFIX_*.py`, as pairs of FILE::CASE and function."""
    for path in sorted(HERE.glob(f"{prefix}_*.py")):
        module = importlib.import_module(path.stem)
        for name, value in vars(module).items():
            if name.startswith(f"{prefix}_") and callable(value):
                yield f"{path.stem}::{name}", value


def find(name, prefix):
    """The function that is called FILE::CASE."""
    stem, _, case = name.partition("::")
    stem = stem.removesuffix(".py")
    if not stem.startswith(f"{prefix}_") or not case.startswith(f"{prefix}_"):
        sys.exit(f"{name}: expected {prefix}_FILE::{prefix}_CASE")
    return getattr(importlib.import_module(stem), case)
