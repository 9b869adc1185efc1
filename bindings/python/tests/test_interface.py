"""The package: the library inside, typed, and every function of the header known to it."""

import os
import re

import pytest

import unroll
from unroll._interface import ffi
from unroll._library import lib


def test_what_the_package_has():
    folder = os.path.dirname(unroll.__file__)
    assert os.path.exists(os.path.join(folder, "py.typed"))
    if not os.environ.get("UNROLL_LIBRARY"):
        assert os.path.exists(os.path.join(folder, "libunroll.so.0"))


def test_every_function_of_the_header():
    header = os.path.join(os.path.dirname(__file__), "..", "..", "..", "include", "unroll.h")
    if not os.path.exists(header):
        pytest.skip("no header here")
    with open(header, encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    names = re.findall(r"UNROLL_API[^;(]*?(unroll_\w+)\(", text)
    assert len(names) > 80
    for name in names:
        assert getattr(lib, name) != ffi.NULL, name


def test_everything_public_says_what_it_is():
    for name in unroll.__all__:
        assert isinstance(getattr(unroll, name), str) or getattr(unroll, name).__doc__, name
