// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <type_traits>
#include <vector>

#include "runtime/base/run_error.h"
#include "runtime/config/config.h"
#include "tests/trainer/arrays/array_files.h"
#include "trainer/dataset/batch_builder.h"
#include "trainer/run/registry.h"

namespace runnel::test {

/// A folder with files of a user, read by name.
class FileDatasetFolder : public testing::Test {
 protected:
  std::unique_ptr<Dataset> open(const std::string& name, const std::string& path, const std::string& options,
                                const std::string& more = "test_fraction = 0.5", Split split = Split::train,
                                bool only_size = false) const {
    const std::string text =
        "[data]\nname = '" + name + "'\npath = '" + path + "'\n" + more + "\noptions = { " + options + " }";
    return Registry().make_dataset(parse_config(text, folder_.path() / "test.toml"), split, only_size);
  }

  /// The arrays "x" and "y" of `x.npy` and `y.npy`, all samples.
  Batch read_npy(const std::string& options, std::uint64_t seed = 0, Split split = Split::train) const {
    return read(*open("npy", ".", options, "test_path = '.'", split), seed);
  }

  static Batch read(const Dataset& data, std::uint64_t seed = 0) {
    std::vector<std::uint32_t> samples(static_cast<std::size_t>(data.size()));
    std::iota(samples.begin(), samples.end(), 0U);
    BatchBuilder builder(data, samples.size(), c10::DeviceType::CPU);
    Batch batch = builder.build({.samples = samples, .seed = seed});
    for (at::Tensor& field : batch.fields) field = field.clone();
    return batch;
  }

  template <class Number>
  void write(const std::string& name, const std::string& descr, const std::string& shape,
             const std::vector<std::type_identity_t<Number>>& numbers) const {
    write_bytes(folder_.path() / (name + ".npy"),
                npy_bytes(npy_dictionary(descr, shape), number_bytes<Number>(numbers)));
  }

  template <class Act>
  static std::string error_of(const Act& act, ExitStatus status) {
    try {
      act();
    } catch (const RunError& error) {
      EXPECT_EQ(error.status(), status) << error.what();
      return error.what();
    }
    return "accepted";
  }

  TemporaryFolder folder_;
};

}  // namespace runnel::test
