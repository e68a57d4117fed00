// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/checkpoint/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "runtime/base/foreign_format.h"
#include "runtime/base/joined.h"
#include "runtime/base/json_extent.h"
#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"

namespace runnel {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian, and so are values in memory");

constexpr std::uint64_t kLengthBytes = 8;

/// The format's own limit.
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;

/// A tensor takes a dozen. Parsing takes some hundred bytes of memory for each.
constexpr std::size_t kMaxValues = 2'000'000;

/// Arrays in objects in the header's object.
constexpr std::size_t kMaxNesting = 3;

/// The entry of the header that is no tensor.
constexpr const char* kMetadata = "__metadata__";

/// A tensor's entry in the header.
struct Entry {
  ElementType type = ElementType::float32;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

using Entries = std::map<std::string, Entry>;

/// Throws `bad_data` with the path of the file in every message.
class Refusal {
 public:
  explicit Refusal(const std::filesystem::path& file) : file_(file) {}

  [[noreturn]] void operator()(const std::string& what) const {
    throw RunError(ExitStatus::bad_data, file_.string() + ": " + what);
  }

  [[noreturn]] void operator()(const std::string& tensor, const std::string& what) const {
    (*this)("tensor \"" + printable(tensor, 200) + "\": " + what);
  }

 private:
  const std::filesystem::path& file_;
};

/// The numbers that `json` has for `key`, none negative; nothing where it is not such an array.
std::optional<std::vector<std::int64_t>> numbers_of(const nlohmann::json& json, const char* key) {
  if (!json.contains(key) || !json[key].is_array()) return std::nullopt;
  std::vector<std::int64_t> numbers;
  for (const nlohmann::json& value : json[key]) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max()) {
      return std::nullopt;
    }
    numbers.push_back(value.get<std::int64_t>());
  }
  return numbers;
}

ElementType type_of(const std::string& dtype, const std::string& name, const Refusal& refuse) {
  const auto* found = std::ranges::find(kElementTypes, dtype, dtype_of);
  if (found != kElementTypes.end()) return *found;
  refuse(name, "expected one of the dtypes " +
                   joined(kElementTypes, ", ", [](ElementType type) { return std::string(dtype_of(type)); }) +
                   "; found " + printable(dtype));
}

Entry read_entry(const std::string& name, const nlohmann::json& json, const Refusal& refuse) {
  constexpr const char* kExpected = "expected dtype, shape and data_offsets in the header";
  if (!json.is_object() || json.size() != 3) refuse(name, kExpected);
  const auto shape = numbers_of(json, "shape");
  const auto offsets = numbers_of(json, "data_offsets");
  if (!shape || !offsets || offsets->size() != 2 || !json.contains("dtype") || !json["dtype"].is_string()) {
    refuse(name, kExpected);
  }
  return {type_of(json["dtype"].get<std::string>(), name, refuse), *shape, static_cast<std::uint64_t>(offsets->front()),
          static_cast<std::uint64_t>(offsets->back())};
}

nlohmann::json parse_header(std::string_view header, const Refusal& refuse) {
  const JsonExtent extent = json_extent(header);
  if (extent.depth > kMaxNesting) refuse("expected a header with one object for each tensor, found deeper nesting");
  if (extent.values > kMaxValues) {
    refuse("expected a header of at most " + std::to_string(kMaxValues) + " values, found " +
           std::to_string(extent.values));
  }
  bool doubled = false;
  std::set<std::string> names;
  const auto watch_names = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    doubled |=
        depth == 1 && event == nlohmann::json::parse_event_t::key && !names.insert(value.get<std::string>()).second;
    return true;
  };
  nlohmann::json json = nlohmann::json::parse(header, watch_names, /*allow_exceptions=*/false);
  if (!json.is_object() || header.front() != '{' || doubled) {
    refuse("expected a JSON object with one entry for each tensor as the header");
  }
  return json;
}

Entries read_entries(const nlohmann::json& header, const Refusal& refuse) {
  Entries entries;
  for (const auto& [name, value] : header.items()) {
    if (name != kMetadata) entries.emplace(name, read_entry(name, value, refuse));
  }
  return entries;
}

/// Values that are no texts, which the format forbids, are left out.
std::map<std::string, std::string> read_metadata(const nlohmann::json& header) {
  std::map<std::string, std::string> metadata;
  const auto found = header.find(kMetadata);
  if (found == header.end() || !found->is_object()) return metadata;
  for (const auto& [key, value] : found->items()) {
    if (value.is_string()) metadata.emplace(key, value.get<std::string>());
  }
  return metadata;
}

/// Bytes of the elements; nothing where no memory has so many.
std::optional<std::uint64_t> bytes_needed(const Entry& entry) {
  std::uint64_t bytes = bytes_of(entry.type);
  for (const std::int64_t size : entry.shape) {
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(size), &bytes)) return std::nullopt;
  }
  return bytes;
}

/// Checks that the tensors' bytes follow each other from 0 to the end of the data, each as long as its shape requires.
void check_offsets(const Entries& entries, std::uint64_t data_bytes, const Refusal& refuse) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto& [name, entry] : entries) {
    const auto bytes = bytes_needed(entry);
    if (!bytes || entry.end < entry.begin || entry.end - entry.begin != *bytes) {
      refuse(name, "expected " + (bytes ? std::to_string(*bytes) : "another number of") +
                       " bytes for its shape, found data_offsets [" + std::to_string(entry.begin) + "," +
                       std::to_string(entry.end) + "]");
    }
    ranges.emplace_back(entry.begin, entry.end);
  }
  std::ranges::sort(ranges);
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

/// The header of `file`.
std::string_view header_of(const MappedFile& file, const Refusal& refuse) {
  const std::uint64_t file_bytes = file.bytes().size();
  std::uint64_t header_bytes = 0;
  if (file_bytes >= kLengthBytes) std::memcpy(&header_bytes, file.bytes().data(), kLengthBytes);
  const bool fits = file_bytes >= kLengthBytes && header_bytes <= file_bytes - kLengthBytes;
  if (fits && header_bytes > 0 && header_bytes <= kMaxHeaderBytes) {
    return {reinterpret_cast<const char*>(file.bytes().data()) + kLengthBytes, header_bytes};
  }
  const std::string foreign = foreign_format(file.beginning(), "convert it with safetensors.torch.save_file");
  if (!foreign.empty()) refuse("expected a safetensors file, found " + foreign);
  if (!fits || header_bytes == 0) {
    refuse("expected a safetensors file, found a header of " + std::to_string(header_bytes) + " bytes in " +
           std::to_string(file_bytes));
  }
  refuse("expected a header of at most " + std::to_string(kMaxHeaderBytes) + " bytes, found " +
         std::to_string(header_bytes));
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& file) : file_(file) {
  const Refusal refuse(file);
  const std::string_view text = header_of(file_, refuse);
  header_ = file_.bytes().first(kLengthBytes + text.size());
  const auto data = file_.bytes().subspan(header_.size());
  const nlohmann::json header = parse_header(text, refuse);
  metadata_ = read_metadata(header);
  Entries entries = read_entries(header, refuse);
  check_offsets(entries, data.size(), refuse);
  for (auto& [name, entry] : entries) {
    tensors_.push_back({name, entry.type, std::move(entry.shape), data.subspan(entry.begin, entry.end - entry.begin)});
  }
}

const StoredTensor* SafetensorsFile::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(tensors_, name, {}, &StoredTensor::name);
  return found == tensors_.end() || found->name != name ? nullptr : &*found;
}

}  // namespace runnel
