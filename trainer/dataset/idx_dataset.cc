// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/idx_dataset.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <string>

#include "runtime/base/foreign_format.h"
#include "runtime/base/run_error.h"
#include "trainer/dataset/gzip_file.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(ExitStatus status, const fs::path& path, const std::string& what) {
  throw RunError(status, path.string() + ": " + what);
}

std::string hexadecimal(std::uint32_t value) {
  std::array<char, 11> text{};
  std::snprintf(text.data(), text.size(), "0x%08x", value);
  return text.data();
}

/// The kind of file that was found, or else its magic number.
std::string found_instead(const fs::path& path, std::uint32_t magic) {
  std::string beginning(64, '\0');
  std::ifstream(path, std::ios::binary).read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
  const std::string kind = foreign_format(beginning, "data.path is the folder with MNIST's IDX files");
  const bool compressed = beginning.front() == '\x1f';  // then the magic number is of what it contains
  return kind.empty() || compressed ? hexadecimal(magic) : kind;
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

/// An IDX file of unsigned bytes, read from front to end.
class IdxFile {
 public:
  /// Opens the file and checks its header: `item_dimensions` are the sizes after the count of items.
  IdxFile(const fs::path& folder, const std::string& name, std::span<const std::size_t> item_dimensions)
      : path_(find_file(folder, name)), file_(path_) {
    constexpr std::uint32_t kUnsignedBytes = 0x08;
    const auto magic = static_cast<std::uint32_t>(kUnsignedBytes << 8 | (1 + item_dimensions.size()));
    if (const std::uint32_t found = read_u32(); found != magic) {
      fail(ExitStatus::bad_data, path_,
           "expected the IDX magic number " + hexadecimal(magic) + ", found " + found_instead(path_, found));
    }
    count_ = read_u32();
    for (const std::size_t expected : item_dimensions) {
      if (const std::uint32_t found = read_u32(); found != expected) {
        fail(ExitStatus::bad_data, path_,
             "expected images of " + std::to_string(IdxDataset::kRows) + "x" + std::to_string(IdxDataset::kColumns) +
                 " pixels, found a side of " + std::to_string(found));
      }
      item_bytes_ *= expected;
    }
    if (count_ == 0) {
      fail(ExitStatus::bad_data, path_, "expected at least one sample, found none");
    }
    refuse_impossible_length();
  }

  const fs::path& path() const { return path_; }
  std::size_t count() const { return count_; }

  /// All items. Checks that the file ends where the header puts its end.
  std::vector<std::uint8_t> read_all() {
    std::vector<std::uint8_t> items(count_ * item_bytes_);
    read(items);
    std::uint8_t beyond = 0;
    if (read_some({&beyond, 1}) != 0) {
      fail(ExitStatus::bad_data, path_, "expected " + std::to_string(total_bytes()) + " bytes, found more");
    }
    return items;
  }

 private:
  static constexpr std::size_t kReadBytes = 256 * 1024;

  std::uint64_t total_bytes() const { return position_of_items_ + std::uint64_t{count_} * item_bytes_; }

  /// A header may promise terabytes. No file holds more than deflate's best ratio, 1032:1, times its size.
  void refuse_impossible_length() {
    position_of_items_ = position_;
    constexpr std::uint64_t kBestRatio = 1032;
    if (total_bytes() / kBestRatio > fs::file_size(path_)) {
      fail(ExitStatus::bad_data, path_,
           "expected " + std::to_string(total_bytes()) + " bytes for " + std::to_string(count_) +
               " samples, found a file of " + std::to_string(fs::file_size(path_)));
    }
  }

  std::size_t read_some(std::span<std::uint8_t> bytes) {
    const std::size_t got = file_.read(bytes);
    position_ += got;
    return got;
  }

  void read(std::span<std::uint8_t> bytes) {
    while (!bytes.empty()) {
      const std::size_t got = read_some(bytes.first(std::min<std::size_t>(bytes.size(), kReadBytes)));
      if (got == 0) {
        fail(ExitStatus::bad_data, path_,
             "expected " + (position_of_items_ == 0 ? "a header" : std::to_string(total_bytes()) + " bytes") +
                 ", found " + std::to_string(position_) + " bytes");
      }
      bytes = bytes.subspan(got);
    }
  }

  std::uint32_t read_u32() {
    std::array<std::uint8_t, 4> b{};
    read(b);
    return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
  }

  fs::path path_;
  GzipFile file_;
  std::uint64_t position_ = 0;
  std::uint64_t position_of_items_ = 0;
  std::uint32_t count_ = 0;
  std::size_t item_bytes_ = 1;
};

/// The two files of a split, with their headers checked.
struct SplitFiles {
  SplitFiles(const fs::path& folder, Split split)
      : images(folder, prefix(split) + "-images-idx3-ubyte", kImageDimensions),
        labels(folder, prefix(split) + "-labels-idx1-ubyte", {}) {
    if (labels.count() != images.count()) {
      fail(ExitStatus::bad_data, labels.path(),
           "expected " + std::to_string(images.count()) + " labels, as many as the images in " +
               images.path().filename().string() + ", found " + std::to_string(labels.count()));
    }
  }

  static std::string prefix(Split split) { return split == Split::train ? "train" : "t10k"; }

  static constexpr std::array<std::size_t, 2> kImageDimensions = {IdxDataset::kRows, IdxDataset::kColumns};

  IdxFile images;
  IdxFile labels;
};

}  // namespace

IdxDataset::IdxDataset(const Settings& settings)
    : fields_{{.name = "image", .type = at::kFloat, .shape = {1, std::int64_t{kRows}, std::int64_t{kColumns}}},
              {.name = "label", .type = at::kLong, .shape = {}}} {
  const auto mean = static_cast<float>(settings.normalize[0]);
  const auto deviation = static_cast<float>(settings.normalize[1]);
  for (std::size_t pixel = 0; pixel < normalized_.size(); ++pixel) {
    normalized_[pixel] = (static_cast<float>(pixel) / 255.0F - mean) / deviation;
  }
  SplitFiles files(settings.folder, settings.split);
  size_ = static_cast<std::int64_t>(files.images.count());
  if (settings.only_size) return;
  labels_ = files.labels.read_all();
  const auto wrong = std::ranges::find_if(labels_, [](std::uint8_t label) { return label >= kClasses; });
  if (wrong != labels_.end()) {
    fail(ExitStatus::bad_data, files.labels.path(),
         "expected labels below " + std::to_string(kClasses) + ", found " + std::to_string(*wrong) + " for sample " +
             std::to_string(wrong - labels_.begin()));
  }
  images_ = files.images.read_all();
}

void IdxDataset::read(std::span<const std::uint32_t> samples, Batch& batch) const {
  auto* pixels = batch.fields[0].mutable_data_ptr<float>();
  auto* labels = batch.fields[1].mutable_data_ptr<std::int64_t>();
  for (const std::uint32_t sample : samples) {
    pixels =
        std::ranges::transform(image(sample), pixels, [this](std::uint8_t pixel) { return normalized_[pixel]; }).out;
    *labels++ = label(sample);
  }
}

}  // namespace runnel
