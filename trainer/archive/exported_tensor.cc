// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/archive/exported_tensor.h"

#include <array>
#include <limits>

#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"

namespace runnel {
namespace {

/// A type, and its number in torch.export's schema.
struct NumberedType {
  std::int64_t number;
  ElementType type;
};

constexpr std::array kTypes = {
    NumberedType{1, ElementType::uint8},    NumberedType{2, ElementType::int8},
    NumberedType{3, ElementType::int16},    NumberedType{4, ElementType::int32},
    NumberedType{5, ElementType::int64},    NumberedType{6, ElementType::float16},
    NumberedType{7, ElementType::float32},  NumberedType{8, ElementType::float64},
    NumberedType{12, ElementType::boolean}, NumberedType{13, ElementType::bfloat16},
};

/// Numbers of a union {"as_int": …} or {"as_expr": …}, where only the first is possible.
std::vector<std::int64_t> fixed_numbers(const JsonView& list) {
  std::vector<std::int64_t> numbers;
  for (const JsonView& element : list.elements()) numbers.push_back(element.at("as_int").integer());
  return numbers;
}

/// Whether all elements lie within `room` elements, and there are no more than that: strides of 0 could otherwise make
/// a huge tensor of a few bytes. Sizes and strides come from a file: each sum and product is checked.
bool fits(const ExportedTensor& tensor, std::uint64_t room) {
  if (tensor.offset < 0 || tensor.sizes.size() != tensor.strides.size()) return false;
  bool empty = false;
  std::int64_t count = 1;
  std::int64_t last = tensor.offset;
  for (std::size_t i = 0; i < tensor.sizes.size(); ++i) {
    const std::int64_t size = tensor.sizes[i], stride = tensor.strides[i];
    std::int64_t reach = 0;
    if (size < 0 || stride < 0) return false;
    empty |= size == 0;
    if (size == 0) continue;
    if (__builtin_mul_overflow(count, size, &count) || __builtin_mul_overflow(size - 1, stride, &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      return false;
    }
  }
  if (empty) return static_cast<std::uint64_t>(tensor.offset) <= room;
  return static_cast<std::uint64_t>(last) < room && static_cast<std::uint64_t>(count) <= room;
}

[[noreturn]] void refuse(const ZipArchive& archive, const std::string& name, const std::string& what) {
  throw RunError(ExitStatus::bad_data, archive.path().string() + ": tensor \"" + printable(name, 200) + "\": " + what);
}

}  // namespace

ElementType read_element_type(const JsonView& number) {
  const std::int64_t value = number.integer();
  std::string names;
  for (const auto& [known, type] : kTypes) {
    if (known == value) return type;
    names.append(names.empty() ? "" : ", ").append(name_of(type));
  }
  number.refuse("a type of elements among " + names + "; found number " + std::to_string(value) +
                " of torch.export's schema");
}

JsonView read_json(const ZipArchive& archive, const std::string& name) {
  // A node takes some 3 KB of text, most of it where it comes from, and 100 values.
  constexpr std::uint64_t kMaxBytes = 256 << 20;
  constexpr std::size_t kMaxDepth = 64;
  constexpr std::size_t kMaxValues = 10'000'000;
  const ZipMember* member = archive.find(name);
  if (member == nullptr) {
    throw RunError(ExitStatus::bad_data,
                   archive.path().string() + ": expected a member \"" + printable(name, 200) + "\"");
  }
  const ZipContents contents = archive.read(*member, kMaxBytes);
  return JsonView::parse(contents.text(), archive.path().string() + ": " + printable(name, 200), kMaxDepth, kMaxValues);
}

ExportedTensors::ExportedTensors(const ZipArchive& archive, const std::string& config)
    : archive_(archive),
      folder_(config.substr(0, config.rfind('/') + 1)),
      config_(read_json(archive, config).at("config")) {}

ExportedTensor ExportedTensors::tensor(const std::string& name) {
  constexpr std::int64_t kStrided = 7;  // Layout in the schema
  const auto entry = config_.find(name);
  if (!entry) refuse(archive_, name, "is not in the archive");
  if (entry->at("use_pickle").boolean()) {
    refuse(archive_, name, "is pickled, which only Python can read; expected raw bytes, as of a plain torch.Tensor");
  }
  const JsonView meta = entry->at("tensor_meta");
  if (meta.at("layout").integer() != kStrided) refuse(archive_, name, "expected a dense tensor, found another layout");
  ExportedTensor tensor{.type = read_element_type(meta.at("dtype")),
                        .sizes = fixed_numbers(meta.at("sizes")),
                        .strides = fixed_numbers(meta.at("strides")),
                        .offset = meta.at("storage_offset").at("as_int").integer(),
                        .requires_grad = meta.at("requires_grad").boolean(),
                        .storage = storage_of(*entry, name)};
  if (!fits(tensor, tensor.storage->bytes().size() / bytes_of(tensor.type))) {
    refuse(archive_, name,
           "its shape needs more than the " + std::to_string(tensor.storage->bytes().size()) +
               " bytes that the archive has for it");
  }
  return tensor;
}

std::shared_ptr<const ZipContents> ExportedTensors::storage_of(const JsonView& entry, const std::string& name) {
  const std::string file = entry.at("path_name").text();
  const auto known = storages_.find(file);
  if (known != storages_.end()) return known->second;
  const ZipMember* member = archive_.find(folder_ + file);
  if (member == nullptr) {
    refuse(archive_, name, "expected its bytes in the member \"" + printable(folder_ + file, 200) + "\", found none");
  }
  auto contents =
      std::make_shared<const ZipContents>(archive_.read(*member, std::numeric_limits<std::uint64_t>::max()));
  storages_.emplace(file, contents);
  return contents;
}

}  // namespace runnel
