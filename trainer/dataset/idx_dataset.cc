// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/idx_dataset.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/run_error.h"
#include "trainer/arrays/idx.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(ExitStatus status, const fs::path& path, const std::string& what) {
  throw RunError(status, path.string() + ": " + what);
}

/// Where the file is under the name that another distribution of MNIST gives it, and what to do; empty when it is not
/// there. Kaggle has a dot in place of a dash, torchvision folders of its own.
std::string known_elsewhere(const fs::path& folder, const std::string& name) {
  std::string dotted = name;
  dotted[dotted.find("-idx")] = '.';
  std::error_code error;
  for (const char* suffix : {"", ".gz"}) {
    const std::string found = dotted + suffix;
    if (fs::is_regular_file(folder / found, error)) return found + " is there: rename it to " + name + suffix;
    for (const char* inner : {"raw", "MNIST/raw"}) {
      if (fs::is_regular_file(folder / inner / (name + suffix), error)) {
        return "it is in " + (folder / inner).string() + ": set data.path to that";
      }
    }
  }
  return "";
}

/// The plain file, or else the compressed one.
fs::path find_file(const fs::path& folder, const std::string& name) {
  const fs::path plain = folder / name;
  const fs::path compressed = folder / (name + ".gz");
  for (const fs::path& path : {plain, compressed}) {
    std::error_code error;
    if (!fs::exists(path, error)) continue;
    if (fs::is_regular_file(path, error)) return path;
    fail(ExitStatus::bad_data, path, "expected a file of MNIST, found a directory, a pipe or a device");
  }
  const std::string elsewhere = known_elsewhere(folder, name);
  fail(ExitStatus::input_missing, plain,
       "expected this file of MNIST, or " + compressed.filename().string() + ", found neither; " +
           (elsewhere.empty() ? "data.path is the folder that holds them" : elsewhere));
}

/// Opens an IDX file of unsigned bytes, at least one item. `item_shape`: the sizes after the count of items.
IdxFile open_idx(const fs::path& folder, const std::string& name, const std::vector<std::int64_t>& item_shape) {
  constexpr std::uint32_t kUnsignedBytes = 0x08;
  const auto magic = static_cast<std::uint32_t>(kUnsignedBytes << 8 | (1 + item_shape.size()));
  const fs::path path = find_file(folder, name);
  IdxFile file(path, IdxFile::Kind{magic, "data.path is the folder with MNIST's IDX files"});
  for (std::size_t i = 0; i < item_shape.size(); ++i) {
    if (file.shape()[i + 1] == item_shape[i]) continue;
    fail(ExitStatus::bad_data, path,
         "expected images of " + std::to_string(IdxDataset::kRows) + "x" + std::to_string(IdxDataset::kColumns) +
             " pixels, found a side of " + std::to_string(file.shape()[i + 1]));
  }
  if (file.shape().front() == 0) fail(ExitStatus::bad_data, path, "expected at least one sample, found none");
  return file;
}

/// The two files of a split, with their headers checked.
struct SplitFiles {
  SplitFiles(const fs::path& folder, Split split)
      : images(open_idx(folder, prefix(split) + "-images-idx3-ubyte", {IdxDataset::kRows, IdxDataset::kColumns})),
        labels(open_idx(folder, prefix(split) + "-labels-idx1-ubyte", {})) {
    if (labels.shape() != std::vector{images.shape().front()}) {
      fail(ExitStatus::bad_data, labels.path(),
           "expected " + std::to_string(images.shape().front()) + " labels, as many as the images in " +
               fs::path(images.path()).filename().string() + ", found " + std::to_string(labels.shape().front()));
    }
  }

  static std::string prefix(Split split) { return split == Split::train ? "train" : "t10k"; }

  IdxFile images;
  IdxFile labels;
};

void check_labels(const Array& labels, const std::string& path) {
  const auto wrong =
      std::ranges::find_if(labels.bytes, [](std::byte label) { return label >= std::byte{IdxDataset::kClasses}; });
  if (wrong == labels.bytes.end()) return;
  fail(ExitStatus::bad_data, path,
       "expected labels below " + std::to_string(IdxDataset::kClasses) + ", found " +
           std::to_string(static_cast<int>(*wrong)) + " for sample " + std::to_string(wrong - labels.bytes.begin()));
}

Array header_of(const IdxFile& file) {
  return {.type = file.type(), .shape = file.shape()};
}

ArrayDataset::Contents contents_of(const IdxDataset::Settings& settings) {
  SplitFiles files(settings.folder, settings.split);
  const std::string images_path = files.images.path(), labels_path = files.labels.path();
  Array labels = settings.only_size ? header_of(files.labels) : files.labels.read("label");
  check_labels(labels, labels_path);
  Array images = settings.only_size ? header_of(files.images) : files.images.read("image");
  FieldRule image = {.name = "image",
                     .shape = {1, std::int64_t{IdxDataset::kRows}, std::int64_t{IdxDataset::kColumns}},
                     .type = at::kFloat,
                     .divided_by_255 = true,
                     .offset = {settings.normalize[0]},
                     .divisor = {settings.normalize[1]}};
  FieldRule label = {.name = "label", .shape = {}, .type = at::kLong};
  return {.readers = {FieldReader(std::move(images), std::move(image), images_path),
                      FieldReader(std::move(labels), std::move(label), labels_path)},
          .files = {images_path, labels_path}};
}

}  // namespace

IdxDataset::IdxDataset(const Settings& settings) : ArrayDataset(contents_of(settings)) {}

}  // namespace runnel
