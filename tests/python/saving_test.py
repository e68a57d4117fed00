# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Checkpoints of runnel.shard: dictionaries in torch's form, both ways with torch's own optimizers."""

import copy
import tempfile
import unittest
from pathlib import Path

import launch
import nets
import torch
from sharded_nets import OPTIMIZERS, digest_of, make_step, plain, sharded
from torch import nn

STEPS = 6
SAVED_AFTER = 3


def result_of(net, opt, schedule):
    return [nets.digest(net, buffers=True), digest_of(opt.state_dict()), digest_of(schedule.state_dict())]


def unbroken(name, file):
    """All steps; the first trainer saves between two of them, and the others know nothing of that."""
    import runnel

    runnel.init()
    net, opt, schedule = sharded(name)
    for step in range(STEPS):
        if step == SAVED_AFTER and runnel.rank() == 0:
            torch.save(
                {"model": net.state_dict(), "optimizer": opt.state_dict(), "schedule": schedule.state_dict()}, file
            )
        make_step(net, opt, runnel.rank(), step)
        schedule.step()
    return result_of(net, opt, schedule)


def resumed(name, file):
    """The rest of the steps, in a job whose module began with other values."""
    import runnel

    runnel.init()
    net, opt, schedule = sharded(name)
    make_step(net, opt, runnel.rank(), 100)
    saved = torch.load(file, weights_only=True)
    net.load_state_dict(saved["model"])
    opt.load_state_dict(saved["optimizer"])
    schedule.load_state_dict(saved["schedule"])
    for step in range(SAVED_AFTER, STEPS):
        make_step(net, opt, runnel.rank(), step)
        schedule.step()
    return result_of(net, opt, schedule)


def worst_difference(net, other):
    """Of what both have trained: torch leaves a parameter alone that has no gradient."""
    pairs = zip(net.named_parameters(), other.parameters(), strict=True)
    return max((p - q).abs().max().item() for (name, p), q in pairs if not name.startswith("unused"))


def with_torch(name, only_trained):
    """Training goes from torch's optimizer to ours, and back; each time both make the next steps alike."""
    import runnel

    runnel.init()
    theirs, their_opt = plain(name, only_trained)
    for step in range(SAVED_AFTER):
        make_step(theirs, their_opt, 0, step)
    net, opt, _ = sharded(name)
    net.load_state_dict(theirs.state_dict())
    opt.load_state_dict(copy.deepcopy(their_opt.state_dict()))
    back, back_opt = plain(name)
    differences = []
    for step in range(SAVED_AFTER, STEPS):
        make_step(net, opt, 0, step)
        make_step(theirs, their_opt, 0, step)
        differences.append(worst_difference(net, theirs))
    back.load_state_dict(net.state_dict())
    back_opt.load_state_dict(opt.state_dict())
    theirs.load_state_dict(net.state_dict())
    for step in range(STEPS, STEPS + 3):
        make_step(net, opt, 0, step)
        make_step(back, back_opt, 0, step)
        differences.append(worst_difference(net, back))
    ours, torchs = opt.state_dict(), back_opt.state_dict()
    assert set(torchs["param_groups"][0]) <= set(ours["param_groups"][0])
    assert ours["param_groups"][0]["params"] == torchs["param_groups"][0]["params"]
    for index, state in torchs["state"].items():
        assert list(state) == list(ours["state"][index]), (state, ours["state"][index])
    return differences


def between_passes():
    """A gradient that is there when the module or the optimizer is loaded stays what it is."""
    import runnel

    runnel.init()
    net, opt, _ = sharded("Adam")
    results = []
    for loads in (False, True):
        if loads:
            net.load_state_dict(start)
            opt.load_state_dict(states)
        else:
            make_step(net, opt, 0, 0)
            start, states = copy.deepcopy(net.state_dict()), opt.state_dict()
        opt.zero_grad()
        for part in range(2):  # two passes add up
            images, labels = nets.batch(0, part)
            nn.functional.cross_entropy(net(images), labels).backward()
            if loads and part == 0:
                buffers = {key: value.clone() for key, value in net.norm.named_buffers()}
                opt.load_state_dict(opt.state_dict())
                net.load_state_dict(start)
                for key, value in net.norm.named_buffers():
                    value.copy_(buffers[key])
        opt.step()
        results.append([nets.digest(net, buffers=True), digest_of(opt.state_dict()["state"])])
    assert results[0] == results[1], results


class SavingTest(unittest.TestCase):
    def compare(self, name, **options):
        with tempfile.TemporaryDirectory() as folder:
            file = str(Path(folder) / "saved.pt")
            first = launch.run_job(unbroken, name, file, **options)
            again = launch.run_job(resumed, name, file, **options)
        self.assertEqual(first[0], first[1])
        self.assertEqual(first, again)
        return first[0]

    def test_a_run_in_two_parts_has_the_bits_of_an_unbroken_one(self):
        results = {}
        for name in OPTIMIZERS:
            with self.subTest(name):
                results[name] = self.compare(name)
        for path, generators in (("one-sided", 1), ("emulated", 2)):
            with self.subTest(path, generators=generators):
                other = self.compare("AdamW", generators=generators, settings=[f"transport.path={path}"])
                self.assertEqual(other, results["AdamW"])

    def test_training_goes_from_torchs_optimizer_to_ours_and_back(self):
        for name, only_trained in [*((name, False) for name in OPTIMIZERS), ("AdamW", True)]:
            with self.subTest(name, only_trained=only_trained):
                ended = launch.run_alone(with_torch, name, only_trained)
                self.assertIsNotNone(ended.result, ended)
                self.assertLess(max(ended.result), 1e-6, ended.result)

    def test_gradients_survive_loading(self):
        ended = launch.run_alone(between_passes)
        self.assertEqual(ended.status, 0, ended)

if __name__ == "__main__":
    unittest.main()
