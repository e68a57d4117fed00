# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""A module whose optimizer's step is the generators': parameters are views of the exchange's memory."""

from dataclasses import asdict

import torch

from runnel.errors import RunError
from runnel.module_exchange import ModuleExchange, require_strided

_USAGE = 64


def shard(module, optimizer):
    """Gives `module` to the exchange: the module itself, and an optimizer for it.

    `optimizer`: of runnel.optim. From here on the module's parameters are memory of the exchange, which each
    `opt.step()` exchanges for the next version: only to be read. Load a state_dict before. Parameters and buffers begin
    with the values of trainer 0; buffers in float32 are averaged in each step.
    """
    return module, ShardedOptimizer(module, optimizer)


class ShardedOptimizer(torch.optim.Optimizer):
    """Hands gradients over and takes new parameters; what makes them of it is with the generators.

    To torch's learning-rate schedulers it is an optimizer of torch's, with one parameter group.
    """

    def __init__(self, module, description):
        exchange = _Sharded(module, description.settings())
        self._exchange = exchange  # first: add_param_group looks at it
        self._complete = False
        super().__init__([parameter for _, parameter in exchange.parameters], asdict(description))
        self._complete = True
        self._fixed = {key: value for key, value in asdict(description).items() if key != "lr"}

    def step(self, closure=None, *, loss=0.0, samples=0):
        """Hands over `.grad` of all parameters, and waits for the new ones. Without a `.grad`, zeros.

        The learning rate is that of `param_groups[0]["lr"]`, in all trainers the same. `loss` and `samples` are for the
        run's report. Returns what `closure` returns.
        """
        self._exchange.require_open()
        result = None
        if closure is not None:
            with torch.enable_grad():
                result = closure()
        self._require_fixed_settings()
        self._exchange.step(float(loss), samples, float(self.param_groups[0]["lr"]))
        return result

    def _require_fixed_settings(self):
        for key, value in self._fixed.items():
            if self.param_groups[0][key] != value:
                raise RunError(
                    _USAGE, f'param_groups[0]["{key}"] is changed; only "lr" may change, the rest is the generators\''
                )

    def add_param_group(self, param_group):
        if self._complete:
            raise RunError(_USAGE, "runnel.shard exchanges one group: all parameters that required a gradient")
        super().add_param_group(param_group)

    def state_dict(self):
        """Not offered: the optimizer's states are at the generators, which do not give them back yet."""
        raise NotImplementedError(
            "the optimizer's states are at the generators and cannot be saved yet; save the module's state_dict, and "
            'the learning rate of opt.param_groups[0]["lr"]'
        )

    def load_state_dict(self, state_dict):
        """Not offered, as `state_dict`."""
        raise NotImplementedError("the optimizer's states are at the generators and cannot be loaded yet")

    def paths(self):
        """A line for each generator: the path to it, the transports, and why."""
        return self._exchange.paths()


class _Sharded(ModuleExchange):
    def __init__(self, module, settings):
        super().__init__(module, "optimized", settings)
        self._versions = [0] * len(self.parameters)
        self._handles = [
            parameter.register_post_accumulate_grad_hook(lambda p, i=i: self._on_gradient(i, p))
            for i, (_, parameter) in enumerate(self.parameters)
        ]
        self._handles.append(module._register_load_state_dict_pre_hook(_refuse_to_load))
        self._bind()
        self.get_buffers()

    def step(self, loss, samples, lr):
        slot = self.slots[self.client.slot()]
        for (name, parameter), to, version in zip(self.parameters, slot, self._versions):
            if parameter._version != version:
                raise RunError(
                    _USAGE, f"{name} was written to; it is memory of all trainers: set values before runnel.shard"
                )
            if parameter.grad is None:
                to.zero_()
            elif parameter.grad.data_ptr() != to.data_ptr():  # the script has put another one there
                require_strided(name, parameter.grad)
                to.copy_(parameter.grad)
        self.put_buffers()
        self.client.push(loss=loss, samples=samples, lr=lr)
        self.client.pull()
        self._bind()
        self.get_buffers()

    def _on_gradient(self, i, parameter):
        """Copies a gradient into the slot while it is in the cache; further passes add to it there."""
        to = self.slots[self.client.slot()][i]
        if parameter.grad.data_ptr() == to.data_ptr():
            return
        require_strided(self.parameters[i][0], parameter.grad)
        to.copy_(parameter.grad)
        parameter.grad = to

    def _bind(self):
        values = self.values[self.client.buffer()]
        for i, ((_, parameter), value) in enumerate(zip(self.parameters, values)):
            parameter.data = value
            self._versions[i] = parameter._version

    def _leave(self):
        super()._leave()
        for handle in self._handles:
            handle.remove()
        for _, parameter in self.parameters:  # memory of its own
            parameter.data = parameter.data.clone()
            if parameter.grad is not None:
                parameter.grad = parameter.grad.clone()


def _refuse_to_load(*arguments):
    raise RunError(_USAGE, "load_state_dict after runnel.shard would write into memory of all trainers; load it before")
