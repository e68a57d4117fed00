# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Measures Runnel against its peers, by turns on this machine, and prints one table.

A ratio is ours / theirs of one repetition, in which both ran one right after the other; the table has the median of
the repetitions and, as spread, the least and the largest. Of times a small ratio is good, of rates (GB/s) a large one.
A peer that is missing has a line that says why. bench/README.md defines the numbers.

Example: bench/compare.sh --only ucx,mpi --repetitions 9 --json out.json

Exit status: 0 when a row was measured, 1 when none was, 2 usage.
"""
import argparse
import sys
from pathlib import Path

from gpus import NoGpu, gpus

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("ucx", "mpi", "self", "hosts", "shards", "ddp", "networks", "python")
GPU_PARTS = ("gpu", "gpu-training")


def make_parser():
    parser = argparse.ArgumentParser(prog="compare.sh", description=__doc__, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="2 short repetitions: to see that it works, not to quote")
    parser.add_argument("--only", default=",".join(PARTS),
                        help=f"parts, separated by commas: {', '.join(PARTS)}, which are all measured without this "
                        f"option; on GPUs: {', '.join(GPU_PARTS)}")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all rows as JSON as well")
    parser.add_argument("--build", metavar="FOLDER", type=Path, default=ROOT / "build",
                        help="where runnel-bench and runnel are; builds nothing")
    return parser


def check_parts(parser, parts):
    for name in parts:
        if name not in PARTS + GPU_PARTS:
            parser.error(f"no part is called '{name}'; there are {', '.join(PARTS + GPU_PARTS)}")
    if set(parts) <= set(GPU_PARTS):
        try:
            gpus()
        except NoGpu as reason:
            sys.exit(f"compare.sh: {reason}")


def check_files(parser, settings):
    if settings.build != parser.get_default("build") and not (settings.build / "runnel-bench").is_file():
        parser.error(f"{settings.build} has no runnel-bench; leave --build out to build it")
    if settings.json:
        try:
            settings.json.open("a").close()
        except OSError as error:
            parser.error(f"cannot write {settings.json}: {error.strerror}")


def parse():
    """The validated options; a mistake ends the program with status 2 before anything is built or measured."""
    parser = make_parser()
    settings = parser.parse_args()
    settings.only = settings.only.split(",")
    settings.min_time = 0.05 if settings.quick else 0.3
    if settings.repetitions < 1:
        parser.error(f"--repetitions {settings.repetitions}: at least 1 is needed")
    if settings.quick:
        settings.repetitions = 2
    check_parts(parser, settings.only)
    check_files(parser, settings)
    return settings


if __name__ == "__main__":
    parse()
