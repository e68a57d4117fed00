# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""The tensors of a torch module in an exchange."""

import hashlib

import torch

from runnel.errors import RunError
from runnel.exchange import KINDS, Exchange

if tuple(map(int, torch.__version__.split(".")[:2])) < (2, 1):
    raise ImportError(f"runnel needs torch 2.1 or newer for modules, this is {torch.__version__}")

_USAGE = 64
_BAD_DATA = 65


class ModuleExchange(Exchange):
    """Parameters that are trained, with gradients of `kind`; and buffers, whose mean over the trainers all get.

    After it, `slots[client.slot()]` has a tensor for each parameter, then for each buffer, in the exchange's memory;
    `values[client.buffer()]` likewise. Parameters and buffers have the values of trainer 0.
    """

    def __init__(self, module, kind, settings, sync_buffers=True):
        self.parameters = [(name, p) for name, p in module.named_parameters() if p.requires_grad and p.numel() > 0]
        if not self.parameters:
            raise ValueError("the module has no parameter that requires a gradient; nothing would be exchanged")
        buffers = list(_buffers_of(module)) if sync_buffers else []
        self.buffers = [one for one in buffers if _is_synced(one[1]._buffers[one[2]])]
        self._fixed_parameters = [(name, p) for name, p in module.named_parameters() if not p.requires_grad]
        self._fixed_buffers = [one for one in buffers if not _is_synced(one[1]._buffers[one[2]])]
        for name, parameter in self.parameters:
            _require_usable(name, parameter)
        tensors = [(name, list(p.shape), KINDS[kind]) for name, p in self.parameters]
        tensors += [(name, list(owner._buffers[key].shape), KINDS["synced"]) for name, owner, key in self.buffers]
        tensors.append(("runnel.fixed_tensors", [], KINDS["synced"]))
        start = self.own_tensors()
        super().__init__(tensors, start, settings)
        self.client = self._client
        self._take_views(len(tensors))
        self.require_fixed_alike(start[-1])

    def own_tensors(self):
        """What this trainer's module has for each tensor of the exchange."""
        fixed = [p for _, p in self._fixed_parameters] + [owner._buffers[key] for _, owner, key in self._fixed_buffers]
        own = [p for _, p in self.parameters] + [owner._buffers[key] for _, owner, key in self.buffers]
        return [tensor.detach().contiguous() for tensor in own] + [torch.tensor(_digest(fixed))]

    def _take_views(self, count):
        self.slots = [[torch.from_numpy(self.client.gradient(w, i)) for i in range(count)] for w in (0, 1)]
        self.values = [[torch.from_numpy(self.client.writable_value(w, i)) for i in range(count)] for w in (0, 1)]

    def require_fixed_alike(self, own):
        """Tensors that are not trained do not travel: their digest `own` must be the same in all trainers."""
        if self.values[self.client.buffer()][-1] != own:
            self.fail()
            raise RunError(
                _BAD_DATA,
                "parameters without requires_grad, or buffers that are not float32, differ from those of trainer 0; "
                "they are not exchanged: load the same values in all trainers, or call torch.manual_seed before the "
                "module is made",
            )
        for slot in self.slots:
            slot[-1].copy_(own)

    def require_still_fixed(self):
        """A parameter that is trained from now on would be another one in each trainer, or stay as it is."""
        for name, parameter in self._fixed_parameters:
            if parameter.requires_grad:
                raise RunError(
                    _USAGE,
                    f"{name} did not require a gradient when the exchange was made, so that it has no part in it; set "
                    "requires_grad before, or save, and go on in a new run",
                )

    def put_buffers(self):
        """Hands the buffers over, before `push`."""
        slot = self.slots[self.client.slot()]
        for i, (_, owner, key) in enumerate(self.buffers, len(self.parameters)):
            slot[i].copy_(owner._buffers[key])

    def get_buffers(self):
        """Their means, after `pull`."""
        values = self.values[self.client.buffer()]
        with torch.no_grad():
            for i, (_, owner, key) in enumerate(self.buffers, len(self.parameters)):
                owner._buffers[key].copy_(values[i])

    def require_open(self, what="no step can follow"):
        if self._closed:
            raise RunError(_USAGE, f"the exchange is closed; {what}")

    def _leave(self):
        super()._leave()
        self.slots = self.values = None  # else hooks, views and client keep each other


def require_plain(name, gradient):
    """Slots are dense memory, and have no graph."""
    if gradient.requires_grad:
        raise RuntimeError(
            f"{name}: its gradient has a graph, of backward(create_graph=True), which an exchange would lose; use "
            "torch.autograd.grad(…, create_graph=True) for gradients of gradients, then a plain backward()"
        )
    if gradient.layout is not torch.strided:
        raise TypeError(f"{name}: its gradient is sparse; make the layer without sparse=True")


def _buffers_of(module):
    """Name, owner and key of each buffer; of one that several modules share, the first."""
    seen = set()
    for prefix, owner in module.named_modules():
        for key, buffer in owner._buffers.items():
            if buffer is not None and buffer.numel() > 0 and id(buffer) not in seen:
                seen.add(id(buffer))
                yield f"{prefix}.{key}" if prefix else key, owner, key


def _is_synced(buffer):
    # A mask with infinities, say, is not a statistic; its mean would end the run as a value that is not finite.
    return buffer.dtype == torch.float32 and bool(torch.isfinite(buffer).all())


def _require_usable(name, parameter):
    if parameter.device.type != "cpu":
        raise TypeError(f"{name} is on {parameter.device}; the Python package exchanges tensors on the CPU only")
    if parameter.dtype != torch.float32:
        raise TypeError(
            f"{name} is {parameter.dtype}; only float32 is exchanged. torch.autocast computes in bfloat16 "
            "with parameters in float32"
        )


def _digest(tensors):
    """A number of 24 bits, which float32 holds exactly."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return float(int.from_bytes(digest.digest()[:3], "little"))
