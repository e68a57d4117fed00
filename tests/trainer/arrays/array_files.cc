// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/trainer/arrays/array_files.h"

#include <gmock/gmock.h>

#include "runtime/base/run_error.h"

namespace runnel::test {

Bytes text_bytes(std::string_view text) {
  return {text.begin(), text.end()};
}

Bytes npy_bytes(std::string_view dictionary, const Bytes& elements, std::uint8_t major) {
  Bytes bytes = {0x93, 'N', 'U', 'M', 'P', 'Y', major, 0};
  const std::size_t length = dictionary.size() + 1;
  for (std::size_t i = 0; i < (major == 1 ? 2 : 4); ++i) bytes.push_back(static_cast<std::uint8_t>(length >> 8 * i));
  bytes.insert(bytes.end(), dictionary.begin(), dictionary.end());
  bytes.push_back('\n');
  bytes.insert(bytes.end(), elements.begin(), elements.end());
  return bytes;
}

std::string npy_dictionary(const std::string& descr, const std::string& shape) {
  return "{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + ", }";
}

std::string refusal(const Bytes& bytes, const std::function<void(const std::filesystem::path&)>& read,
                    const std::string& name) {
  const TemporaryFolder folder;
  const auto path = folder.path() / name;
  write_bytes(path, bytes);
  try {
    read(path);
    return "";
  } catch (const RunError& error) {
    const std::string text = error.what();
    EXPECT_EQ(error.status(), ExitStatus::bad_data) << text;
    EXPECT_THAT(text, testing::StartsWith(path.string() + ": "));
    EXPECT_THAT(text, Not(testing::HasSubstr("\n")));
    return text.substr(path.string().size() + 2);
  }
}

}  // namespace runnel::test
