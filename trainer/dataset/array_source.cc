// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/array_source.h"

#include <algorithm>
#include <set>
#include <utility>

#include "runtime/base/joined.h"
#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"
#include "runtime/checkpoint/safetensors.h"
#include "trainer/arrays/csv.h"
#include "trainer/arrays/idx.h"
#include "trainer/arrays/npy.h"
#include "trainer/arrays/npz.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

/// Names of the files in `folder` that end with `suffix`, without it.
std::set<std::string> names_with(const fs::path& folder, const std::string& suffix) {
  std::error_code error;
  std::set<std::string> names;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code no_file;  // a link that leads nowhere is not an array, and no reason to refuse the others
    if (name.ends_with(suffix) && entry->is_regular_file(no_file)) {
      names.insert(name.substr(0, name.size() - suffix.size()));
    }
  }
  if (!error) return names;
  throw RunError(ExitStatus::input_missing,
                 folder.string() + ": expected a folder of arrays, found " + error.message());
}

/// An array in each file of a folder.
class FolderSource : public ArraySource {
 public:
  explicit FolderSource(fs::path folder) : folder_(std::move(folder)) {}

  std::vector<fs::path> files(const ArrayChoice& choice) const override {
    std::vector<fs::path> files;
    for (const std::string& name : choice.all()) files.push_back(file_of(name));
    return files;
  }

 protected:
  virtual fs::path file_of(const std::string& name) const = 0;

  const fs::path& folder() const { return folder_; }

 private:
  fs::path folder_;
};

class NpySource final : public FolderSource {
 public:
  using FolderSource::FolderSource;

  std::vector<std::string> names() const override {
    const auto names = names_with(folder(), ".npy");
    return {names.begin(), names.end()};
  }

  std::vector<Array> read(const ArrayChoice& choice, bool /*only_headers: the elements are mapped*/) const override {
    std::vector<Array> arrays;
    for (const fs::path& file : files(choice)) arrays.push_back(read_npy(file));
    return arrays;
  }

 private:
  fs::path file_of(const std::string& name) const override { return folder() / (name + ".npy"); }
};

class IdxSource final : public FolderSource {
 public:
  using FolderSource::FolderSource;

  std::vector<std::string> names() const override {
    auto names = names_with(folder(), "");
    for (const std::string& name : names_with(folder(), ".gz")) {
      names.erase(name + ".gz");
      names.insert(name);
    }
    return {names.begin(), names.end()};
  }

  std::vector<Array> read(const ArrayChoice& choice, bool only_headers) const override {
    std::vector<Array> arrays;
    for (const fs::path& file : files(choice)) {
      IdxFile idx(file);
      const std::string name = file.stem().string();
      arrays.push_back(only_headers ? Array{.name = name, .type = idx.type(), .shape = idx.shape()} : idx.read(name));
    }
    return arrays;
  }

 private:
  fs::path file_of(const std::string& name) const override {
    std::error_code error;
    const fs::path packed = folder() / (name + ".gz");
    return !fs::exists(folder() / name, error) && fs::exists(packed, error) ? packed : folder() / name;
  }
};

/// All arrays in one file.
class FileSource : public ArraySource {
 public:
  explicit FileSource(fs::path file) : file_(std::move(file)) {}

  std::vector<fs::path> files(const ArrayChoice&) const override { return {file_}; }

 protected:
  const fs::path& file() const { return file_; }

 private:
  fs::path file_;
};

class NpzSource final : public FileSource {
 public:
  using FileSource::FileSource;

  std::vector<std::string> names() const override { return names_in_npz(file()); }

  std::vector<Array> read(const ArrayChoice& choice, bool only_headers) const override {
    return only_headers ? read_npz_headers(file(), choice.all()) : read_npz(file(), choice.all());
  }
};

class SafetensorsSource final : public FileSource {
 public:
  using FileSource::FileSource;

  std::vector<std::string> names() const override {
    const SafetensorsFile stored(file());
    std::vector<std::string> names;
    for (const StoredTensor& tensor : stored.tensors()) names.push_back(tensor.name);
    return names;
  }

  std::vector<Array> read(const ArrayChoice& choice, bool /*only_headers: the elements are mapped*/) const override {
    const auto stored = std::make_shared<const SafetensorsFile>(file());
    std::vector<Array> arrays;
    for (const std::string& name : choice.all()) {
      const StoredTensor* tensor = stored->find(name);
      if (tensor == nullptr) refuse_name(name, *stored);
      arrays.push_back({tensor->name, tensor->type, tensor->shape, tensor->bytes, stored});
    }
    return arrays;
  }

 private:
  [[noreturn]] void refuse_name(const std::string& name, const SafetensorsFile& stored) const {
    constexpr std::size_t kShown = 300;
    const std::string known = joined(stored.tensors(), ", ", [](const StoredTensor& tensor) { return tensor.name; });
    throw RunError(ExitStatus::bad_data, file().string() + ": expected a tensor \"" + printable(name, 200) +
                                             "\", found " + (known.empty() ? "none" : printable(known, kShown)));
  }
};

class CsvSource final : public FileSource {
 public:
  using FileSource::FileSource;

  /// Without columns that have no name, such as the row numbers that pandas writes before the others.
  std::vector<std::string> names() const override {
    std::vector<std::string> names = names_in_csv(file());
    std::erase(names, "");
    return names;
  }

  std::vector<std::string> field_names(const ArrayChoice& choice) const override {
    return ArrayChoice{{"input"}, choice.target}.all();
  }

  bool rest_is_input() const override { return true; }

  std::vector<Array> read(const ArrayChoice& choice, bool /*only_headers: rows have to be counted*/) const override {
    std::vector<std::vector<std::string>> groups = {choice.inputs};
    if (!choice.target.empty()) groups.push_back({choice.target});
    std::vector<Array> arrays = read_csv_tables(file(), groups);
    arrays.front().name = "input";
    if (!choice.target.empty()) arrays.back().shape.pop_back();
    return arrays;
  }
};

class CifarSource final : public ArraySource {
 public:
  CifarSource(const fs::path& folder, Cifar kind, Split split) : kind_(kind) {
    if (kind == Cifar::hundred) {
      files_ = {folder / (split == Split::train ? "train.bin" : "test.bin")};
    } else if (split == Split::test) {
      files_ = {folder / "test_batch.bin"};
    } else {
      for (const char number : {'1', '2', '3', '4', '5'}) {
        files_.push_back(folder / (std::string("data_batch_") + number + ".bin"));
      }
    }
  }

  std::vector<std::string> names() const override {
    if (kind_ == Cifar::ten) return {"image", "label"};
    return {"image", "label", "coarse"};
  }

  std::vector<fs::path> files(const ArrayChoice&) const override { return files_; }

  std::vector<Array> read(const ArrayChoice& choice, bool only_headers) const override {
    const std::vector<Array> all = only_headers ? read_cifar_headers(files_, kind_) : read_cifar(files_, kind_);
    std::vector<Array> arrays;
    for (const std::string& name : choice.all()) arrays.push_back(*std::ranges::find(all, name, &Array::name));
    return arrays;
  }

 private:
  Cifar kind_;
  std::vector<fs::path> files_;
};

}  // namespace

std::unique_ptr<ArraySource> make_npy_source(const fs::path& folder) {
  return std::make_unique<NpySource>(folder);
}

std::unique_ptr<ArraySource> make_idx_source(const fs::path& folder) {
  return std::make_unique<IdxSource>(folder);
}

std::unique_ptr<ArraySource> make_npz_source(const fs::path& file) {
  return std::make_unique<NpzSource>(file);
}

std::unique_ptr<ArraySource> make_safetensors_source(const fs::path& file) {
  return std::make_unique<SafetensorsSource>(file);
}

std::unique_ptr<ArraySource> make_csv_source(const fs::path& file) {
  return std::make_unique<CsvSource>(file);
}

std::unique_ptr<ArraySource> make_cifar_source(const fs::path& folder, Cifar kind, Split split) {
  return std::make_unique<CifarSource>(folder, kind, split);
}

}  // namespace runnel
