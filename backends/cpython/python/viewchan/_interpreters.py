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

        def _ids():
            return [id for id, _whence in _low.list_all()]

    else:
        import _xxsubinterpreters as _low

        def _create():
            # An object: with the last one of an id the interpreter is gone.
            return _low.create(isolated=True)

        def _exec(id, code):
            _low.run_string(id, code)

        def _set_main(id, namespace):
            _low.run_string(id, "", namespace)

        def _ids():
            return _low.list_all()

    class _Interpreter:
        """As much of `concurrent.interpreters.Interpreter` as the versions before it can have."""

        def __init__(self):
            self.id = _create()
            self._is_closed = False
            if sys.version_info < (3, 13):
                _open.add(self)

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
            if not self._is_closed:
                _low.destroy(self.id)
                self._is_closed = True

        if sys.version_info < (3, 13):

            def __del__(self):
                self.close()

    if sys.version_info < (3, 13):
        # CPython 3.12 ends an interpreter whose id is forgotten, but with the first thread state that it finds, which may
        # be somebody else's; and it aborts if one is left when the process exits. So nothing of that is left to it.
        import atexit
        import weakref

        _open = weakref.WeakSet()

        @atexit.register
        def _close_all():
            for interpreter in list(_open):
                try:
                    interpreter.close()
                except RuntimeError:  # A daemon thread runs in it.
                    pass


def exec_in(id, code):
    """Run source text in the `__main__` of an interpreter. ValueError if there is none of that id."""
    if sys.version_info >= (3, 14):
        from concurrent import interpreters

        try:
            interpreter = next(each for each in interpreters.list_all() if each.id == id)
        except StopIteration:
            raise ValueError(f"there is no interpreter {id}") from None
        interpreter.exec(code)
    else:
        if id not in map(int, _ids()):
            raise ValueError(f"there is no interpreter {id}")
        _exec(id, code)
