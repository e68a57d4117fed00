# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""An exchange of float32 tensors as NumPy arrays."""

from operator import index

import numpy

from runnel import optim
from runnel.exchange import KINDS, Exchange


class Client(Exchange):
    """A trainer's side of the exchange. A step is: compute from `value(i)` into `gradient(i)`, then `push`, `pull`.

    The arrays are the exchange's memory itself, two for each tensor that alternate from step to step: ask anew in each
    step. All trainers make the same step at the same time; one that has closed adds zeros, so numbers of steps may
    differ. After an error of the run, steps and `close` raise again. Thread: the one that made it.
    """

    def __init__(self, tensors, start, *, optimizer=None):
        """Meets the job's other trainers.

        `tensors`: name and shape of each, and as a third its kind, `"optimized"` unless given: gradients of a
        parameter, with which the optimizer makes its step; the new parameter is the value. `"averaged"`: gradients,
        whose mean is the value. `"synced"`: values such as running statistics, whose mean is the value. Optimized ones
        come first; the same in all trainers. `start`: an array for each tensor, its first value; those of trainer 0
        count. `optimizer`: of runnel.optim; needed where a tensor is optimized.
        """
        described = [_described(*tensor) for tensor in tensors]
        arrays = [numpy.asarray(array, dtype=numpy.float32, order="C") for array in start]
        if len(arrays) != len(described):
            raise ValueError(f"start has {len(arrays)} arrays for {len(described)} tensors")
        for (name, shape, _), array in zip(described, arrays):
            if array.shape != tuple(shape):
                raise ValueError(f"{name}: start has the shape {array.shape}, the tensor {tuple(shape)}")
        self._optimizes = any(kind == KINDS["optimized"] for _, _, kind in described)
        if self._optimizes and optimizer is None:
            raise ValueError(f"{described[0][0]} is optimized: name an optimizer, such as runnel.optim.SGD(lr=0.1)")
        if optimizer is not None:
            optim.require_description(optimizer)
        self._names = [name for name, _, _ in described]
        self._ready = set()
        self._lr = 0.0 if optimizer is None else optimizer.lr
        super().__init__(described, arrays, [] if optimizer is None else optimizer.settings())
        count = range(len(described))
        self._gradients = [[self._client.gradient(slot, i) for i in count] for slot in (0, 1)]
        self._values = [[self._client.value(buffer, i) for i in count] for buffer in (0, 1)]

    @property
    def rank(self):
        """Index of this trainer."""
        return self._client.index()

    @property
    def world_size(self):
        """How many trainers there are."""
        return self._client.count()

    @property
    def steps(self):
        """How many steps this trainer has handed over."""
        return self._client.steps()

    def value(self, tensor):
        """The value of tensor number `tensor` that the last step has made, after `pull`; only to be read."""
        return self._values[self._client.buffer()][tensor]

    def gradient(self, tensor):
        """Where this step's gradient, or synced value, is to be written. It holds what it had two steps ago."""
        return self._gradients[self._client.slot()][tensor]

    def gradient_ready(self, tensor):
        """`gradient(tensor)` is complete: it may go to the generators while others are computed.

        Only where no tensor is optimized, as the learning rate comes with `push`; at most once a tensor and step.
        """
        if self._optimizes:
            raise ValueError("gradient_ready is for exchanges without optimized tensors; push hands over all of them")
        tensor = range(len(self._names))[tensor]
        if tensor in self._ready:  # another one of its bucket would go before it is complete
            raise ValueError(f"{self._names[tensor]}: gradient_ready is called a second time in one step")
        self._client.gradient_ready(tensor)
        self._ready.add(tensor)

    def push(self, loss=0.0, samples=0, lr=None):
        """Hands over all gradients; the next step begins.

        `loss` and `samples` are for the run's report. `lr`: the learning rate of the step, in all trainers the same;
        None: the optimizer's.
        """
        self._ready.clear()
        self._client.push(loss=loss, samples=samples, lr=self._lr if lr is None else lr)

    def pull(self):
        """Waits until the values that the last step has made are there."""
        self._client.pull()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.close()
        else:
            self.fail()


def _described(name, shape, kind="optimized"):
    if kind not in KINDS:
        raise ValueError(f"{name}: kind {kind!r} is not one of {', '.join(KINDS)}")
    return name, [index(size) for size in shape], KINDS[kind]
