"""The library, by cffi in ABI mode, and what every call of it needs: options, errors, an end by Ctrl-C.

A long call runs in a thread of its own while the main thread waits, for only the main thread hears of Ctrl-C. The handler sets the
library's stop flag; the call ends at its next look at the flag, and then KeyboardInterrupt is raised. What the library calls back
runs in the thread that made the call. The interpreter's lock is free meanwhile: cffi lets go of it.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
from typing import Any, Callable

import numpy as np

from ._errors import Error, error_class
from ._interface import ffi

_here = os.path.dirname(os.path.abspath(__file__))


def _open() -> Any:
    own = os.path.join(_here, "libunroll.so.0")
    return ffi.dlopen(os.environ.get("UNROLL_LIBRARY") or (own if os.path.exists(own) else "libunroll.so.0"))


lib = _open()


def text(pointer: Any, length: int | None = None) -> str | None:
    """A text of the library; None for NULL."""
    if pointer == ffi.NULL:
        return None
    raw = ffi.string(pointer) if length is None else bytes(ffi.buffer(pointer, length))
    return raw.decode("utf-8", "replace")


def take_text(pointer: Any, length: int | None = None) -> str:
    """A text that the library handed out, which is freed."""
    try:
        return text(pointer, length) or ""
    finally:
        lib.unroll_free(pointer)


def made(kind: str) -> Any:
    """A struct of the library, as its _init leaves it."""
    out = ffi.new(kind + " *")
    getattr(lib, kind + "_init_sized")(out, ffi.sizeof(kind))
    return out


class _Block:
    """Memory of the library, which lives as long as `owner`."""

    def __init__(self, owner: Any, address: int, shape: tuple[int, ...], dtype: Any):
        self.owner = owner
        self.__array_interface__ = {"data": (address, True), "shape": shape, "typestr": np.dtype(dtype).str, "version": 3}


def view(owner: Any, pointer: Any, dtype: Any, *shape: int) -> np.ndarray | None:
    """The library's memory as an array that cannot be written; nothing is copied. None for NULL."""
    if pointer == ffi.NULL:
        return None
    if 0 in shape:
        return np.empty(shape, dtype)
    return np.asarray(_Block(owner, int(ffi.cast("uintptr_t", pointer)), shape, dtype))


def error_of(err: Any) -> Error:
    return error_class(int(err.code))(
        text(err.message) or "", file=text(err.file) or "", line=err.line, column=err.column, source=text(err.source) or "",
        status=int(err.code))


def call(function: Callable[..., int], *arguments: Any) -> None:
    """Calls a function whose last argument is an unroll_error; what fails is raised."""
    err = ffi.new("unroll_error *")
    status = function(*arguments, err)
    if status:
        err.code = status
        raise error_of(err)


class Call:
    """A call that may take long."""

    def __init__(self) -> None:
        self.stop = ffi.new("sig_atomic_t *")
        self.raised: BaseException | None = None
        self._asked: queue.SimpleQueue | None = None
        self._back = False
        self._interrupted = False

    def back(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """From a callback of the library: calls a Python function in the thread that made the call. None after an exception."""
        if self._asked is None:
            return self._try(function, arguments)
        answer: queue.SimpleQueue = queue.SimpleQueue()
        self._asked.put((function, arguments, answer))
        return answer.get()

    def _try(self, function: Callable[..., Any], arguments: tuple) -> Any:
        if self.raised is not None:
            return None
        try:
            self._back = True
            return function(*arguments)
        except BaseException as e:  # it goes on where the library has returned
            self.raised = e
            self.stop[0] = 1
            return None
        finally:
            self._back = False

    def run(self, function: Callable[..., int], *arguments: Any) -> None:
        """Calls the function, whose last argument is an unroll_error."""
        err = ffi.new("unroll_error *")
        if threading.current_thread() is threading.main_thread():
            status = self._run_aside(lambda: function(*arguments, err))
        else:
            status = function(*arguments, err)
        if self.raised is not None:
            raise self.raised
        if status:
            err.code = status
            raise error_of(err)

    def _run_aside(self, work: Callable[[], int]) -> int:
        self._asked = queue.SimpleQueue()
        before = signal.getsignal(signal.SIGINT)

        def interrupt(number: int, frame: Any) -> None:
            if self._back and callable(before):
                before(number, frame)  # in the caller's own function
            else:
                self._interrupted = True
                self.stop[0] = 1

        handled = callable(before)
        if handled:
            signal.signal(signal.SIGINT, interrupt)
        try:
            status = self._wait(work)
        finally:
            if handled:
                signal.signal(signal.SIGINT, before)
        if self._interrupted and self.raised is None:
            before(signal.SIGINT, None)  # type: ignore[operator, misc]
        return status

    def _wait(self, work: Callable[[], int]) -> int:
        asked = self._asked
        assert asked is not None

        def aside() -> None:
            try:
                asked.put((None, work(), None))
            except BaseException as e:
                self.raised = self.raised or e
                asked.put((None, 1, None))

        threading.Thread(target=aside, name="unroll", daemon=True).start()
        while True:
            function, arguments, answer = asked.get()
            if answer is None:
                return arguments
            answer.put(self._try(function, arguments))


# --- options ---

_REPEATED = {"data", "set", "init", "ramp", "class-weights", "column"}


def _word(value: Any) -> bytes:
    if isinstance(value, (bool, np.bool_)):
        return b"yes" if value else b"no"
    if isinstance(value, (float, np.floating)):
        return repr(float(value)).encode()
    if isinstance(value, os.PathLike):
        return os.fsencode(value)
    return str(value).encode()


def words(name: str, value: Any) -> list[bytes]:
    """The values that an option is set to, one after the other: a dict is NAME=VALUE each, a list has commas between."""
    if isinstance(value, dict):
        return [str(k).encode() + b"=" + _word(v) for k, v in value.items()]
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_word(v) for v in value] if name in _REPEATED else [b",".join(_word(v) for v in value)]
    return [_word(value)]


def options_of(command: str, given: dict[str, Any], stop: Any = None) -> Any:
    """unroll_options: names as on the command line, with _ for - and maybe a _ behind; None is not given."""
    o = lib.unroll_options_new(command.encode())
    if o == ffi.NULL:
        raise MemoryError
    o = ffi.gc(o, lib.unroll_options_free)
    for key, value in given.items():
        name = key.rstrip("_").replace("_", "-")
        if value is None:
            continue
        for word in words(name, value):
            call(lib.unroll_options_set, o, name.encode(), word)
    if stop is not None:
        lib.unroll_options_set_stop(o, stop)
    return o
