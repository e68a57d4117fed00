# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""A module whose optimizer's step is the generators': parameters are views of the exchange's memory."""

from dataclasses import asdict

import torch

from runnel import optim, optimizer_state
from runnel.errors import RunError
from runnel.module_exchange import ModuleExchange, require_plain

_USAGE = 64


def shard(module, optimizer):
    """Gives `module` to the exchange: the module itself, and an optimizer for it.

    `optimizer`: of runnel.optim. From here on the module's parameters are memory of the exchange, which each
    `opt.step()` exchanges for the next version: only to be read, but for `module.load_state_dict`, which all trainers
    call. Parameters and buffers begin with the values of trainer 0; buffers in float32 are averaged in each step.
    """
    return module, ShardedOptimizer(module, optimizer)


class ShardedOptimizer(torch.optim.Optimizer):
    """Hands gradients over and takes the new parameters, which the generators compute.

    To torch's learning-rate schedulers, and in its dictionaries, it is torch's optimizer of the description's name over
    `module.parameters()`, with one parameter group.
    """

    def __init__(self, module, description):
        optim.require_description(description)
        exchange = _Sharded(module, description.settings())
        self._exchange = exchange  # first: add_param_group looks at it
        self._complete = False
        self._description = description
        defaults = {**optimizer_state.torch_defaults(description), **asdict(description)}
        super().__init__(list(module.parameters()), defaults)
        self._complete = True
        self._fixed = {key: value for key, value in defaults.items() if key != "lr"}

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
        if isinstance(loss, torch.Tensor):
            loss = loss.detach()  # torch warns of a number that leaves its graph
        self._exchange.step(float(loss), samples, float(self.param_groups[0]["lr"]))
        return result

    def _require_fixed_settings(self):
        for key, value in self._fixed.items():
            if self.param_groups[0].get(key) != value:
                raise RunError(
                    _USAGE,
                    f'param_groups[0]["{key}"] is changed; only "lr" may change, the rest is the generators\'. With '
                    "OneCycleLR or CyclicLR, pass cycle_momentum=False",
                )

    def add_param_group(self, param_group):
        if self._complete:
            raise RunError(_USAGE, "runnel.shard exchanges one group: all parameters that required a gradient")
        super().add_param_group(param_group)

    def __getstate__(self):
        raise TypeError("this optimizer is the job's and cannot be copied; copy or save opt.state_dict() instead")

    def state_dict(self):
        """The dictionary that torch's optimizer of this name would give, with copies of the states.

        Reads them from the generators, and no other trainer takes part: one may save while others go on.
        """
        self._exchange.require_open("save before runnel.close()")
        self.state.update(self._exchange.states())
        try:
            return super().state_dict()
        finally:
            self.state.clear()

    def load_state_dict(self, state_dict):
        """Takes a dictionary of `state_dict`, or of torch's optimizer of this name. All trainers call it, with the same
        dictionary.

        Its settings must be those of the description, but for the learning rate. Parameters without a state begin with
        zeros. Raises ValueError, and changes nothing, for a dictionary that does not fit.
        """
        self._exchange.require_open("load before runnel.close()")
        before = self.param_groups
        super().load_state_dict(optimizer_state.over_all_parameters(state_dict, before[0]["params"]))
        loaded = {parameter: self.state.get(parameter, {}) for _, parameter in self._exchange.parameters}
        self.state.clear()
        try:
            optimizer_state.require_settings(self.param_groups[0], self._fixed, self._description)
            names, parameters = self._exchange.client.states(), self._exchange.parameters
            steps = optimizer_state.steps_of(loaded, names, self._exchange.client.optimizer_steps())
            states = [optimizer_state.tensors_of(loaded, names, i, parameters) for i in range(len(names))]
        except BaseException:
            self.param_groups = before
            raise
        self.param_groups[0].update(self._fixed)
        self._exchange.load_states(states, steps)

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
        self._handles.append(module._register_load_state_dict_pre_hook(_Hook(self._before_load)))
        self._handles.append(module.register_load_state_dict_post_hook(_Hook(self._after_load)))
        self._bind()
        self.get_buffers()

    def step(self, loss, samples, lr):
        self.require_still_fixed()
        slot = self.slots[self.client.slot()]
        values = self.values[self.client.buffer()]
        for (name, parameter), to, value, version in zip(self.parameters, slot, values, self._versions):
            if parameter._version != version or parameter.data_ptr() != value.data_ptr():
                raise RunError(
                    _USAGE,
                    f"{name} was written to; it is memory of all trainers: set values before runnel.shard, or with "
                    "load_state_dict of the module that was given to it",
                )
            if parameter.grad is None:
                to.zero_()
            elif parameter.grad.data_ptr() != to.data_ptr():  # the script has put another one there
                require_plain(name, parameter.grad)
                to.copy_(parameter.grad)
        self.put_buffers()
        self.client.push(loss=loss, samples=samples, lr=lr)
        self.client.pull()
        self._bind()
        self.get_buffers()

    def states(self):
        """The optimizer's states of each parameter, as torch has them, in memory of their own."""
        names = self.client.states()
        states = {}
        for i, (_, parameter) in enumerate(self.parameters) if names else ():
            states[parameter] = optimizer_state.with_step(names, self.client.optimizer_steps())
            for number, name in enumerate(names):
                values = torch.empty_like(parameter, requires_grad=False)
                self.client.read_state(number, i, values)
                states[parameter][name] = values
        return states

    def load_states(self, states, steps):
        """Collective: replaces the generators' states by `states`, which have a tensor for each parameter."""
        self._take_gradients_out()
        for number, tensors in enumerate(states):
            self.client.load_state(number, tensors, steps)
        self.client.pull()
        self._bind()

    def _before_load(self, state_dict, prefix, local_metadata, *_):
        """Lets load_state_dict write to memory of this trainer's own."""
        if local_metadata.get("assign_to_params_buffers"):
            raise RunError(_USAGE, "load_state_dict(assign=True) would replace the exchange's memory; leave assign out")
        for _, parameter in self.parameters:
            parameter.data = parameter.data.clone()

    def _after_load(self, module, incompatible_keys):
        self._take_gradients_out()
        own = self.own_tensors()
        self.client.load_values(own)
        self.client.pull()
        self._bind()
        self.get_buffers()
        self.require_fixed_alike(own[-1])

    def _take_gradients_out(self):
        """Out of the slots, which are going to hold something else."""
        for _, parameter in self.parameters:
            if parameter.grad is not None:
                parameter.grad = parameter.grad.clone()

    def _on_gradient(self, i, parameter):
        """Copies a gradient into the slot while it is in the cache; further passes add to it there."""
        to = self.slots[self.client.slot()][i]
        if parameter.grad.data_ptr() == to.data_ptr():
            return
        require_plain(self.parameters[i][0], parameter.grad)
        to.copy_(parameter.grad)
        parameter.grad = to

    def _bind(self):
        values = self.values[self.client.buffer()]
        for i, ((_, parameter), value) in enumerate(zip(self.parameters, values)):
            parameter.data = value
            # As if written to: autograd then refuses a backward pass whose forward pass had other values.
            torch.autograd.graph.increment_version(parameter)
            self._versions[i] = parameter._version

    def _take_last_values(self):
        self._bind()
        self.get_buffers()

    def _leave(self):
        super()._leave()
        for handle in self._handles:
            handle.remove()
        self._take_gradients_out()
        for _, parameter in self.parameters:  # memory of its own
            parameter.data = parameter.data.clone()


class _Hook:
    """A hook of the module itself: its copies, by deepcopy or pickle, are ordinary modules."""

    def __init__(self, function):
        self._function = function

    def __call__(self, *arguments):
        self._function(*arguments)

    def __reduce__(self):
        return _idle_hook, ()


def _idle_hook():
    return _do_nothing


def _do_nothing(*arguments):
    pass
