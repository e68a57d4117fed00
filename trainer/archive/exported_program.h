// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trainer/archive/exported_tensor.h"

/// The model in an archive of `torch.export.save` (.pt2): its operations, tensors and signature, as plain data.
///
/// The schema is torch/_export/serde/schema.py of PyTorch, major version 8. Values have numbers from 0; each is an
/// input of the program, one of its tensors, or the result of one node.
namespace runnel {

using ValueNumber = std::size_t;

/// What a node is given for a parameter of its operation.
struct ExportedArgument {
  enum class Kind { none, value, boolean, integer, number, text, element_type, memory_format, layout, device, list };

  Kind kind = Kind::none;
  ValueNumber value = 0;
  std::int64_t integer =
      0;  ///< also: a boolean, an `ElementType`, a memory format or a layout by its number in the schema
  double number = 0;
  std::string text = {};
  std::vector<ExportedArgument> items = {};
};

struct NamedArgument {
  std::string name = {};
  ExportedArgument argument;
};

/// A result of a node: one value, or a list of tensors whose elements are values.
struct ExportedResult {
  std::vector<ValueNumber> values = {};
  bool is_list = false;
};

struct ExportedNode {
  std::string name = {};
  std::string target = {};  ///< "torch.ops.aten.add.Tensor", or a function of Python on sizes: "_operator.mul"
  std::string place = {};   ///< for messages: node "add_1" (net.py:14)
  std::vector<NamedArgument> arguments = {};
  std::vector<ExportedResult> results = {};
};

/// A size of an input or output: a number, or free. Free sizes with the same symbol are equal; without one they follow
/// from others. The program computes right only for sizes from `least` to `most`: its source compares the size.
struct ExportedSize {
  std::optional<std::int64_t> value = {};
  std::string symbol = {};
  std::int64_t least = 0;
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
};

/// A tensor that the caller gives, or gets.
struct ExportedValue {
  std::string name = {};
  ValueNumber value = 0;
  ElementType type = ElementType::float32;
  std::vector<ExportedSize> shape = {};
};

/// A tensor that comes with the program.
struct ExportedState {
  enum class Role { parameter, buffer, constant };

  Role role = Role::constant;
  std::string name = {};  ///< that of state_dict
  bool in_state_dict = true;
  ValueNumber value = 0;
  ExportedTensor tensor = {};
};

/// After a training pass `buffer`, a place in `states`, takes `value`.
struct BufferUpdate {
  std::size_t buffer = 0;
  ValueNumber value = 0;
};

struct ExportedProgram {
  std::filesystem::path file = {};
  std::shared_ptr<const ZipArchive> archive = {};  ///< mapped, because tensors lie in it
  std::vector<std::string> value_names = {};       ///< by number
  std::vector<ExportedState> states = {};
  std::vector<ExportedValue> inputs = {};
  std::vector<ExportedNode> nodes = {};
  std::vector<BufferUpdate> updates = {};
  std::vector<ExportedValue> outputs = {};
};

/// Reads the archive's model. On return every value is made before it is used, once, and every tensor lies within its
/// bytes; whether the operations exist, and take their arguments, is left to who runs them.
///
/// Throws `RunError`: input_missing when the file cannot be opened, bad_data with the place and what is supported for
/// damaged archives and for models outside of the above: another major version, decomposed programs, pickled weights,
/// operations that hold graphs of their own, arguments of other kinds, inputs and outputs that are no tensors.
ExportedProgram read_exported_program(const std::filesystem::path& file);

}  // namespace runnel
