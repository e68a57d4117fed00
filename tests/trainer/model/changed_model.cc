// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/trainer/model/changed_model.h"

#include <gtest/gtest.h>

#include <vector>

#include "runtime/base/run_error.h"
#include "tests/trainer/archive/zip_files.h"
#include "tests/trainer/model/fixture_models.h"
#include "trainer/archive/zip_archive.h"

namespace runnel::test {

using Json = nlohmann::json;

ExportedModel ChangedModel::make(const GraphChange& change, const Json& batches) const {
  const ZipArchive archive(RUNNEL_FIXTURE_FOLDER "/exported_" + fixture_ + ".pt2");
  std::vector<ZipText> members;
  for (const ZipMember& member : archive.members()) {
    members.push_back({member.name, std::string(archive.read(member, 1 << 20).text())});
    if (!member.name.ends_with("/models/model.json")) continue;
    Json model = Json::parse(members.back().contents);
    change(model["graph_module"]);
    if (!batches.is_null()) model["range_constraints"].begin().value() = batches;
    members.back().contents = model.dump();
  }
  const std::filesystem::path file = folder_.path() / "net.pt2";
  write_bytes(file, make_zip(members));
  return ExportedModel(file);
}

std::string ChangedModel::error_of(const GraphChange& change) const {
  try {
    ExportedModel model = make(change);
    const at::Tensor images = samples(fixture_, 0, 2).inputs;
    pass(model, images);
    model.set_training(false);
    pass(model, images);
    return "";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_data);
    EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos) << error.what();
    return error.what();
  }
}

Json planted_node(const std::string& operation, const std::string& self, const std::string& name) {
  return {{"target", "torch.ops.aten." + operation},
          {"inputs", {{{"name", "self"}, {"arg", {{"as_tensor", {{"name", self}}}}}, {"kind", 1}}}},
          {"outputs", {{{"as_tensor", {{"name", name}}}}}},
          {"metadata", {{"stack_trace", "File \"net.py\", line 5, in forward"}}},
          {"name", name}};
}

void add_argument(Json& node, const std::string& name, const Json& value) {
  node["inputs"].push_back({{"name", name}, {"arg", value}, {"kind", 1}});
}

}  // namespace runnel::test
