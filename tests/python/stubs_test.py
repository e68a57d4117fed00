# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""The type stubs have the names and arguments of the package."""

import ast
import inspect
import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, os.environ["RUNNEL_TEST_PACKAGE"])
import runnel  # noqa: E402
from runnel import sharded  # noqa: E402

STUB = Path(runnel.__file__).with_suffix(".pyi")


def arguments_of(function):
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    named += [one for one in (arguments.vararg, arguments.kwarg) if one]
    return sorted(one.arg for one in named)


class StubsTest(unittest.TestCase):
    def same_arguments(self, stub, real):
        real = real.fget if isinstance(real, property) else inspect.unwrap(real)
        self.assertEqual(arguments_of(stub), sorted(inspect.signature(real).parameters), stub.name)

    def test_they_have_the_names_and_arguments_of_the_package(self):
        body = ast.parse(STUB.read_text()).body
        names = {one.name for one in body if isinstance(one, (ast.ClassDef, ast.FunctionDef))}
        self.assertEqual(names - {"ShardedOptimizer"}, set(runnel.__all__) - {"optim"})
        for stub in body:
            if isinstance(stub, ast.FunctionDef):
                self.same_arguments(stub, getattr(runnel, stub.name))
            elif isinstance(stub, ast.ClassDef):
                real = sharded.ShardedOptimizer if stub.name == "ShardedOptimizer" else getattr(runnel, stub.name)
                for method in stub.body:
                    if isinstance(method, ast.FunctionDef):
                        self.same_arguments(method, inspect.getattr_static(real, method.name))

    def test_each_public_name_has_a_docstring(self):
        for name in runnel.__all__:
            self.assertTrue(getattr(runnel, name).__doc__, name)


if __name__ == "__main__":
    unittest.main()
