# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""The dictionaries of torch's optimizers: what they must have so that the generators can go on with them."""

from dataclasses import fields

import torch

# How torch's loops are made, not what they compute.
_HINTS = {"foreach", "fused", "capturable", "differentiable"}


def torch_defaults(description):
    """The settings of a parameter group of torch's optimizer that `description` (of runnel.optim) names."""
    arguments = {field.name: getattr(description, field.name) for field in fields(description)}
    del arguments["clip_norm"]  # is none of torch's
    optimizer = getattr(torch.optim, type(description).__name__)
    return dict(optimizer([torch.zeros(1)], **arguments).defaults)


def with_step(names, steps):
    """The beginning of a parameter's state; SGD's has no step."""
    return {} if names == ["momentum_buffer"] else {"step": torch.tensor(float(steps))}


def over_all_parameters(state_dict, parameters):
    """`state_dict` over all `parameters`, also where it is of an optimizer over those that require a gradient."""
    groups = state_dict["param_groups"]
    if len(groups) != 1:
        raise ValueError(f"the dictionary has {len(groups)} parameter groups, runnel.shard has one")
    saved = groups[0]["params"]
    if len(saved) == len(parameters):
        return state_dict
    trained = [i for i, parameter in enumerate(parameters) if parameter.requires_grad]
    if len(saved) != len(trained):
        raise ValueError(
            f"the dictionary is of {len(saved)} parameters, the module has {len(parameters)}, of which {len(trained)} "
            "require a gradient"
        )
    index = dict(zip(saved, trained))
    return {
        **state_dict,
        "state": {index[key]: state for key, state in state_dict["state"].items() if key in index},
        "param_groups": [{**groups[0], "params": list(range(len(parameters)))}],
    }


def require_settings(group, fixed, description):
    """Raises ValueError unless the group of a dictionary has the settings `fixed`, those of the generators."""
    name = type(description).__name__
    for field in fields(description):
        if field.name not in group and field.name != "clip_norm":
            raise ValueError(f'the dictionary is not of {name}: its parameter group has no "{field.name}"')
    for key, value in fixed.items():
        found = group.get(key, value)
        if key not in _HINTS and (tuple(found) if isinstance(found, list) else found) != value:
            raise ValueError(
                f'the dictionary has "{key}" {found}, the generators {value}; only "lr" may differ: give {name} the '
                "same settings"
            )


def steps_of(states, names, otherwise):
    """How many steps the optimizer has made; `otherwise` where it does not count them."""
    if "step" not in with_step(names, 0):
        return otherwise
    if any(state and "step" not in state for state in states.values()):
        raise ValueError('the dictionary has a state without a "step"; is it of another optimizer?')
    steps = {float(state["step"]) for state in states.values() if state}
    if len(steps) > 1:
        raise ValueError(
            f"the dictionary has parameters after {' and '.join(f'{one:g}' for one in sorted(steps))} steps; the "
            "generators count those of all parameters together"
        )
    (step,) = steps or {0.0}
    if not (step >= 0 and step.is_integer() and step < 2**53):
        raise ValueError(f"the dictionary is of step {step:g}, which is no number of steps")
    return int(step)


def tensors_of(states, names, number, parameters):
    """State `names[number]` of each of `parameters`, zeros where one has no state at all."""
    return [_tensor_of(states.get(parameter, {}), names, number, name, parameter) for name, parameter in parameters]


def _tensor_of(state, names, number, parameter_name, parameter):
    key = names[number]
    if all(state.get(name) is None for name in names):
        return torch.zeros_like(parameter, requires_grad=False)
    if state.get(key) is None:
        raise ValueError(f'{parameter_name} has no "{key}" in the dictionary; is it of another optimizer?')
    if state[key].shape != parameter.shape:
        raise ValueError(
            f'{parameter_name}: "{key}" has the shape {tuple(state[key].shape)} in the dictionary, the parameter '
            f"{tuple(parameter.shape)}"
        )
    return state[key].detach().contiguous()
