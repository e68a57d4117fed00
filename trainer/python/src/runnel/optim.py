# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Optimizers that run at the generators, with the names and defaults of torch.optim.

They are descriptions: `runnel.shard` and `runnel.Client` take one. Gradients are averaged over the trainers.
"""

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """`clip_norm`: largest L2 norm of the averaged gradient, 0: none; needs one generator."""

    lr: float
    weight_decay: float = 0.0
    clip_norm: float = 0.0

    def settings(self) -> list[str]:
        """Its configuration: `key=value` for the runtime. The learning rate goes with each step instead."""
        name = type(self).__name__.lower()
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "lr"}
        return [
            f"optimizer.name={name}",
            "optimizer.reduce=mean",
            *(f"optimizer.{key}={_toml(value)}" for key, value in values.items()),
        ]


@dataclass(frozen=True, kw_only=True)
class SGD(Optimizer):
    """As torch.optim.SGD; without dampening, nesterov and maximize."""

    lr: float = 1e-3
    momentum: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """As torch.optim.Adam; without amsgrad and maximize."""

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8


@dataclass(frozen=True, kw_only=True)
class AdamW(Optimizer):
    """As torch.optim.AdamW; without amsgrad and maximize."""

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 1e-2


@dataclass(frozen=True, kw_only=True)
class Adadelta(Optimizer):
    """As torch.optim.Adadelta; without maximize."""

    lr: float = 1.0
    rho: float = 0.9
    eps: float = 1e-6


def require_description(optimizer):
    """Raises TypeError for what is no optimizer of this module, as one of torch.optim."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"{optimizer!r:.60} is no optimizer of runnel.optim; the generators need one, such as "
            "runnel.optim.AdamW(lr=3e-4)"
        )


def _toml(value):
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_toml, value))}]"
    return repr(float(value))
