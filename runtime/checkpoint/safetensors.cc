// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/checkpoint/safetensors.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "runtime/base/atomic_file.h"
#include "runtime/base/finite.h"
#include "runtime/base/run_error.h"

namespace runnel {
namespace {

using Json = nlohmann::ordered_json;

static_assert(std::endian::native == std::endian::little,
              "safetensors are little-endian, and so are the floats in memory");

constexpr std::size_t kLengthBytes = 8;
// The format's own limit; a larger length is not a header.
constexpr std::uint64_t kMostHeaderBytes = 100'000'000;

/// What the header says of one tensor.
struct Entry {
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// Refuses a file; carries its path into every message.
class Refusal {
 public:
  explicit Refusal(const std::filesystem::path& file) : file_(file) {}

  [[noreturn]] void operator()(const std::string& what) const {
    throw RunError(ExitStatus::bad_data, file_.string() + ": " + what);
  }

 private:
  const std::filesystem::path& file_;
};

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return Json(shape).dump();
}

Entry read_entry(const std::string& name, const Json& json, const Refusal& refuse) {
  const auto numbers = [&](const char* key) {
    const bool are_numbers =
        json.is_object() && json.contains(key) && json[key].is_array() &&
        std::all_of(json[key].begin(), json[key].end(), [](const Json& value) { return value.is_number_unsigned(); });
    return are_numbers ? std::optional(json[key].get<std::vector<std::uint64_t>>()) : std::nullopt;
  };
  const auto shape = numbers("shape");
  const auto offsets = numbers("data_offsets");
  if (!shape || !offsets || offsets->size() != 2 || !json.contains("dtype") || !json["dtype"].is_string() ||
      json.size() != 3) {
    refuse("tensor \"" + name + "\": expected dtype, shape and data_offsets in the header");
  }
  return {json["dtype"].get<std::string>(), {shape->begin(), shape->end()}, offsets->front(), offsets->back()};
}

std::map<std::string, Entry> read_entries(const std::string& header, const Refusal& refuse) {
  bool doubled = false;
  std::set<std::string> names;
  const auto watch_names = [&](int depth, Json::parse_event_t event, Json& value) {
    doubled |= depth == 1 && event == Json::parse_event_t::key && !names.insert(value.get<std::string>()).second;
    return true;
  };
  const Json json = Json::parse(header, watch_names, /*allow_exceptions=*/false);
  if (!json.is_object() || header.front() != '{' || doubled) {
    refuse("expected a JSON object with one entry for each tensor as the header");
  }
  std::map<std::string, Entry> entries;
  for (const auto& [name, value] : json.items()) {
    if (name != "__metadata__") {
      entries.emplace(name, read_entry(name, value, refuse));
    }
  }
  return entries;
}

/// Each tensor of the layout is in the file with the model's dtype and shape, and nothing else is.
void check_against_layout(const std::map<std::string, Entry>& entries, const BucketLayout& layout,
                          const Refusal& refuse) {
  std::set<std::string> known;
  for (const TensorPlace& place : layout.tensors()) {
    known.insert(place.name);
    const auto found = entries.find(place.name);
    if (found == entries.end()) {
      refuse("expected tensor \"" + place.name + "\" " + shape_text(place.shape) + " of the model, found none");
    }
    const Entry& entry = found->second;
    if (entry.dtype != "F32") {
      refuse("tensor \"" + place.name + "\": expected dtype F32, found " + entry.dtype);
    }
    if (entry.shape != place.shape) {
      refuse("tensor \"" + place.name + "\": the model has shape " + shape_text(place.shape) + ", the file has " +
             shape_text(entry.shape));
    }
  }
  for (const auto& [name, entry] : entries) {
    if (!known.contains(name)) {
      refuse("tensor \"" + name + "\" " + shape_text(entry.shape) + " is not in the model");
    }
  }
}

/// The tensors' bytes follow each other from 0 to the end of the data, each as long as its shape says.
void check_offsets(const std::map<std::string, Entry>& entries, const BucketLayout& layout, std::uint64_t data_bytes,
                   const Refusal& refuse) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const TensorPlace& place : layout.tensors()) {
    const Entry& entry = entries.at(place.name);
    if (entry.end < entry.begin || entry.end - entry.begin != place.bytes.size()) {
      refuse("tensor \"" + place.name + "\": expected " + std::to_string(place.bytes.size()) +
             " bytes, found data_offsets [" + std::to_string(entry.begin) + "," + std::to_string(entry.end) + "]");
    }
    ranges.emplace_back(entry.begin, entry.end);
  }
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t position = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin != position) {
      refuse("expected tensors without gap or overlap, found one at byte " + std::to_string(begin) + " instead of " +
             std::to_string(position) + " of the data");
    }
    position = end;
  }
  if (position != data_bytes) {
    refuse("expected " + std::to_string(position) + " bytes of tensors, found " + std::to_string(data_bytes));
  }
}

void require_finite(const BucketLayout& layout, std::span<const float> parameters, const Refusal& refuse) {
  const auto index = first_nonfinite(parameters);
  if (!index) return;
  refuse("expected finite numbers, found " + layout.element_name(*index) + " = " +
         (std::isnan(parameters[*index]) ? "NaN" : "infinity"));
}

std::string header_text(const BucketLayout& layout) {
  Json header = {{"__metadata__", {{"format", "pt"}}}};
  for (const TensorPlace& place : layout.tensors()) {
    header[place.name] = {
        {"dtype", "F32"}, {"shape", place.shape}, {"data_offsets", {place.bytes.begin, place.bytes.end}}};
  }
  std::string text = header.dump();
  text.resize((text.size() + kLengthBytes - 1) / kLengthBytes * kLengthBytes, ' ');  // the data begin aligned
  return text;
}

}  // namespace

void load_safetensors(const std::filesystem::path& file, const BucketLayout& layout, std::span<float> parameters) {
  const Refusal refuse(file);
  std::error_code unreadable;
  const bool exists = std::filesystem::exists(file, unreadable);
  const bool odd = exists && !std::filesystem::is_regular_file(file, unreadable);
  std::ifstream stream;
  if (!odd) stream.open(file, std::ios::binary | std::ios::ate);
  if (!stream.is_open()) {
    throw RunError(ExitStatus::input_missing,
                   file.string() + ": expected a safetensors file, found " +
                       (odd ? "no regular file" : std::string("none: ") + std::strerror(errno)) +
                       "; key 'model.init' names the file to start from");
  }
  const auto file_bytes = static_cast<std::uint64_t>(stream.tellg());
  stream.seekg(0);

  std::uint64_t header_bytes = 0;
  if (file_bytes >= kLengthBytes) {
    stream.read(reinterpret_cast<char*>(&header_bytes), kLengthBytes);
  }
  if (header_bytes == 0 || header_bytes > kMostHeaderBytes || header_bytes > file_bytes - kLengthBytes) {
    refuse("expected a safetensors file, found a header of " + std::to_string(header_bytes) + " bytes in " +
           std::to_string(file_bytes));
  }
  std::string header(header_bytes, '\0');
  stream.read(header.data(), static_cast<std::streamsize>(header_bytes));

  const auto entries = read_entries(header, refuse);
  check_against_layout(entries, layout, refuse);
  check_offsets(entries, layout, file_bytes - kLengthBytes - header_bytes, refuse);

  for (const TensorPlace& place : layout.tensors()) {
    stream.seekg(static_cast<std::streamoff>(kLengthBytes + header_bytes + entries.at(place.name).begin));
    stream.read(reinterpret_cast<char*>(parameters.data()) + place.bytes.begin,
                static_cast<std::streamsize>(place.bytes.size()));
  }
  if (!stream) {
    refuse("could not be read to its end");
  }
  require_finite(layout, parameters, refuse);
}

void save_safetensors(const std::filesystem::path& file, const BucketLayout& layout,
                      std::span<const float> parameters) {
  const std::string header = header_text(layout);
  const std::uint64_t header_bytes = header.size();
  AtomicFile replacement(file);
  replacement.append(std::as_bytes(std::span(&header_bytes, 1)));
  replacement.append(std::as_bytes(std::span(header)));
  replacement.append(std::as_bytes(parameters));
  replacement.publish_durably();
}

}  // namespace runnel
