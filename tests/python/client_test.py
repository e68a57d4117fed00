# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""runnel.Client with NumPy alone, against a plain loop."""

import sys
import unittest

import launch
import numpy

SHAPE = (61, 300)
STEPS = 7


def start_value():
    return numpy.random.default_rng(1).standard_normal(SHAPE, dtype=numpy.float32)


def gradient_of(trainer, step, value):
    noise = numpy.random.default_rng([trainer, step]).standard_normal(SHAPE, dtype=numpy.float32)
    return noise + numpy.float32(0.1) * value


def rate(step):
    return 0.1 / (1 + step)


def steps_of(trainer):
    return STEPS - 3 * trainer


def digest(array):
    import hashlib

    return hashlib.sha256(numpy.ascontiguousarray(array).tobytes()).hexdigest()


def optimized(uneven):
    """SGD at the generators. Trainer 0's start counts."""
    import runnel

    runnel.init()
    rank = runnel.rank()
    start = start_value() if rank == 0 else numpy.full(SHAPE, 7.0)
    client = runnel.Client([("w", SHAPE)], [start], optimizer=runnel.optim.SGD(lr=5))
    assert (client.rank, client.world_size) == (rank, runnel.world_size())
    for step in range(steps_of(rank) if uneven else STEPS):
        assert client.steps == step
        client.gradient(0)[:] = gradient_of(rank, step, client.value(0))
        client.push(loss=1.0, samples=4, lr=rate(step))
        client.pull()
    last = digest(client.value(0))
    client.close()
    client.close()
    assert "torch" not in sys.modules
    return {"last": last, "closed": digest(client.value(0)), "paths": client.paths()}


def plain(uneven, trainers=2):
    value, last = start_value(), {}
    for step in range(STEPS):
        takes_part = [rank for rank in range(trainers) if not uneven or step < steps_of(rank)]
        total = sum(gradient_of(rank, step, value) for rank in takes_part)
        value = value - numpy.float32(rate(step)) * (total * numpy.float32(1 / trainers))
        for rank in takes_part:
            last[rank] = digest(value)
    return [last[rank] for rank in range(trainers)]


def averaged():
    """A mean of gradients, handed over early, and one of values."""
    import runnel

    runnel.init()
    rank = runnel.rank()
    with runnel.Client([("g", SHAPE, "averaged"), ("s", (), "synced")], [numpy.zeros(SHAPE), 3.5]) as client:
        assert client.value(1) == 3.5 and not client.value(0).any()
        for step in range(STEPS):
            client.gradient(1)[...] = rank + step
            client.gradient_ready(1)
            client.gradient(0)[:] = gradient_of(rank, step, client.value(0))
            client.gradient_ready(0)
            client.push()
            client.pull()
            assert client.value(1) == step + 0.5
            assert not client.value(0).flags.writeable
        return digest(client.value(0))


def mean_of_gradients():
    value = numpy.zeros(SHAPE, numpy.float32)
    for step in range(STEPS):
        value = (gradient_of(0, step, value) + gradient_of(1, step, value)) * numpy.float32(0.5)
    return digest(value)


def mistakes():
    """Each is an exception whose text says what to do; returns the texts."""
    import runnel

    texts = []

    def note(call):
        try:
            call()
        except (runnel.RunError, ValueError, TypeError) as error:
            texts.append(f"{type(error).__name__}: {error}")
        else:
            texts.append("no error")

    sgd = runnel.optim.SGD()
    note(lambda: runnel.Client([("w", (4,))], [numpy.zeros(4)], optimizer=sgd))
    note(lambda: runnel.init("transport.path=mapped"))
    runnel.init()
    note(runnel.init)
    note(lambda: runnel.Client([("w", (4,))], [numpy.zeros(4)]))
    note(lambda: runnel.Client([("w", (4,))], [numpy.zeros(4)], optimizer=runnel.optim.SGD))
    note(lambda: runnel.Client([("w", (4,))], [numpy.zeros(5)], optimizer=sgd))
    note(lambda: runnel.Client([("w", (2, 3))], [numpy.zeros((3, 2))], optimizer=sgd))
    note(lambda: runnel.Client([("w", (2.5,))], [numpy.zeros(2)], optimizer=sgd))
    note(lambda: runnel.Client([("w", (4,)), ("b", (4,))], [numpy.zeros(4)], optimizer=sgd))
    note(lambda: runnel.Client([("w", (4,), "summed")], [numpy.zeros(4)]))
    client = runnel.Client([("w", (4,))], [numpy.zeros(4)], optimizer=sgd)
    note(lambda: client.gradient_ready(0))
    note(lambda: runnel.Client([("w", (4,))], [numpy.zeros(4)], optimizer=sgd))
    client.close()
    note(client.pull)
    return texts


def made_by_another_thread(how):
    """Its thread makes the steps; what the main thread does is refused, and ends the job."""
    import threading

    import runnel

    runnel.init()
    clients = []

    def make_steps():
        client = runnel.Client([("w", (3,))], [numpy.ones(3)], optimizer=runnel.optim.SGD(lr=1))
        client.push()
        client.pull()
        if how == "close":
            client.close()
        clients.append(client)

    thread = threading.Thread(target=make_steps)
    thread.start()
    thread.join()
    assert clients[0].value(0).any()
    if how == "push":
        clients[0].push()
    clients.clear()


def ready_mistakes():
    """Texts of wrong calls of gradient_ready; the step goes on."""
    import runnel

    runnel.init()
    texts = []
    with runnel.Client([("a", (4,), "averaged"), ("b", (4,), "averaged")], [numpy.zeros(4)] * 2) as client:
        for _ in range(3):
            client.gradient_ready(-1)
            for tensor in (1, 2):
                try:
                    client.gradient_ready(tensor)
                except (ValueError, IndexError) as error:
                    texts.append(str(error))
            client.gradient(0)[:] = 1
            client.push()
            client.pull()
            assert (client.value(0) == 1).all()
    return texts


def alone():
    import runnel

    runnel.init()
    for _ in range(2):  # each has generators of its own
        with runnel.Client([("w", (3,))], [numpy.ones(3)], optimizer=runnel.optim.SGD(lr=0.5)) as client:
            client.gradient(0)[:] = 1
            client.push()
            client.pull()
            assert (client.value(0) == 0.5).all()
    return [runnel.rank(), runnel.world_size()]


def unknown_setting():
    import runnel

    runnel.init(["transport.bucket_byte=1"])
    runnel.Client([("w", (3,))], [numpy.ones(3)], optimizer=runnel.optim.SGD())


def setting_of_the_optimizer():
    import runnel

    runnel.init()


def old_torch():
    import types

    import runnel

    torch = types.ModuleType("torch")
    torch.__version__ = "2.0.1+cpu"
    sys.modules["torch"] = torch
    runnel.shard  # noqa: B018


class ClientTest(unittest.TestCase):
    def test_sgd_has_the_bits_of_a_plain_loop_over_each_path(self):
        for path in ("mapped", "one-sided", "emulated"):
            for generators in (1, 2):
                with self.subTest(path=path, generators=generators):
                    results = launch.run_job(
                        optimized, False, generators=generators, settings=[f"transport.path={path}"]
                    )
                    self.assertEqual([one["last"] for one in results], plain(False))
                    for line in results[0]["paths"]:
                        self.assertTrue(line.startswith(path), line)

    def test_trainers_may_make_different_numbers_of_steps(self):
        results = launch.run_job(optimized, True)
        self.assertEqual([one["last"] for one in results], plain(True))
        self.assertEqual([one["closed"] for one in results], [plain(True)[0]] * 2)

    def test_means_of_gradients_and_of_values(self):
        self.assertEqual(launch.run_job(averaged), [mean_of_gradients()] * 2)

    def test_mistakes_are_exceptions_that_name_the_remedy(self):
        (texts,) = launch.run_job(mistakes, trainers=1)
        expected = [
            "call runnel.init() first",
            'list of "key=value"',
            "called before",
            "name an optimizer",
            "is no optimizer of runnel.optim",
            "start has the shape (5,), the tensor (4,)",
            "start has the shape (3, 2), the tensor (2, 3)",
            "'float' object cannot be interpreted as an integer",
            "start has 1 arrays for 2 tensors",
            "not one of optimized, averaged, synced",
            "push hands over all of them",
            "has had its exchange",
            "closed",
        ]
        self.assertEqual(len(texts), len(expected), texts)
        for text, part in zip(texts, expected, strict=True):
            self.assertIn(part, text)

    def test_a_gradient_is_ready_once(self):
        expected = ["b: gradient_ready is called a second time in one step", "out of range"] * 3
        launch.assert_texts(self, launch.run_alone(ready_mistakes), expected)

    def test_an_exchange_belongs_to_the_thread_that_made_it(self):
        shared = launch.shared_memory()
        for how, status in (("close", 0), ("push", 1), ("end", 64)):
            with self.subTest(how):
                ended = launch.run_alone(made_by_another_thread, how)
                self.assertEqual(ended.status, status, ended)
                text = "belongs to the thread that made it; use it there"
                self.assertEqual(ended.err.count(text), 0 if how == "close" else 1, ended)
        self.assertEqual(launch.shared_memory() - shared, set())

    def test_without_a_launcher_it_is_a_job_of_one(self):
        ended = launch.run_alone(alone)
        self.assertEqual((ended.status, ended.result, ended.err), (0, [0, 1], ""), ended)

    def test_a_torch_that_is_too_old_is_named(self):
        ended = launch.run_alone(old_torch)
        self.assertIn("ImportError: runnel needs torch 2.1 or newer for modules, this is 2.0.1", ended.err)

    def test_a_setting_that_does_not_exist_is_named(self):
        ended = launch.run_alone(unknown_setting)
        self.assertEqual(ended.status, 1)
        self.assertIn("transport.bucket_byte", ended.err)

    def test_a_setting_does_not_change_the_scripts_optimizer(self):
        ended = launch.run_alone(setting_of_the_optimizer, environment={"RUNNEL_SETTINGS": "optimizer.momentum=0.9"})
        self.assertEqual(ended.status, 1)
        self.assertIn("optimizer.momentum=0.9: the optimizer is the script's", ended.err)


if __name__ == "__main__":
    unittest.main()
