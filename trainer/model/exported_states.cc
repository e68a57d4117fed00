// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/exported_states.h"

#include <ATen/ops/empty.h>

#include <cstring>
#include <map>
#include <utility>

#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"
#include "trainer/torch/scalar_type.h"

namespace runnel {
namespace {

/// Elements from the tensor's first to its last, both counted; 0 for an empty tensor.
std::int64_t extent(const ExportedTensor& tensor) {
  std::int64_t elements = 1;
  for (std::size_t i = 0; i < tensor.sizes.size(); ++i) {
    if (tensor.sizes[i] == 0) return 0;
    elements += (tensor.sizes[i] - 1) * tensor.strides[i];
  }
  return elements;
}

bool are_same(const ExportedTensor& a, const ExportedTensor& b) {
  return a.type == b.type && a.offset == b.offset && a.sizes == b.sizes && a.strides == b.strides;
}

/// Whether the ranges of two tensors in one storage overlap.
bool overlap(const ExportedTensor& a, const ExportedTensor& b) {
  const auto range = [](const ExportedTensor& t) {
    const auto bytes = static_cast<std::int64_t>(bytes_of(t.type));
    return std::pair(t.offset * bytes, (t.offset + extent(t)) * bytes);
  };
  const auto [begin, end] = range(a);
  const auto [other_begin, other_end] = range(b);
  return begin < other_end && other_begin < end;
}

bool is_written(const ExportedState& state) {
  return state.role == ExportedState::Role::buffer ||
         (state.role == ExportedState::Role::parameter && state.tensor.requires_grad);
}

}  // namespace

at::Tensor load_tensor(const ExportedTensor& stored, c10::Device device) {
  const std::int64_t elements = extent(stored);
  const at::Tensor flat = at::empty({elements}, scalar_type_of(stored.type));
  const auto first = static_cast<std::size_t>(stored.offset) * bytes_of(stored.type);
  if (elements > 0) std::memcpy(flat.mutable_data_ptr(), stored.storage->bytes().data() + first, flat.nbytes());
  return flat.as_strided(stored.sizes, stored.strides).contiguous().to(device);
}

std::vector<std::optional<std::size_t>> find_tied(const ExportedProgram& program) {
  std::vector<std::optional<std::size_t>> tied(program.states.size());
  std::map<const ZipContents*, std::vector<std::size_t>> in_storage;
  for (std::size_t i = 0; i < program.states.size(); ++i) {
    const ExportedState& state = program.states[i];
    auto& others = in_storage[state.tensor.storage.get()];
    for (const std::size_t j : others) {
      const ExportedState& other = program.states[j];
      if (are_same(state.tensor, other.tensor) && state.role == other.role) {
        tied[i] = j;
      } else if (overlap(state.tensor, other.tensor) && (is_written(state) || is_written(other))) {
        throw RunError(ExitStatus::bad_configuration,
                       program.file.string() + ": tensor \"" + printable(state.name, 200) +
                           "\" shares a part of its memory with \"" + printable(other.name, 200) +
                           "\"; supported are tensors that share all of it, or none");
      }
    }
    if (!tied[i]) others.push_back(i);
  }
  return tied;
}

}  // namespace runnel
