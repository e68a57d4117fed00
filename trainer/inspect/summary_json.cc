// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/inspect/summary_json.h"

#include <nlohmann/json.hpp>

namespace runnel {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const NumberRange& range) {
  Json json = Json::object();
  if (range.finite > 0) json = {{"min", range.min}, {"max", range.max}, {"mean", range.mean}, {"whole", range.whole}};
  json["nan"] = range.nan;
  json["infinite"] = range.infinite;
  json["elements_read"] = range.read;
  json["elements"] = range.elements;
  return json;
}

Json json_of(const ArraySummary& array) {
  Json json = {{"name", array.name}, {"type", name_of(array.type)}, {"shape", array.shape}};
  if (array.range) json["range"] = json_of(*array.range);
  if (!array.samples.empty()) json["samples"] = array.samples;
  return json;
}

Json json_of(const std::vector<TensorSummary>& tensors) {
  Json json = Json::array();
  for (const TensorSummary& tensor : tensors) {
    json.push_back({{"name", tensor.name}, {"type", name_of(tensor.type)}, {"shape", tensor.shape}});
  }
  return json;
}

Json json_of(const FileSummary& summary) {
  Json json = {{"file", summary.path.string()}, {"format", summary.format}, {"arrays", Json::array()}};
  for (const ArraySummary& array : summary.arrays) json["arrays"].push_back(json_of(array));
  if (!summary.inputs.empty()) json["inputs"] = json_of(summary.inputs);
  if (!summary.outputs.empty()) json["outputs"] = json_of(summary.outputs);
  if (!summary.rows.empty()) json["rows"] = summary.rows;
  if (!summary.notes.empty()) json["notes"] = summary.notes;
  json["configuration"] = summary.configuration;
  return json;
}

}  // namespace

std::string summaries_json(const std::vector<FileSummary>& summaries) {
  Json json = Json::array();
  for (const FileSummary& summary : summaries) json.push_back(json_of(summary));
  return json.dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + "\n";
}

}  // namespace runnel
