// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/checkpoint/manifest.h"

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

#include "runtime/base/joined.h"
#include "runtime/base/json_extent.h"
#include "runtime/base/mapped_file.h"
#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"

namespace runnel {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormatVersion = 1;
constexpr const char* kFormat = "runnel checkpoint";

// Of a manifest: a model of 100 000 tensors takes 20 MB and a million values.
constexpr std::size_t kMaxBytes = 256 << 20;
constexpr std::size_t kMaxValues = 2'000'000;
constexpr std::size_t kMaxAccountDepth = 16;
constexpr std::size_t kMaxDepth = kMaxAccountDepth + 1;

/// In one object: adding a member to an ordered one looks at all others.
constexpr std::size_t kMaxMembers = 1000;

constexpr std::string_view kDigestBegin = ",\n  \"sha256\": \"";
constexpr std::string_view kDigestEnd = "\"\n}\n";
constexpr std::size_t kDigits = 64;
constexpr std::size_t kTailBytes = kDigestBegin.size() + kDigits + kDigestEnd.size();

/// Text that was not UTF-8 must not prevent a checkpoint.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

/// Members of the outer objects, and elements of arrays of objects, each on a line of its own.
std::string in_lines(const Json& json, std::size_t depth = 0) {
  constexpr std::size_t kDeepest = 2;
  const bool has_objects = json.is_array() && !json.empty() && json.front().is_object();
  if (json.empty() || depth > kDeepest || !(json.is_object() || has_objects)) return dump(json);
  const std::string indent = "\n" + std::string(2 * depth + 2, ' ');
  const auto member = [&](const auto& item) {
    return indent +
           (json.is_object() ? dump(item.key()) + ": " + in_lines(item.value(), depth + 1) : dump(item.value()));
  };
  const std::string members = joined(json.items(), ",", member);
  const std::string end = "\n" + std::string(2 * depth, ' ');
  return json.is_object() ? '{' + members + end + '}' : '[' + members + end + ']';
}

std::string_view text_of(std::optional<TensorRule> rule) {
  if (!rule) return "whole";
  return *rule == TensorRule::optimize ? "optimize" : "average";
}

Json json_of(const CheckpointTensor& tensor) {
  return {{"names", tensor.names},
          {"shape", tensor.shape},
          {"dtype", dtype_of(tensor.type)},
          {"rule", text_of(tensor.rule)}};
}

Json json_of(const ShardFile& shard) {
  return {{"file", shard.name},
          {"layout", {shard.layout.begin, shard.layout.end}},
          {"bytes", shard.bytes},
          {"header_sha256", to_hex(shard.header)}};
}

template <class Item>
Json array_of(const std::vector<Item>& items) {
  Json json = Json::array();
  for (const Item& item : items) json.push_back(json_of(item));
  return json;
}

/// Nothing where `text` is no JSON, or too much of it.
std::optional<Json> parse(std::string_view text, std::size_t max_depth) {
  const JsonExtent extent = json_extent(text);
  if (extent.depth > max_depth || extent.values > kMaxValues) return std::nullopt;
  bool crowded = false;
  std::vector<std::size_t> members(max_depth + 2);  // at each depth, of the object that is read
  const auto count = [&](int depth, Json::parse_event_t event, Json&) {
    const auto at = static_cast<std::size_t>(depth);
    if (event == Json::parse_event_t::object_start) members[at + 1] = 0;
    if (event == Json::parse_event_t::key) crowded |= ++members[at] > kMaxMembers;
    return !crowded;
  };
  Json json = Json::parse(text, count, /*allow_exceptions=*/false);
  if (crowded || json.is_discarded()) return std::nullopt;
  return json;
}

Json parse_account(const std::string& account) {
  if (std::optional<Json> json = parse(account, kMaxAccountDepth)) return *std::move(json);
  throw std::invalid_argument("the account is no JSON, or too large or too deep for a manifest");
}

/// A manifest's JSON, each member of which is checked when it is read.
class Reader {
 public:
  Reader(const std::filesystem::path& file, const Json& json) : file_(file), json_(json) {}

  [[noreturn]] void refuse(const std::string& what) const {
    throw RunError(ExitStatus::bad_data, file_.string() + ": " + what);
  }

  const Json& member(const char* key) const {
    const auto found = json_.is_object() ? json_.find(key) : json_.end();
    if (found == json_.end()) refuse("expected a member \"" + std::string(key) + '"');
    return *found;
  }

  Reader inner(const char* key) const { return {file_, member(key)}; }

  template <class T>
  T number(const Json& value, const char* key) const {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<T>::max()}) {
      refuse("\"" + std::string(key) + "\": expected a whole number that is not negative");
    }
    return value.get<T>();
  }

  template <class T>
  T number(const char* key) const {
    return number<T>(member(key), key);
  }

  std::string text(const Json& value, const char* key) const {
    if (!value.is_string()) refuse("\"" + std::string(key) + "\": expected a text");
    return value.get<std::string>();
  }

  std::string text(const char* key) const { return text(member(key), key); }

  /// What `read` makes of each element of the array under `key`.
  template <class Read>
  auto array(const char* key, const Read& read) const {
    const Json& values = member(key);
    if (!values.is_array()) refuse("\"" + std::string(key) + "\": expected an array");
    std::vector<decltype(read(values))> items;
    for (const Json& value : values) items.push_back(read(value));
    return items;
  }

  std::vector<std::string> texts(const char* key) const {
    return array(key, [&](const Json& value) { return text(value, key); });
  }

  Manifest::Settings settings(const char* key) const {
    Manifest::Settings settings;
    const Json& values = member(key);
    if (!values.is_object()) refuse("\"" + std::string(key) + "\": expected an object");
    for (const auto& [name, value] : values.items()) settings.emplace(name, text(value, key));
    return settings;
  }

  Sha256 digest(const char* key) const {
    const std::string hex = text(key);
    if (hex.size() != kDigits || hex.find_first_not_of("0123456789abcdef") != hex.npos) {
      refuse("\"" + std::string(key) + "\": expected 64 hexadecimal digits");
    }
    Sha256 digest;
    for (std::size_t i = 0; i < digest.size(); ++i) {
      digest[i] = static_cast<std::byte>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
    }
    return digest;
  }

 private:
  const std::filesystem::path& file_;
  const Json& json_;
};

CheckpointTensor read_tensor(const Reader& reader) {
  CheckpointTensor tensor{.names = reader.texts("names")};
  tensor.shape = reader.array("shape", [&](const Json& size) { return reader.number<std::int64_t>(size, "shape"); });
  const std::string dtype = reader.text("dtype"), rule = reader.text("rule");
  const auto* type = std::ranges::find(kElementTypes, dtype, dtype_of);
  if (tensor.names.empty() || type == kElementTypes.end()) reader.refuse("expected tensors with names and dtype");
  tensor.type = *type;
  for (const TensorRule known : {TensorRule::optimize, TensorRule::average}) {
    if (rule == text_of(known)) tensor.rule = known;
  }
  if (rule != text_of(tensor.rule)) reader.refuse("expected a rule of a tensor, found \"" + printable(rule) + '"');
  return tensor;
}

ShardFile read_shard(const Reader& reader) {
  const auto range = reader.array("layout", [&](const Json& at) { return reader.number<std::size_t>(at, "layout"); });
  if (range.size() != 2) reader.refuse("\"layout\": expected begin and end");
  return {.name = reader.text("file"),
          .layout = {range.front(), range.back()},
          .bytes = reader.number<std::uint64_t>("bytes"),
          .header = reader.digest("header_sha256")};
}

void require_known_format(const Reader& reader) {
  constexpr const char* kRemedy = "; read it with that version";
  if (reader.text("format") != kFormat) reader.refuse("expected the manifest of a checkpoint, found another JSON text");
  const auto version = reader.number<std::uint64_t>("format_version");
  if (version <= kFormatVersion) return;
  reader.refuse("the checkpoint has format " + std::to_string(version) + " and this program knows formats up to " +
                std::to_string(kFormatVersion) + ": Runnel " + printable(reader.text("program")) + " wrote it" +
                kRemedy);
}

/// The manifest's own digest comes last, so that it covers everything else.
void require_digest(std::string_view text, const Reader& reader) {
  const std::string_view head = text.substr(0, text.size() - std::min(text.size(), kTailBytes));
  const std::string digest = to_hex(sha256(std::as_bytes(std::span(head))));
  if (text.substr(head.size()) == std::string(kDigestBegin) + digest + std::string(kDigestEnd)) return;
  reader.refuse("its contents do not match its SHA-256; the file was damaged or edited");
}

Manifest read_members(const std::filesystem::path& file, const Json& json) {
  const Reader reader(file, json);
  const auto each = [&](const auto& read) { return [&](const Json& value) { return read(Reader(file, value)); }; };
  Manifest manifest{.step = reader.number<std::int64_t>("step"),
                    .date = reader.text("date"),
                    .program = reader.text("program"),
                    .seats = reader.number<int>("seats"),
                    .trainers = reader.number<int>("trainers")};
  manifest.optimizer = reader.inner("optimizer").text("name");
  manifest.states = reader.inner("optimizer").texts("states");
  manifest.data = reader.text("data");
  manifest.fixed_settings = reader.inner("settings").settings("fixed");
  manifest.free_settings = reader.inner("settings").settings("free");
  manifest.account = dump(reader.member("account"));
  manifest.shards = reader.array("shards", each(read_shard));
  manifest.tensors = reader.array("tensors", each(read_tensor));
  return manifest;
}

}  // namespace

std::vector<BucketLayout::Tensor> Manifest::exchanged() const {
  std::vector<BucketLayout::Tensor> exchanged;
  for (const CheckpointTensor& tensor : tensors) {
    if (tensor.rule) exchanged.push_back({tensor.names.front(), tensor.shape, *tensor.rule});
  }
  return exchanged;
}

std::string to_json(const Manifest& m) {
  const Json json = {{"format", kFormat},
                     {"format_version", kFormatVersion},
                     {"step", m.step},
                     {"date", m.date},
                     {"program", m.program},
                     {"seats", m.seats},
                     {"trainers", m.trainers},
                     {"optimizer", {{"name", m.optimizer}, {"states", m.states}}},
                     {"data", m.data},
                     {"settings", {{"fixed", Json(m.fixed_settings)}, {"free", Json(m.free_settings)}}},
                     {"account", parse_account(m.account)},
                     {"shards", array_of(m.shards)},
                     {"tensors", array_of(m.tensors)}};
  std::string text = in_lines(json);
  text.resize(text.size() - 2);  // the end of the object, which the digest's member has
  const std::string digest = to_hex(sha256(std::as_bytes(std::span(text))));
  return text.append(kDigestBegin).append(digest).append(kDigestEnd);
}

Manifest read_manifest(const std::filesystem::path& file) {
  const MappedFile mapped(file);
  const std::string_view text(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size());
  const std::optional<Json> json = text.size() <= kMaxBytes ? parse(text, kMaxDepth) : std::nullopt;
  const Json nothing;
  const Reader reader(file, json ? *json : nothing);
  if (!json) reader.refuse("expected the manifest of a checkpoint, found a text that is no JSON, or too much of it");
  require_known_format(reader);
  require_digest(text, reader);
  return read_members(file, *json);
}

}  // namespace runnel
