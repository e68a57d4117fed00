// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/temporary_folder.h"
#include "trainer/model/exported_model.h"

/// Exported models with a graph that PyTorch would not write.
namespace runnel::test {

/// Changes what models/model.json has as graph_module.
using GraphChange = std::function<void(nlohmann::json& module)>;

class ChangedModel {
 public:
  /// Changes exported_NAME.pt2.
  explicit ChangedModel(std::string fixture) : fixture_(std::move(fixture)) {}

  /// Throws as `ExportedModel`. The file is called net.pt2. `batches` is the range of sizes that a batch may have.
  ExportedModel make(const GraphChange& change, const nlohmann::json& batches = nullptr) const;

  /// The error, of bad_data, of making the changed model, of a pass that trains and of one that does not, with two
  /// images. Empty without one.
  std::string error_of(const GraphChange& change) const;

 private:
  std::string fixture_;
  TemporaryFolder folder_;
};

/// A node with the argument "self", a value, and a tensor of the node's name as its result. Its line is net.py:5.
nlohmann::json planted_node(const std::string& operation, const std::string& self, const std::string& name = "planted");

/// Adds an argument to a node: {"as_int": 1}.
void add_argument(nlohmann::json& node, const std::string& name, const nlohmann::json& value);

}  // namespace runnel::test
