# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""runnel.DistributedDataParallel against torch's, over gloo: the same bits."""

import copy
import os
import unittest

import launch
import nets
import torch
from torch import nn

STEPS = 8


VARIANTS = {
    "plain": {},
    "no_sync": {"accumulate": 3},
    "compile": {"compiled": True},
    "autocast": {"bfloat16": True},
}


def train_with_gloo():
    """All variants, one after the other, by name."""
    torch.distributed.init_process_group("gloo")
    results = {name: train("gloo", **variant) for name, variant in VARIANTS.items()}
    torch.distributed.destroy_process_group()
    return results


def train_with_runnel(name):
    return train("runnel", **VARIANTS[name])


def wrapped(library, module):
    """The three lines in which the scripts differ."""
    if library == "gloo":
        return nn.parallel.DistributedDataParallel(module, find_unused_parameters=True)
    import runnel

    runnel.init()
    return runnel.DistributedDataParallel(module)


def train(library, accumulate=1, compiled=False, bfloat16=False):
    """Losses and the sha256 of the final parameters."""
    nets.set_up()
    rank = int(os.environ["RANK"])
    torch.manual_seed(1)
    net = nets.Net()
    if rank != 0:  # trainer 0's values count
        with torch.no_grad():
            for parameter in net.parameters():
                if parameter.requires_grad:
                    parameter.add_(rank)
    net = wrapped(library, net)
    step_net = torch.compile(net, backend="eager") if compiled else net
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    losses = []

    def add_gradient(count):
        images, labels = nets.batch(rank, count)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
            loss = nn.functional.cross_entropy(step_net(images), labels)
        (loss / accumulate).backward()
        losses.append(loss.item())

    for step in range(STEPS):
        optimizer.zero_grad(set_to_none=step % 2 == 0)
        with net.no_sync():
            for part in range(accumulate - 1):
                add_gradient(step * accumulate + part)
        add_gradient(step * accumulate + accumulate - 1)
        optimizer.step()
    names = list(net.state_dict())
    assert all(name.startswith("module.") for name in names), names
    return [losses, nets.digest(net)]


def buffers():
    """Running statistics are averaged; others stay."""
    import runnel

    nets.set_up()
    torch.manual_seed(1)
    runnel.init()
    net = runnel.DistributedDataParallel(nets.Net())
    rank = runnel.rank()
    for step in range(3):
        images, labels = nets.batch(rank, step)
        nn.functional.cross_entropy(net(images), labels).backward()
    assert net.module.norm.num_batches_tracked == 3
    assert torch.isinf(net.module.mask).any()
    assert net.module.unused.weight.grad is None
    net.eval()
    with torch.no_grad():
        net(nets.batch(0, 0)[0])  # between steps
    return net.module.norm.running_mean.tolist()


def plain_buffers():
    means = []
    torch.manual_seed(1)
    net = nets.Net()
    mean = torch.zeros(8)
    for step in range(3):
        parts = []
        for rank in (0, 1):
            net.norm.running_mean.copy_(mean)
            net(nets.batch(rank, step)[0])
            parts.append(net.norm.running_mean.double())
        mean = ((parts[0] + parts[1]) / 2).float()
        means.append(mean)
    return mean.tolist()


def differs():
    import runnel

    torch.manual_seed(int(os.environ["RANK"]))
    runnel.init()
    runnel.DistributedDataParallel(nets.Net())


def uneven_and_used_in_turn():
    """Trainer 0 makes more steps, and each trainer uses another layer."""
    import runnel

    nets.set_up()
    runnel.init()
    rank = runnel.rank()
    torch.manual_seed(1)
    net = runnel.DistributedDataParallel(nn.ModuleList([nn.Linear(4, 1, bias=False) for _ in range(3)]))
    gradients = []
    for _ in range(3 - rank):
        net.zero_grad()
        net.module[rank](torch.full((1, 4), 2.0 + rank)).sum().backward()
        gradients.append([None if p.grad is None else p.grad[0, 0].item() for p in net.parameters()])
    return gradients


def checkpointed(net, reentrant):
    x = torch.ones(1, 2, requires_grad=True)
    for _ in range(2):
        x = torch.utils.checkpoint.checkpoint(net, x, use_reentrant=reentrant)
    return x


def checkpoints():
    """The gradients of a plain module, with and without checkpoints of either kind."""
    import runnel

    runnel.init()
    found = []
    for wrap in (lambda net: net, runnel.DistributedDataParallel):
        torch.manual_seed(1)
        net = wrap(nn.Linear(2, 2))
        for reentrant in (False, True):
            net.zero_grad()
            checkpointed(net, reentrant).sum().backward()
            found.append([p.grad.tolist() for p in net.parameters()])
    return found


def mistakes():
    import runnel

    runnel.init()
    texts = []
    sparse = nn.Embedding(4, 4, sparse=True)

    def note(call):
        try:
            call()
        except (runnel.RunError, ValueError, TypeError, RuntimeError) as error:
            texts.append(str(error))
        else:
            texts.append("no error")

    ddp = runnel.DistributedDataParallel
    note(lambda: ddp(nn.ReLU()))
    note(lambda: ddp(nn.Linear(2, 2).double()))
    note(lambda: ddp(nn.Linear(2, 2, device="meta")))
    note(lambda: ddp(nn.Linear(2, 2), device_ids=[0]))
    net = ddp(sparse)
    note(lambda: net(torch.tensor([1])).sum().backward())
    net = ddp(nn.Linear(2, 2))
    note(lambda: net(checkpointed(net, True)).sum().backward())
    half = nn.Linear(2, 2)
    half.bias.requires_grad_(False)
    net = ddp(half)
    half.bias.requires_grad_()
    note(lambda: net(torch.ones(1, 2)).sum().backward())
    net = ddp(nn.Linear(2, 2))
    note(lambda: copy.deepcopy(net))
    note(lambda: net(torch.ones(1, 2)).square().sum().backward(create_graph=True))
    net = ddp(nn.Linear(2, 2))
    runnel.close()
    note(lambda: net(torch.ones(1, 2)))
    return texts


class DistributedDataParallelTest(unittest.TestCase):
    def test_has_the_bits_of_torch(self):
        gloo = launch.run_job(train_with_gloo, generators=0, environment={"GLOO_SOCKET_IFNAME": "lo"})
        options = {"no_sync": {"settings": ["transport.path=emulated"], "generators": 2}}
        for name in VARIANTS:
            with self.subTest(name):
                ours = launch.run_job(train_with_runnel, name, **options.get(name, {}))
                self.assertEqual(ours, [rank[name] for rank in gloo])
                self.assertEqual(ours[0][1], ours[1][1])

    def test_averages_running_statistics(self):
        nets.set_up()
        self.assertEqual(launch.run_job(buffers), [plain_buffers()] * 2)

    def test_fixed_tensors_must_be_alike(self):
        with launch.Job(differs) as job:
            ended = job.wait()
        self.assertIn("are not exchanged: load the same values", ended[1].err)
        self.assertEqual([one.err.count("Traceback") for one in ended], [0, 1], ended)
        self.assertEqual([one.status for one in ended], [69, 1], ended)

    def test_unused_parameters_and_uneven_trainers_add_zeros(self):
        first, second = launch.run_job(uneven_and_used_in_turn)
        self.assertEqual(first[:2], second)
        self.assertEqual(first, [[1.0, 1.5, None]] * 2 + [[1.0, None, None]])

    def test_gradient_checkpointing(self):
        ended = launch.run_alone(checkpoints)
        self.assertIsNotNone(ended.result, ended)
        for one in ended.result:
            self.assertEqual(one, ended.result[0])

    def test_mistakes_are_exceptions_that_name_the_remedy(self):
        ended = launch.run_alone(mistakes)
        expected = [
            "no parameter that requires a gradient",
            "only float32 is exchanged",
            "on meta",
            "device_ids",
            "without sparse=True",
            "use_reentrant=False",
            "bias did not require a gradient when",
            "copy or save net.module",
            "create_graph=True) for gradients of gradients",
            "closed",
        ]
        launch.assert_texts(self, ended, expected)


if __name__ == "__main__":
    unittest.main()
