#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Prints this machine's GPUs, one a line. Exit status 1, and a line that says why, where there is none.

Asks the driver itself, so that it needs neither PyTorch nor a build of Runnel.
"""
import ctypes
import sys


class NoGpu(Exception):
    """Why this machine has no GPU that CUDA programs can use."""


def gpus():
    """Their names and sizes; CUDA_VISIBLE_DEVICES counts. Raises NoGpu rather than to return an empty list."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        raise NoGpu("no GPU: no NVIDIA driver (libcuda.so.1) on this machine") from None
    status = driver.cuInit(0)
    if status != 0:
        raise NoGpu(f"no GPU: the NVIDIA driver's cuInit gave error {status}")
    count = ctypes.c_int()
    driver.cuDeviceGetCount(ctypes.byref(count))
    if count.value == 0:
        raise NoGpu("no GPU: the NVIDIA driver lists none")
    return [describe(driver, index) for index in range(count.value)]


def describe(driver, index):
    device, name, size = ctypes.c_int(), ctypes.create_string_buffer(256), ctypes.c_size_t()
    driver.cuDeviceGet(ctypes.byref(device), index)
    driver.cuDeviceGetName(name, len(name), device)
    driver.cuDeviceTotalMem_v2(ctypes.byref(size), device)
    return f"{name.value.decode()}, {size.value / 2**30:.0f} GiB"


def main():
    try:
        for index, gpu in enumerate(gpus()):
            print(f"cuda:{index}  {gpu}")
    except NoGpu as why:
        print(why)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
