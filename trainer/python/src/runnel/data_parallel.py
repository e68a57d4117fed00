# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""A module whose gradients are averaged over all trainers while backward goes on."""

import contextlib

import torch

from runnel.module_exchange import ModuleExchange, require_plain


class DistributedDataParallel(torch.nn.Module):
    """Wraps `module` as torch's class of this name does: after backward, each `.grad` is the mean over the trainers.

    Parameters and buffers begin with the values of trainer 0. The optimizer stays the script's. Buffers in float32 are
    averaged after each step. A parameter that a pass has not used adds zeros. A trainer that has ended adds zeros, too,
    so numbers of steps may differ.
    """

    def __init__(
        self,
        module,
        device_ids=None,
        output_device=None,
        *,
        broadcast_buffers=True,
        find_unused_parameters=True,
        bucket_cap_mb=None,
        gradient_as_bucket_view=False,
        static_graph=False,
    ):
        """`broadcast_buffers=False`: buffers are each trainer's own.

        The last four are torch's hints to its implementation and change nothing here: unused parameters are always
        found, and the size of a bucket is the setting transport.bucket_bytes. Devices must be None: the CPU.
        """
        super().__init__()
        if device_ids or output_device is not None:
            raise ValueError("device_ids and output_device are for GPUs; the Python package computes on the CPU only")
        self.module = module
        self.require_backward_grad_sync = True
        self._syncs = True
        self._in_backward = False
        self._exchange = ModuleExchange(module, "averaged", [], sync_buffers=broadcast_buffers)
        self._ready = [False] * len(self._exchange.parameters)
        self._take_start()
        self._hooks = [
            parameter.register_post_accumulate_grad_hook(lambda p, i=i: self._on_gradient(i, p))
            for i, (_, parameter) in enumerate(self._exchange.parameters)
        ]

    def _take_start(self):
        values = self._exchange.values[self._exchange.client.buffer()]
        with torch.no_grad():
            for (_, parameter), value in zip(self._exchange.parameters, values):
                parameter.copy_(value)
        self._exchange.get_buffers()

    def forward(self, *inputs, **keywords):
        if not torch.is_grad_enabled():
            return self.module(*inputs, **keywords)
        self._exchange.require_open()
        self._syncs = self.require_backward_grad_sync
        return self.module(*inputs, **keywords)

    @contextlib.contextmanager
    def no_sync(self):
        """Passes whose forward is inside only add to `.grad`; the next one outside averages what has come together."""
        before = self.require_backward_grad_sync
        self.require_backward_grad_sync = False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    def paths(self):
        """A line for each generator: the path to it, the transports, and why."""
        return self._exchange.paths()

    def _on_gradient(self, i, parameter):
        if not self._syncs:
            return
        self._exchange.require_open()
        name = self._exchange.parameters[i][0]
        if self._ready[i]:
            raise RuntimeError(
                f"{name} got a second gradient before the backward pass has ended. With checkpoint(…, "
                "use_reentrant=True), pass use_reentrant=False. After a backward pass that has raised, the run cannot "
                "go on: the generators have a part of its gradients"
            )
        require_plain(name, parameter.grad)
        if not self._in_backward:
            self._in_backward = True
            # Runs when this backward pass ends, inside of loss.backward().
            torch.autograd.Variable._execution_engine.queue_callback(self._end_backward)
        self._exchange.slots[self._exchange.client.slot()][i].copy_(parameter.grad)
        self._ready[i] = True
        self._exchange.client.gradient_ready(i)

    def _end_backward(self):
        exchange, client = self._exchange, self._exchange.client
        exchange.require_still_fixed()
        slot = exchange.slots[client.slot()]
        for i, (ready, (_, parameter)) in enumerate(zip(self._ready, exchange.parameters)):
            if not ready and parameter.grad is None:
                slot[i].zero_()
            elif not ready:  # from passes in no_sync
                slot[i].copy_(parameter.grad)
        exchange.put_buffers()
        client.push(loss=0.0, samples=0, lr=0.0)
        client.pull()
        self._take_means(exchange.values[client.buffer()])
        exchange.get_buffers()
        self._ready = [False] * len(self._ready)
        self._in_backward = False

    def _take_means(self, values):
        for (_, parameter), value in zip(self._exchange.parameters, values):
            if parameter.grad is not None:
                parameter.grad.copy_(value)
            elif value.any():  # used by another trainer only; one that nobody used stays without a gradient
                parameter.grad = value.clone()
