"""What the READMEs tell people to run, the examples and the bench: all of it runs, and prints what is said there."""

import contextlib
import io
import os
import re
import subprocess
import sys

import cases
from cases import limit, needs

laid_out = cases.HERE / "documents"  # By the harness; otherwise this is a clone.
ROOT = laid_out if laid_out.exists() else cases.HERE.parents[3]
BACKEND = ROOT / "backends/cpython"
READMES = {"top": ROOT / "README.md", "package": BACKEND / "README.md"}
SECONDS = 300
BLOCK = re.compile(r"^```python\n(.*?)^```$(?:\n+```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)


def blocks(uses_numpy):
    """Each block of Python in the READMEs, by README and number: its source and, if it is said, what it prints."""
    found = {}
    for title, path in READMES.items():
        for number, match in enumerate(BLOCK.finditer(path.read_text()), 1):
            if ("numpy" in match[1]) == uses_numpy:
                found[f"{title}:{number}"] = match.groups()
    assert found, "the READMEs have no such block"
    return found


def run_block(source, expected):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, "<README>", "exec"), {"__name__": "__main__"})
    assert expected is None or printed.getvalue() == expected, printed.getvalue()


def test_block(name):
    """Fails if a block of a README does not run, or prints something else than what stands below it."""
    run_block(*blocks(uses_numpy=False)[name])


@needs("numpy")
def test_numpy_block(name):
    """The same for blocks with NumPy."""
    run_block(*blocks(uses_numpy=True)[name])


test_block.variants = list(blocks(uses_numpy=False))
test_numpy_block.variants = list(blocks(uses_numpy=True))


def said_by(script, *arguments):
    """What a script prints, in a process of its own."""
    command = [sys.executable, BACKEND / script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_quickstart_is_the_example():
    """Fails if the quickstart of a README is not the one that is there to be run."""
    source = (BACKEND / "examples/quickstart.py").read_text()
    for title, path in READMES.items():
        [expected] = [match[2] for match in BLOCK.finditer(path.read_text()) if match[1] == source]
        assert said_by("examples/quickstart.py") == expected, title


@needs("numpy")
@limit(SECONDS)
def test_numpy_example():
    """Fails if the sums are wrong, or if what comes back is a copy."""
    said = said_by("examples/numpy_sum.py", "--mib", "8", "--rounds", "1")
    assert "1,048,576 numbers" in said and "4 processes" in said


@limit(SECONDS)
def test_bench():
    """Fails if the comparison does not run. Its figures depend on the machine, and are judged by nobody here."""
    said = said_by("benches/compare.py", "--quick", "--sizes", "64", "--json", os.devnull)
    assert "deferred" in said and "x1.00" in said
