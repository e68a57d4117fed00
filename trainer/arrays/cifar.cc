// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/arrays/cifar.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "runtime/base/mapped_file.h"
#include "trainer/arrays/refusal.h"

namespace runnel {
namespace {

constexpr std::size_t kPixels = 3072;

/// A byte in each record, before the pixels.
struct Label {
  std::string name;
  int classes;
  std::vector<std::byte> values = {};
};

std::vector<Label> labels_of(Cifar kind) {
  if (kind == Cifar::ten) return {{"label", 10}};
  return {{"coarse", 20}, {"label", 100}};
}

std::string name_of(Cifar kind) {
  return kind == Cifar::ten ? "CIFAR-10" : "CIFAR-100";
}

void require_records(const std::filesystem::path& path, std::span<const std::byte> bytes, std::size_t record_bytes,
                     Cifar kind) {
  if (!bytes.empty() && bytes.size() % record_bytes == 0) return;
  const std::string remedy = "give the binary version of " + name_of(kind);
  refuse_at(path.string(), bytes.size() / record_bytes * record_bytes,
            "expected records of " + std::to_string(record_bytes) + " bytes to the end of the file, found " +
                found_kind(bytes, remedy, std::to_string(bytes.size()) + " bytes; " + remedy));
}

/// Appends the records of `bytes` to `labels` and `pixels`.
void append(const std::filesystem::path& path, std::span<const std::byte> bytes, Cifar kind, std::vector<Label>& labels,
            std::vector<std::byte>& pixels) {
  std::size_t position = 0;
  while (position < bytes.size()) {
    for (Label& label : labels) {
      const auto value = static_cast<int>(bytes[position]);
      if (value >= label.classes) {
        refuse_at(path.string(), position,
                  "expected \"" + label.name + "\" of " + name_of(kind) + " below " + std::to_string(label.classes) +
                      ", found " + std::to_string(value));
      }
      label.values.push_back(bytes[position++]);
    }
    const auto image = bytes.subspan(position, kPixels);
    pixels.insert(pixels.end(), image.begin(), image.end());
    position += kPixels;
  }
}

/// The files of a data set, mapped.
struct Records {
  Records(std::span<const std::filesystem::path> files, std::size_t record_bytes, Cifar kind) {
    for (const auto& path : files) {
      const auto bytes = mapped.emplace_back(path).bytes();
      require_records(path, bytes, record_bytes, kind);
      count += static_cast<std::int64_t>(bytes.size() / record_bytes);
    }
  }

  std::deque<MappedFile> mapped;  // which do not move
  std::int64_t count = 0;
};

std::vector<std::int64_t> image_shape(std::int64_t count) {
  return {count, 3, 32, 32};
}

}  // namespace

std::vector<Array> read_cifar(std::span<const std::filesystem::path> files, Cifar kind) {
  std::vector<Label> labels = labels_of(kind);
  const Records records(files, labels.size() + kPixels, kind);
  std::vector<std::byte> pixels;
  pixels.reserve(static_cast<std::size_t>(records.count) * kPixels);
  for (std::size_t i = 0; i < files.size(); ++i) append(files[i], records.mapped[i].bytes(), kind, labels, pixels);

  std::vector<Array> arrays;
  arrays.push_back(owning_array("image", ElementType::uint8, image_shape(records.count), std::move(pixels)));
  for (Label& label : labels) {
    arrays.push_back(owning_array(label.name, ElementType::uint8, {records.count}, std::move(label.values)));
  }
  return arrays;
}

std::vector<Array> read_cifar_headers(std::span<const std::filesystem::path> files, Cifar kind) {
  const std::vector<Label> labels = labels_of(kind);
  const Records records(files, labels.size() + kPixels, kind);
  std::vector<Array> arrays = {{.name = "image", .type = ElementType::uint8, .shape = image_shape(records.count)}};
  for (const Label& label : labels) {
    arrays.push_back({.name = label.name, .type = ElementType::uint8, .shape = {records.count}});
  }
  return arrays;
}

}  // namespace runnel
