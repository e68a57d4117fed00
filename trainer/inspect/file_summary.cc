// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/inspect/file_summary.h"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>

#include "runtime/base/file_name.h"
#include "runtime/checkpoint/safetensors.h"
#include "trainer/archive/zip_archive.h"
#include "trainer/arrays/cifar.h"
#include "trainer/arrays/idx.h"
#include "trainer/arrays/npy.h"
#include "trainer/arrays/npz.h"
#include "trainer/arrays/tokens.h"
#include "trainer/inspect/array_images.h"
#include "trainer/inspect/csv_summary.h"
#include "trainer/inspect/file_format.h"
#include "trainer/inspect/folder_summary.h"
#include "trainer/inspect/model_summary.h"
#include "trainer/inspect/suggestion.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNumbersShown = 16;

/// `array`, one text, as lines of it.
Array in_lines(Array array) {
  const auto line = static_cast<std::int64_t>(std::min(kNumbersShown, array.bytes.size() / bytes_of(array.type)));
  array.shape = {array.shape.front() / line, line};
  return array;
}

FileSummary inspect_tokens(const fs::path& path, ElementType type, const InspectOptions& options) {
  const Array tokens = read_tokens(path, type);
  FileSummary summary{.path = path, .format = "tokens"};
  summary.arrays = {summarize(in_lines(tokens), options)};
  summary.arrays.front().shape = tokens.shape;
  // A .npy has its own type; `type` is an option for raw tokens alone.
  summary.configuration = suggest_tokens(path, tokens.type == type ? name_of(type) : "");
  return summary;
}

FileSummary inspect_npy(const fs::path& path, const InspectOptions& options) {
  const Array array = read_npy(path);
  FileSummary summary{.path = path, .format = "NumPy array (npy)", .arrays = {summarize(array, options)}};
  summary.configuration = suggest_arrays("npy", folder_of(path), arrays_beside(path, array));
  return summary;
}

FileSummary inspect_idx(const fs::path& path, const InspectOptions& options) {
  FileSummary summary{.path = path, .format = "IDX array", .arrays = {summarize(read_idx(path), options)}};
  const fs::path folder = folder_of(path);
  summary.configuration = holds_mnist(folder) ? suggest_mnist(folder) : suggest_arrays("idx", folder, summary.arrays);
  return summary;
}

/// One array after the other, so that only one is in memory.
FileSummary inspect_npz(const fs::path& path, const InspectOptions& options) {
  constexpr std::string_view kSuffix = ".npy";
  FileSummary summary{.path = path, .format = "NumPy arrays (npz)"};
  const ZipArchive archive(path);
  for (const ZipMember& member : archive.members()) {
    if (!member.name.ends_with(kSuffix)) continue;
    try {
      const std::string name = member.name.substr(0, member.name.size() - kSuffix.size());
      summary.arrays.push_back(summarize(read_npz(path, {name}).front(), options));
    } catch (const RunError& error) {
      summary.problems.push_back(error);
    }
  }
  summary.configuration = suggest_arrays("npz", path, summary.arrays);
  return summary;
}

FileSummary inspect_safetensors(const fs::path& path, const InspectOptions& options) {
  const auto file = std::make_shared<const SafetensorsFile>(path);
  FileSummary summary{.path = path, .format = "tensors (safetensors)"};
  for (const StoredTensor& tensor : file->tensors()) {
    summary.arrays.push_back(summarize({tensor.name, tensor.type, tensor.shape, tensor.bytes, file}, options));
  }
  const bool is_data = look_like_samples(summary.arrays);
  if (!is_data) std::ranges::for_each(summary.arrays, [](ArraySummary& weights) { weights.samples.clear(); });
  summary.configuration =
      is_data ? suggest_arrays("safetensors", path, summary.arrays) : suggest_model("", "init", path);
  return summary;
}

FileSummary inspect_cifar(const fs::path& path, Cifar kind, const InspectOptions& options) {
  const int classes = kind == Cifar::ten ? 10 : 100;
  FileSummary summary{.path = path, .format = "CIFAR-" + std::to_string(classes) + " (binary)"};
  for (const Array& array : read_cifar(std::array{path}, kind)) summary.arrays.push_back(summarize(array, options));
  summary.configuration = suggest_cifar(folder_of(path), classes);
  return summary;
}

FileSummary inspect_file(const fs::path& path, const InspectOptions& options) {
  if (options.tokens) return inspect_tokens(path, *options.tokens, options);
  switch (find_format(path)) {
    case FileFormat::idx:
      return inspect_idx(path, options);
    case FileFormat::npy:
      return inspect_npy(path, options);
    case FileFormat::npz:
      return inspect_npz(path, options);
    case FileFormat::csv:
      return inspect_csv(path, options);
    case FileFormat::safetensors:
      return inspect_safetensors(path, options);
    case FileFormat::exported_model:
      return inspect_exported_model(path);
    case FileFormat::torch_script:
      return inspect_torch_script(path);
    case FileFormat::cifar10:
      return inspect_cifar(path, Cifar::ten, options);
    case FileFormat::cifar100:
      return inspect_cifar(path, Cifar::hundred, options);
  }
  throw RunError(ExitStatus::internal, "no such format");
}

}  // namespace

FileSummary inspect(const fs::path& path, const InspectOptions& options) {
  std::error_code error;
  return fs::is_directory(path, error) ? inspect_folder(path, options) : inspect_file(path, options);
}

ArraySummary summarize(const Array& array, const InspectOptions& options) {
  ArraySummary summary{.name = array.name, .type = array.type, .shape = array.shape, .range = measure(array)};
  summary.is_image = image_layout(array.type, array.shape).has_value();
  const auto samples = static_cast<std::size_t>(array.shape.empty() ? 1 : array.shape.front());
  if (array.bytes.empty()) return summary;
  const std::size_t elements = array.bytes.size() / bytes_of(array.type) / samples;
  for (std::size_t i = 0; i < std::min(options.samples, samples); ++i) {
    const std::size_t shown = summary.is_image ? elements : std::min(elements, kNumbersShown);
    summary.samples.push_back(numbers_of(array, i * elements, shown));
  }
  return summary;
}

}  // namespace runnel
