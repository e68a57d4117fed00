# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""What runnel.shard does with dictionaries that do not fit, and when trainers load other things."""

import copy
import unittest

import launch
import torch
from sharded_nets import digest_of, make_step, plain, sharded


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


class LoadingTest(unittest.TestCase):
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
