// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "trainer/archive/exported_program.h"
#include "trainer/archive/json_view.h"

namespace runnel {

/// Numbers for the names of values. Names are defined once, and before they are used.
class ValueNames {
 public:
  /// Throws as `JsonView::refuse` does for a name that is defined.
  ValueNumber define(const JsonView& name);

  /// Throws as `JsonView::refuse` does for a name that is not defined.
  ValueNumber use(const JsonView& name) const;

  const std::vector<std::string>& names() const { return names_; }

 private:
  std::unordered_map<std::string, ValueNumber> numbers_;
  std::vector<std::string> names_;
};

/// Reads the nodes of a graph in order, the order of their execution, and defines their results. Throws `RunError`
/// (bad_data) with `file`, the node and its line in the model's source.
std::vector<ExportedNode> read_nodes(const JsonView& list, const std::filesystem::path& file, ValueNames& values);

/// The frame of the user in `stack_trace`, a traceback of Python: "net.py:14". The innermost one that is not PyTorch's;
/// without one, the innermost. Empty without frames.
std::string source_line(const std::string& stack_trace);

}  // namespace runnel
