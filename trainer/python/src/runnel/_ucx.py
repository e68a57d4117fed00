# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""The one UCX of the process: its settings, and which file it comes from."""

import ctypes
import os
import re

_OLDEST = (1, 19)
# UCX reads these when its library is loaded, before any call of ours; why: transport/context.cc.
_SETTINGS = {"UCX_MEM_EVENTS": "n", "UCX_HANDLE_ERRORS": "none"}


def prepare():
    """Before the extension, and with it UCX, is loaded. A UCX that is there already is the one it will use."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    for file in _loaded():
        version = _version(file)
        if version is not None and version < _OLDEST:
            raise ImportError(
                f"UCX {'.'.join(map(str, version))} is loaded already, from {file}; Runnel needs 1.19 or later. "
                "Import runnel before what brings that UCX (an MPI, say), or let LD_LIBRARY_PATH lead to a newer one"
            )


def require_one():
    """After the extension is loaded: two UCX in one process would share files and signal handlers."""
    files = _loaded()
    if len(files) > 1:
        raise ImportError(
            f"there are two UCX in this process: {' and '.join(sorted(files))}. Remove the package that brings the "
            "second one, or let it use the first"
        )


def _loaded():
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        found = re.findall(r"(/\S*/libucp[^/\s]*\.so[^/\s]*)$", maps.read(), re.MULTILINE)
    return set(found)


def _version(file):
    try:
        get_version = ctypes.CDLL(file).ucp_get_version
    except (OSError, AttributeError):
        return None
    parts = [ctypes.c_uint() for _ in range(3)]
    get_version(*map(ctypes.byref, parts))
    return tuple(part.value for part in parts)
