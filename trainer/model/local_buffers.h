// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>

#include "trainer/model/trained_tensors.h"

/// The buffers that have no place in the layout, such as BatchNorm's counts of batches, one after the other: only
/// processes that make passes know their values.
namespace runnel {

std::size_t local_buffer_bytes(const TrainedTensors& tensors);

/// Copies the model's values to `bytes`, local_buffer_bytes() of them.
void read_local_buffers(const TrainedTensors& tensors, std::span<std::byte> bytes);

/// Gives the model the values that another process has read.
void write_local_buffers(const TrainedTensors& tensors, std::span<const std::byte> bytes);

}  // namespace runnel
