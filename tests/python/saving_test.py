# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Checkpoints of runnel.shard: dictionaries in torch's form, both ways with torch's own optimizers."""

import copy
import hashlib
import tempfile
import unittest
from pathlib import Path

import launch
import nets
import torch
from torch import nn

STEPS = 6
SAVED_AFTER = 3
OPTIMIZERS = {
    "SGD": {"lr": 0.1, "weight_decay": 0.01},
    "momentum": {"lr": 0.1, "momentum": 0.9},
    "Adam": {"lr": 0.01, "weight_decay": 0.1},
    "AdamW": {"lr": 0.01, "betas": (0.8, 0.95)},
    "Adadelta": {},
}


def class_of(name):
    return "SGD" if name == "momentum" else name


def sharded(name):
    import runnel

    nets.set_up()
    torch.manual_seed(1)
    net, opt = runnel.shard(nets.Net(), getattr(runnel.optim, class_of(name))(**OPTIMIZERS[name]))
    return net, opt, torch.optim.lr_scheduler.StepLR(opt, step_size=2, gamma=0.5)


def plain(name, only_trained=False):
    nets.set_up()
    torch.manual_seed(2)
    net = nets.Net()
    parameters = [p for p in net.parameters() if p.requires_grad or not only_trained]
    return net, getattr(torch.optim, class_of(name))(parameters, **OPTIMIZERS[name])


def make_step(net, opt, rank, step):
    opt.zero_grad()
    images, labels = nets.batch(rank, step)
    nn.functional.cross_entropy(net(images), labels).backward()
    opt.step()


def digest_of(value):
    """Of a dictionary of dictionaries, lists, tensors and numbers."""
    if isinstance(value, torch.Tensor):
        return hashlib.sha256(value.contiguous().numpy().tobytes()).hexdigest()
    if isinstance(value, dict):
        value = [(str(key), digest_of(one)) for key, one in value.items()]
    elif isinstance(value, (list, tuple)):
        value = [digest_of(one) for one in value]
    return hashlib.sha256(repr(value).encode()).hexdigest()


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


def wrong_dictionaries():
    """The texts of refusals; after each, training goes on as if nothing had been."""
    import runnel

    runnel.init()
    net, opt, _ = sharded("AdamW")
    make_step(net, opt, 0, 0)
    right = opt.state_dict()
    texts = []

    def note(change):
        wrong = copy.deepcopy(right)
        change(wrong)
        try:
            opt.load_state_dict(wrong)
        except ValueError as error:
            texts.append(str(error))
        assert digest_of(opt.state_dict()) == digest_of(right)

    for name in ("momentum", "Adadelta"):
        other = plain(name)[1].state_dict()
        note(lambda wrong, other=other: wrong.update(other))
    note(lambda wrong: wrong["param_groups"][0].update(betas=(0.9, 0.999)))
    note(lambda wrong: wrong["param_groups"][0].update(amsgrad=True))
    note(lambda wrong: wrong["param_groups"].append({"params": []}))
    note(lambda wrong: wrong["param_groups"][0]["params"].pop())
    note(lambda wrong: wrong["state"][0].update(exp_avg=torch.zeros(3)))
    note(lambda wrong: wrong["state"][0].pop("exp_avg_sq"))
    note(lambda wrong: wrong["state"][0].pop("step"))
    note(lambda wrong: wrong["state"][0].update(step=torch.tensor(5.0)))
    note(lambda wrong: [one.update(step=torch.tensor(0.5)) for one in wrong["state"].values()])
    make_step(net, opt, 0, 1)
    return texts


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


def uneven(first_leaves):
    """A trainer that has closed adds nothing while the other one saves and loads."""
    import runnel

    runnel.init()
    net, opt, _ = sharded("AdamW")
    make_step(net, opt, runnel.rank(), 0)
    start, states = copy.deepcopy(net.state_dict()), opt.state_dict()
    if (runnel.rank() == 0) == first_leaves:
        runnel.close()
        return
    for step in range(3):
        make_step(net, opt, 0, step)
    net.load_state_dict(start)
    opt.load_state_dict(states)
    assert digest_of(opt.state_dict()["state"]) == digest_of(states["state"])
    assert digest_of(net.state_dict()) == digest_of(start)
    make_step(net, opt, 0, 3)
    assert opt.state_dict()["state"][0]["step"] == 2


def disagree(how):
    """Trainer 1 does something else than trainer 0."""
    import runnel

    runnel.init()
    net, opt, _ = sharded("AdamW")
    make_step(net, opt, runnel.rank(), 0)
    saved, values = opt.state_dict(), copy.deepcopy(net.state_dict())
    if runnel.rank() == 1:
        if how == "parameters":
            values["scale"] += 1
        if how == "frozen":
            values["frozen.bias"] += 1
        for state in saved["state"].values():
            if how == "states":
                state["exp_avg_sq"] += 1
            if how == "steps":
                state["step"] += 1
    try:
        if how != "one" or runnel.rank() == 0:
            net.load_state_dict(values)
            opt.load_state_dict(saved)
        make_step(net, opt, runnel.rank(), 1)
        make_step(net, opt, runnel.rank(), 2)
    except runnel.RunError as error:
        return str(error)
    return "no error"


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
        for path, generators in (("mapped", 2), ("one-sided", 1), ("emulated", 2)):
            with self.subTest(path, generators=generators):
                other = self.compare("AdamW", generators=generators, settings=[f"transport.path={path}"])
                self.assertEqual(other, results["AdamW"])

    def test_training_goes_from_torchs_optimizer_to_ours_and_back(self):
        for name, only_trained in [*((name, False) for name in OPTIMIZERS), ("AdamW", True)]:
            with self.subTest(name, only_trained=only_trained):
                ended = launch.run_alone(with_torch, name, only_trained)
                self.assertIsNotNone(ended.result, ended)
                self.assertLess(max(ended.result), 1e-6, ended.result)

    def test_wrong_dictionaries_are_refused_and_change_nothing(self):
        expected = [
            'not of AdamW: its parameter group has no "betas"',
            'not of AdamW: its parameter group has no "betas"',
            '"betas" (0.9, 0.999), the generators (0.8, 0.95)',
            '"amsgrad" True',
            "2 parameter groups",
            "the dictionary is of",
            'scale: "exp_avg" has the shape (3,)',
            'scale has no "exp_avg_sq"',
            'a state without a "step"',
            "after 1 and 5 steps",
            "step 0.5, which is no number of steps",
        ]
        launch.assert_texts(self, launch.run_alone(wrong_dictionaries), expected)

    def test_gradients_survive_loading(self):
        ended = launch.run_alone(between_passes)
        self.assertEqual(ended.status, 0, ended)

    def test_a_trainer_that_has_closed_takes_no_part(self):
        for first_leaves in (True, False):
            launch.run_job(uneven, first_leaves)

    def test_trainers_that_disagree_end_the_run(self):
        for how, text in {
            "one": "trainer 0 hands over parameters, trainer 1 gradients; load a state_dict in every trainer",
            "parameters": "trainer 0 loads parameters, trainer 1 other values; load the same file",
            "states": "trainer 0 loads the optimizer's exp_avg_sq, trainer 1 other values; load the same file",
            "steps": "trainer 0 loads the optimizer's exp_avg of step 1, trainer 1 of step 2; load the same file",
        }.items():
            with self.subTest(how), launch.Job(disagree, how) as job:
                for trainer in job.wait():
                    self.assertIn("generator is lost", trainer.result, trainer)
                self.assertIn(text, job.served[0].err)
        with launch.Job(disagree, "frozen") as job:
            self.assertIn("load the same values", job.wait()[1].result)


if __name__ == "__main__":
    unittest.main()
