# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""What all exchanges have in common: how they begin and end."""

from runnel import job

# Of ClientTensor in runtime/client/client.h.
KINDS = {"optimized": 0, "averaged": 1, "synced": 2}


class Exchange:
    """This trainer's side of the job's exchange."""

    def __init__(self, tensors, start, settings):
        """`tensors`: name, shape and number of the kind of each; `start`: an array or tensor for each."""
        self._closed = False
        self._job = job.current()
        self._client = self._job.join(self, settings, tensors=tensors, start=start)

    def paths(self):
        """A line for each generator: the path to it, the transports, and why."""
        return self._client.paths()

    def close(self):
        """Waits until all trainers have closed, adding zeros to their steps, and leaves.

        Values stay readable: those that the last step of all trainers has made.
        """
        if self._closed:
            return
        try:
            self._client.close()
        except BaseException:
            self.fail()
            raise
        self._take_last_values()
        self._leave()

    def fail(self):
        """After an error of the script: the other trainers end with PeerLost. Never throws."""
        if not self._closed:
            self._client.fail()
            self._leave()

    def __getstate__(self):
        raise TypeError(
            "an exchange is the job's and cannot be copied; of a DistributedDataParallel, copy or save net.module, or "
            "net.state_dict()"
        )

    def _take_last_values(self):
        """What subclasses do with the values of the last step, which other trainers may have made after this one's."""

    def _leave(self):
        self._closed = True
        self._job.left(self)
