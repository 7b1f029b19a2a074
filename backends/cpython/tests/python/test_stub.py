"""The stub that type checkers read, against what is there. (`python -m mypy.stubtest viewchan` sees more.)"""

import ast
import inspect
from pathlib import Path

import viewchan

STUB = ast.parse(Path(viewchan.__file__).with_name("__init__.pyi").read_text())
CLASSES = [node for node in STUB.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
FUNCTIONS = [node for node in STUB.body if isinstance(node, ast.FunctionDef)]
SLOTS = {"__init__", "__new__", "__iter__", "__next__", "__len__", "__buffer__", "__exit__"}
"""Of these CPython makes the signature, from the slot of the class, or they take whatever comes."""


def test_names():
    """Fails if the stub promises something that cannot be imported, or is silent about something public."""
    [exported] = [node.value for node in STUB.body if isinstance(node, ast.Assign)]
    exported = ast.literal_eval(exported)
    assert exported == viewchan.__all__
    assert {node.name for node in CLASSES + FUNCTIONS} == set(exported)
    assert viewchan.__version__.count(".") == 2


def test_signatures():
    """Fails if a function or method has other parameters, other defaults, or other ways to pass them."""
    for node in FUNCTIONS:
        check(node, getattr(viewchan, node.name))
    for node in CLASSES:
        owner = getattr(viewchan, node.name)
        for member in node.body:
            if isinstance(member, ast.FunctionDef) and not member.decorator_list and member.name not in SLOTS:
                check(member, getattr(owner, member.name))


def test_members():
    """Fails if a class has a public member that the stub lacks, or the other way round."""
    for node in CLASSES:
        members = [member for member in node.body if isinstance(member, ast.FunctionDef)]
        told = {member.name for member in members}
        told |= {member.target.id for member in node.body if isinstance(member, ast.AnnAssign)}
        public = {name for name in vars(getattr(viewchan, node.name)) if not name.startswith("_")}
        assert public == {name for name in told if not name.startswith("_")}, node.name


def check(node, function):
    """One function of the stub against the one that is there."""
    arguments = node.args
    keyword_only = [argument.arg for argument in arguments.kwonlyargs]
    names = [argument.arg for argument in arguments.posonlyargs + arguments.args] + keyword_only
    parameters = inspect.signature(function).parameters
    assert list(parameters) == names, (node.name, parameters)
    defaults = [ast.literal_eval(value) for value in arguments.defaults + arguments.kw_defaults]
    found = [each.default for each in parameters.values() if each.default is not inspect.Parameter.empty]
    assert found == defaults, (node.name, parameters)
    found = [each.name for each in parameters.values() if each.kind is inspect.Parameter.KEYWORD_ONLY]
    assert found == keyword_only, (node.name, parameters)
