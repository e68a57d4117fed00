# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""runnel.shard against a plain loop with torch's optimizers."""

import copy
import io
import unittest
import warnings

import launch
import nets
import torch
from torch import nn

STEPS = 6
ACCUMULATED = 2  # passes in a step
OPTIMIZERS = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01},
    "Adam": {"lr": 0.01},
    "AdamW": {"lr": 0.01, "betas": (0.8, 0.95)},
    "Adadelta": {},
}


def pass_backward(net, rank, count):
    images, labels = nets.batch(rank, count)
    loss = nn.functional.cross_entropy(net(images), labels) / ACCUMULATED
    loss.backward()
    return loss.item()


def fresh_net():
    nets.set_up()
    torch.manual_seed(1)
    return nets.Net()


def schedule_of(optimizer):
    return torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)


def train(name, clip_norm):
    import runnel

    runnel.init()
    rank = runnel.rank()
    net, opt = runnel.shard(fresh_net(), getattr(runnel.optim, name)(**OPTIMIZERS[name], clip_norm=clip_norm))
    schedule = schedule_of(opt)
    for step in range(STEPS):
        opt.zero_grad(set_to_none=step % 2 == 0)
        for part in range(ACCUMULATED):
            loss = pass_backward(net, rank, step * ACCUMULATED + part)
        opt.step(loss=loss, samples=4)
        schedule.step()
    net.eval()
    with torch.no_grad():
        net(nets.batch(0, 0)[0])
    runnel.close()
    assert net.unused.weight.grad is None
    net.load_state_dict(net.state_dict())  # again an ordinary module
    return {
        "last": nets.digest(net, buffers=True),
        "lr": opt.param_groups[0]["lr"],
        "values": [p.flatten().tolist() for p in net.parameters()],
        "mean": net.norm.running_mean.tolist(),
    }


def ends_before_others(steps):
    """What a trainer has after `close` when trainer 1 has made `steps` more steps than trainer 0."""
    import runnel

    runnel.init()
    net, opt = runnel.shard(fresh_net(), runnel.optim.SGD(lr=0.1))
    for step in range(2 + steps * runnel.rank()):
        net.zero_grad()
        pass_backward(net, runnel.rank(), step)
        opt.step()
    runnel.close()
    return [nets.digest(net), net.norm.running_mean.tolist()]


def plain(name, clip_norm):
    net = fresh_net()
    opt = getattr(torch.optim, name)(net.parameters(), **OPTIMIZERS[name])
    schedule = schedule_of(opt)
    # An unused parameter has a gradient of zeros here: the generators know none without.
    for step in range(STEPS):
        buffers = copy.deepcopy(net.norm.state_dict())
        gradients, means = [], []
        for rank in (0, 1):
            net.zero_grad()
            for key in ("running_mean", "running_var"):
                getattr(net.norm, key).copy_(buffers[key])
            for part in range(ACCUMULATED):
                pass_backward(net, rank, step * ACCUMULATED + part)
            gradients.append([torch.zeros_like(p) if p.grad is None else p.grad for p in net.parameters()])
            means.append([net.norm.running_mean.clone(), net.norm.running_var.clone()])
        for p, first, second in zip(net.parameters(), *gradients, strict=True):
            p.grad = (first + second) / 2 if p.requires_grad else None
        for i, key in enumerate(("running_mean", "running_var")):
            getattr(net.norm, key).copy_((means[0][i] + means[1][i]) / 2)
        if clip_norm > 0:
            nn.utils.clip_grad_norm_(net.parameters(), clip_norm)
        opt.step()
        schedule.step()
    return net, opt


def behaves():
    """Everyday uses of a module, and what is refused; returns the texts of the refusals."""
    import runnel

    net = fresh_net()
    runnel.init()
    start = copy.deepcopy(net.state_dict())
    net, opt = runnel.shard(net, runnel.optim.AdamW(lr=0.01))
    assert type(net) is nets.Net
    assert all(torch.equal(value, start[name]) for name, value in net.state_dict().items())

    def step():
        opt.zero_grad()
        images, labels = nets.batch(0, 0)
        loss = nn.functional.cross_entropy(net(images), labels)
        loss.backward()
        with warnings.catch_warnings(action="error"):
            opt.step(loss=loss, samples=len(images))

    step()
    with io.BytesIO() as file:
        torch.save(net.state_dict(), file)
        assert len(file.getvalue()) < 200_000  # the tensors, not the exchange's memory
        file.seek(0)
        other = nets.Net()
        other.load_state_dict(torch.load(file, weights_only=True))
    assert nets.digest(other, buffers=True) == nets.digest(net, buffers=True)
    average = copy.deepcopy(net)
    before = nets.digest(average)
    step()
    step()
    assert nets.digest(average) == before != nets.digest(net)
    average.load_state_dict(net.state_dict())  # an ordinary module
    assert nets.digest(average) == nets.digest(net)
    with io.BytesIO() as file:
        torch.save(net, file)

    def closure():
        opt.zero_grad()
        pass_backward(net, 0, 1)
        nn.utils.clip_grad_norm_(net.parameters(), 1e-6)
        return 7

    assert opt.step(closure) == 7
    texts = []

    def note(call):
        try:
            call()
        except (RuntimeError, TypeError) as error:
            texts.append(str(error))
        else:
            texts.append("no error")

    note(lambda: runnel.shard(net, torch.optim.SGD(net.parameters())))
    note(lambda: copy.deepcopy(opt))
    note(lambda: net.load_state_dict(start, assign=True))
    note(lambda: opt.add_param_group({"params": [nn.Parameter(torch.ones(1))]}))
    opt.param_groups[0]["weight_decay"] = 0.5
    note(opt.step)
    opt.param_groups[0]["weight_decay"] = 0.01
    net.frozen.bias.requires_grad_()
    note(opt.step)
    net.frozen.bias.requires_grad_(False)
    images, labels = nets.batch(0, 0)
    older = nn.functional.cross_entropy(net(images), labels)
    step()
    note(older.backward)
    bound = net.scale.data
    net.scale.data = torch.tensor(3.0)
    note(opt.step)
    net.scale.data = bound
    with torch.no_grad():
        net.scale.fill_(3)
    note(opt.step)
    note(lambda: net(nets.batch(0, 0)[0]).sum().backward(create_graph=True))
    runnel.close()
    note(opt.step)
    note(opt.state_dict)
    note(lambda: opt.load_state_dict({}))
    return texts


class ShardTest(unittest.TestCase):
    def compare(self, name, clip_norm=0.0):
        """Gives the digest of what they end with."""
        results = launch.run_job(train, name, clip_norm)
        self.assertEqual(results[0], results[1])
        net, opt = plain(name, clip_norm)
        self.assertEqual(results[0]["lr"], opt.param_groups[0]["lr"])
        for (parameter_name, p), ours in zip(net.named_parameters(), results[0]["values"], strict=True):
            worst = (p.flatten() - torch.tensor(ours)).abs().max().item()
            self.assertLess(worst, 1e-6, parameter_name)
        worst = (net.norm.running_mean - torch.tensor(results[0]["mean"])).abs().max().item()
        self.assertLess(worst, 1e-6)
        return results[0]["last"]

    def test_sgd_as_torch(self):
        self.compare("SGD")

    def test_adam_as_torch(self):
        self.compare("Adam")

    def test_adamw_as_torch_and_same_bits_over_paths_and_generators(self):
        found = {self.compare("AdamW")}  # mapped, 1 generator
        for path, generators in (("mapped", 2), ("one-sided", 1), ("emulated", 2)):
            results = launch.run_job(train, "AdamW", 0.0, generators=generators, settings=[f"transport.path={path}"])
            found |= {one["last"] for one in results}
        self.assertEqual(len(found), 1)

    def test_adadelta_as_torch(self):
        self.compare("Adadelta")

    def test_clip_norm_as_torch(self):
        self.compare("SGD", 0.1)

    def test_after_the_end_all_have_the_last_parameters(self):
        for steps in (1, 2):
            first, second = launch.run_job(ends_before_others, steps)
            self.assertEqual(first, second)

    def test_everyday_uses_and_refusals(self):
        ended = launch.run_alone(behaves)
        expected = [
            "is no optimizer of runnel.optim",
            "copy or save opt.state_dict()",
            "leave assign out",
            "one group",
            'only "lr" may change',
            "frozen.bias did not require a gradient when",
            "modified by an inplace operation",
            "scale was written to",
            "scale was written to",
            "create_graph=True) for gradients of gradients",
            "closed; no step",
            "closed; save before",
            "closed; load before",
        ]
        launch.assert_texts(self, ended, expected)


if __name__ == "__main__":
    unittest.main()
