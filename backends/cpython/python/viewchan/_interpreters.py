"""Making interpreters, in every version of Python that has them."""

import sys


def create_interpreter():
    """A new interpreter with its own GIL: `concurrent.interpreters.create()`, or its like before 3.14."""
    if sys.version_info >= (3, 14):
        from concurrent import interpreters

        return interpreters.create()
    return _Interpreter()


if sys.version_info < (3, 14):
    if sys.version_info >= (3, 13):
        import _interpreters as _low

        def _create():
            return _low.create("isolated")

        def _exec(id, code):
            error = _low.exec(id, code)
            if error is not None:
                raise RuntimeError(f"{error.formatted}\n{getattr(error, 'errdisplay', '')}")

        def _set_main(id, namespace):
            _low.set___main___attrs(id, namespace)

    else:
        import _xxsubinterpreters as _low

        def _create():
            # An object: with the last one of an id the interpreter is gone.
            return _low.create(isolated=True)

        def _exec(id, code):
            _low.run_string(id, code)

        def _set_main(id, namespace):
            _low.run_string(id, "", namespace)

    class _Interpreter:
        """As much of `concurrent.interpreters.Interpreter` as the versions before it can have."""

        def __init__(self):
            self.id = _create()

        def __repr__(self):
            return f"Interpreter({self.id})"

        def exec(self, code, /):
            """Run source text in `__main__`. RuntimeError, with the traceback, if it fails."""
            _exec(self.id, code)

        def prepare_main(self, ns=None, /, **kwargs):
            """Bind names in `__main__`."""
            _set_main(self.id, {**(ns or {}), **kwargs})

        def close(self):
            """End the interpreter. Closing twice is fine."""
            id, self.id = self.id, None
            if id is not None:
                _low.destroy(id)


def exec_in(id, code):
    """Run source text in the `__main__` of an interpreter."""
    if sys.version_info >= (3, 14):
        import _interpreters

        error = _interpreters.exec(id, code)
        if error is not None:
            raise RuntimeError(error.errdisplay)
    else:
        _exec(id, code)
