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
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "runtime/base/atomic_file.h"
#include "runtime/base/finite.h"
#include "runtime/base/foreign_format.h"
#include "runtime/base/json_extent.h"
#include "runtime/base/run_error.h"

namespace runnel {
namespace {

using Json = nlohmann::ordered_json;

static_assert(std::endian::native == std::endian::little,
              "safetensors are little-endian, and so are the floats in memory");

constexpr std::uint64_t kLengthBytes = 8;

/// More than any header of this model: parsing takes up to a hundred times the header's size in memory. A tensor's
/// entry takes 200 bytes and its name, the rest is for metadata.
std::uint64_t most_header_bytes(const BucketLayout& layout) {
  constexpr std::uint64_t kMetadataBytes = 1 << 20;
  constexpr std::uint64_t kEntryBytes = 1024;
  return kMetadataBytes + kEntryBytes * layout.tensors().size();
}

/// Arrays in objects in the header's object.
constexpr std::size_t kMaxNesting = 3;

/// A tensor's entry in the header.
struct Entry {
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// Throws `bad_data` with the path of the file in every message.
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

Entry read_entry(const std::string& name, const nlohmann::json& json, const Refusal& refuse) {
  const auto numbers = [&](const char* key) {
    const bool are_numbers = json.is_object() && json.contains(key) && json[key].is_array() &&
                             std::all_of(json[key].begin(), json[key].end(),
                                         [](const nlohmann::json& value) { return value.is_number_unsigned(); });
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
  if (json_extent(header).depth > kMaxNesting) {
    refuse("expected a header with one object for each tensor, found deeper nesting");
  }
  bool doubled = false;
  std::set<std::string> names;
  const auto watch_names = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    doubled |=
        depth == 1 && event == nlohmann::json::parse_event_t::key && !names.insert(value.get<std::string>()).second;
    return true;
  };
  const nlohmann::json json = nlohmann::json::parse(header, watch_names, /*allow_exceptions=*/false);
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

/// The prefix that the file's names of all the model's tensors have in common, such as "module."; empty without one.
std::string common_prefix(const std::map<std::string, Entry>& entries, const BucketLayout& layout) {
  const std::string& name = layout.tensors().front().name;
  for (const auto& [candidate, entry] : entries) {
    if (!candidate.ends_with("." + name)) continue;
    const std::string prefix = candidate.substr(0, candidate.size() - name.size());
    const auto has_prefixed = [&](const TensorPlace& place) { return entries.contains(prefix + place.name); };
    if (std::ranges::all_of(layout.tensors(), has_prefixed)) return prefix;
  }
  return "";
}

[[noreturn]] void refuse_missing(const TensorPlace& place, const std::map<std::string, Entry>& entries,
                                 const BucketLayout& layout, const Refusal& refuse) {
  const std::string expected =
      "expected tensor \"" + place.name + "\" " + shape_text(place.shape) + " of the model, found ";
  const std::string prefix = common_prefix(entries, layout);
  if (prefix.empty()) refuse(expected + "none");
  // Such as DistributedDataParallel ("module.") and torch.compile ("_orig_mod.") put there.
  refuse(expected + "\"" + prefix + place.name + "\"; remove the prefix \"" + prefix +
         "\" from the names of the tensors before they are saved");
}

/// Checks that the file has each tensor of the layout, with its dtype and shape, and no other tensor.
void check_against_layout(const std::map<std::string, Entry>& entries, const BucketLayout& layout,
                          const Refusal& refuse) {
  std::set<std::string> known;
  for (const TensorPlace& place : layout.tensors()) {
    known.insert(place.name);
    const auto found = entries.find(place.name);
    if (found == entries.end()) refuse_missing(place, entries, layout, refuse);
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

/// Checks that the tensors' bytes follow each other from 0 to the end of the data, each as long as its shape requires.
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
  std::size_t end = 0;  // without the layout's gap: the format allows none
  for (const TensorPlace& place : layout.tensors()) {
    const std::size_t begin = std::exchange(end, end + place.bytes.size());
    header[place.name] = {{"dtype", "F32"}, {"shape", place.shape}, {"data_offsets", {begin, end}}};
  }
  std::string text = header.dump();
  text.resize((text.size() + kLengthBytes - 1) / kLengthBytes * kLengthBytes, ' ');  // the data begin aligned
  return text;
}

std::ifstream open_file(const std::filesystem::path& file) {
  std::error_code unreadable;
  const bool exists = std::filesystem::exists(file, unreadable);
  const bool odd = exists && !std::filesystem::is_regular_file(file, unreadable);
  std::ifstream stream;
  if (!odd) stream.open(file, std::ios::binary);
  if (!stream.is_open()) {
    throw RunError(ExitStatus::input_missing,
                   file.string() + ": expected a safetensors file, found " +
                       (odd ? "no regular file" : std::string("none: ") + std::strerror(errno)) +
                       "; key 'model.init' names the file to start from");
  }
  return stream;
}

/// What is wrong with a header of `header_bytes` bytes, in a file of `file_bytes` that starts with `beginning`.
[[noreturn]] void refuse_header(std::uint64_t header_bytes, std::uint64_t file_bytes, std::string_view beginning,
                                const BucketLayout& layout, const Refusal& refuse) {
  const std::string foreign = foreign_format(beginning, "convert it with safetensors.torch.save_file");
  if (!foreign.empty()) refuse("expected a safetensors file, found " + foreign);
  if (header_bytes == 0 || file_bytes < kLengthBytes || header_bytes > file_bytes - kLengthBytes) {
    refuse("expected a safetensors file, found a header of " + std::to_string(header_bytes) + " bytes in " +
           std::to_string(file_bytes));
  }
  refuse("expected a header of at most " + std::to_string(most_header_bytes(layout)) + " bytes for the " +
         std::to_string(layout.tensors().size()) + " tensors of the model, found " + std::to_string(header_bytes));
}

/// Reads the header and leaves `stream` at the data. `file_bytes`: the length of the file.
std::string read_header(std::ifstream& stream, std::uint64_t file_bytes, const BucketLayout& layout,
                        const Refusal& refuse) {
  std::string beginning(std::min<std::uint64_t>(file_bytes, 64), '\0');
  stream.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
  std::uint64_t header_bytes = 0;
  if (file_bytes >= kLengthBytes) std::memcpy(&header_bytes, beginning.data(), kLengthBytes);
  const std::uint64_t most = std::min(most_header_bytes(layout), file_bytes - std::min(file_bytes, kLengthBytes));
  if (header_bytes == 0 || header_bytes > most) refuse_header(header_bytes, file_bytes, beginning, layout, refuse);
  std::string header(header_bytes, '\0');
  stream.seekg(kLengthBytes);
  stream.read(header.data(), static_cast<std::streamsize>(header_bytes));
  return header;
}

}  // namespace

void load_safetensors(const std::filesystem::path& file, const BucketLayout& layout, std::span<float> parameters) {
  const Refusal refuse(file);
  std::ifstream stream = open_file(file);
  const std::uint64_t file_bytes = std::filesystem::file_size(file);
  const std::string header = read_header(stream, file_bytes, layout, refuse);
  const std::uint64_t data = kLengthBytes + header.size();

  const auto entries = read_entries(header, refuse);
  check_against_layout(entries, layout, refuse);
  check_offsets(entries, layout, file_bytes - data, refuse);

  for (const TensorPlace& place : layout.tensors()) {
    stream.seekg(static_cast<std::streamoff>(data + entries.at(place.name).begin));
    stream.read(reinterpret_cast<char*>(parameters.data()) + place.bytes.begin,
                static_cast<std::streamsize>(place.bytes.size()));
  }
  if (!stream) refuse("could not be read to its end");
  require_finite(layout, parameters, refuse);
}

void save_safetensors(const std::filesystem::path& file, const BucketLayout& layout,
                      std::span<const float> parameters) {
  const std::string header = header_text(layout);
  const std::uint64_t header_bytes = header.size();
  AtomicFile replacement(file);
  replacement.append(std::as_bytes(std::span(&header_bytes, 1)));
  replacement.append(std::as_bytes(std::span(header)));
  for (const TensorPlace& place : layout.tensors()) {
    replacement.append(std::as_bytes(parameters).subspan(place.bytes.begin, place.bytes.size()));
  }
  replacement.publish_durably();
}

}  // namespace runnel
