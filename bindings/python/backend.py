"""The build backend: scikit-build-core, told which tag the wheel has.

The library is loaded by cffi in ABI mode, so that one wheel serves every Python 3. It needs the glibc of the machine that built it, or a
newer one: the tag says so. SKBUILD_WHEEL_TAGS, or the setting wheel.tags, says something else.
"""

import os
import platform

from scikit_build_core import build as _build
from scikit_build_core.build import *  # noqa: F401,F403 - the hooks that pip calls


def _tagged(settings):
    settings = dict(settings or {})
    name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    if name == "glibc" and "wheel.tags" not in settings and "SKBUILD_WHEEL_TAGS" not in os.environ:
        settings["wheel.tags"] = "py3-none-manylinux_%s_%s" % ("_".join(version.split(".")[:2]), platform.machine())
    return settings


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return _build.build_wheel(wheel_directory, _tagged(config_settings), metadata_directory)


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    return _build.prepare_metadata_for_build_wheel(metadata_directory, _tagged(config_settings))
