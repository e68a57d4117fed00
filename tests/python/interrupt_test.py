# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Ctrl-C in a trainer: a KeyboardInterrupt wherever it comes."""

import _thread
import operator
import signal
import time
import unittest

import launch
from ending_test import client_of_one_tensor, step


def waits_for_a_late_trainer():
    """Trainer 1 computes for a long time; trainer 0 waits for it, and is interrupted there."""
    client = client_of_one_tensor()
    step(client)
    if client.rank == 1:
        print("COMPUTES", flush=True)
        time.sleep(launch.TIMEOUT_S)
    print("WAITS", flush=True)
    try:
        step(client)
    except KeyboardInterrupt:
        print(f"INTERRUPTED {time.time()}", flush=True)
        raise


def ends_before_a_late_trainer():
    client = client_of_one_tensor()
    step(client)
    print("COMPUTES" if client.rank == 1 else "ENDS", flush=True)
    if client.rank == 1:
        time.sleep(launch.TIMEOUT_S)


def is_interrupted_as_it_fails():
    """SIGINT comes when an exception of the extension is about to be raised."""
    client = client_of_one_tensor()
    client.fail()
    call = operator.methodcaller("__call__")
    try:
        list(map(call, [_thread.interrupt_main, client._client.pull]))  # no bytecode between the two, nor a handler
    except BaseException as error:
        return type(error).__name__


class InterruptTest(unittest.TestCase):
    def setUp(self):
        self.shared = launch.shared_memory()

    def tearDown(self):
        self.assertEqual(launch.shared_memory() - self.shared, set())

    def test_ctrl_c_in_a_wait_is_a_keyboard_interrupt(self):
        with launch.Job(waits_for_a_late_trainer) as job:
            launch.await_line(job.trainers[0], "WAITS")
            launch.await_line(job.trainers[1], "COMPUTES")
            time.sleep(0.3)  # so that it waits
            job.trainers[0].send_signal(signal.SIGINT)
            sent = time.time()
            out, err = job.trainers[0].communicate(timeout=launch.TIMEOUT_S)
            self.assertIn("KeyboardInterrupt", err)
            self.assertEqual(err.count("Traceback"), 1, err)
            self.assertLess(float(out.split("INTERRUPTED ")[1]) - sent, 10)

    def test_ctrl_c_in_the_wait_at_the_end_is_a_keyboard_interrupt(self):
        with launch.Job(ends_before_a_late_trainer) as job:
            launch.await_line(job.trainers[0], "ENDS")
            launch.await_line(job.trainers[1], "COMPUTES")
            time.sleep(0.3)  # so that it waits
            job.trainers[0].send_signal(signal.SIGINT)
            _, err = job.trainers[0].communicate(timeout=launch.TIMEOUT_S)
            self.assertEqual((job.trainers[0].returncode, err), (-signal.SIGINT, "KeyboardInterrupt\n"))

    def test_ctrl_c_as_an_error_is_raised_is_a_keyboard_interrupt(self):
        ended = launch.run_alone(is_interrupted_as_it_fails)
        self.assertEqual(ended.result, "KeyboardInterrupt", ended)


if __name__ == "__main__":
    unittest.main()
