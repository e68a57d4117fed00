# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Exceptions of a run. Their texts name the thing, the place and the remedy."""

import re

_PEER_LOST = 69


class RunError(RuntimeError):
    """The run ends. `status`: the exit status that the program runnel has for this (trainer/program/README.md)."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status

    def __reduce__(self):
        return from_status, (self.status, str(self))


class PeerLost(RunError):
    """A process of the job is gone, or late.

    `rank`: the trainer's; None where it was a generator, or where that is not known. `host`: its host's name.
    `phase`: what this process was doing: bootstrap, push or pull. Both None where they are not known.
    """

    def __init__(self, text):
        super().__init__(_PEER_LOST, text)
        trainer = re.match(r"trainer (\d+) ", text)
        self.rank = int(trainer[1]) if trainer else None
        self.host = _field("host", text)
        self.phase = _field("phase", text)


def _field(name, text):
    found = re.search(rf" {name}=(\S+)", text)
    return found[1] if found else None


def from_status(status, text):
    """The exception for an error of the extension."""
    return PeerLost(text) if status == _PEER_LOST else RunError(status, text)
