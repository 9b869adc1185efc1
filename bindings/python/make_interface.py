"""make_interface.py UNROLL.H OUT.py - what cffi has to know of the library, made from its header."""

import re
import sys

import cffi


def declarations(header):
    """The declarations of unroll.h, without comments, preprocessor and attributes."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    text = re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.S)
    text = re.sub(r"^#.*?(?<!\\)$", "", text, flags=re.M)
    text = re.sub(r"\bUNROLL_API\b", "", text)
    return "typedef int sig_atomic_t;\n" + text


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        text = declarations(f.read())
    maker = cffi.FFI()
    maker.cdef(text)
    maker.set_source("unroll._interface", None)
    maker.emit_python_code(sys.argv[2])


if __name__ == "__main__":
    main()
