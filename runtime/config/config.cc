// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/config/config.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "runtime/base/utf8.h"
#include "runtime/config/config_reader.h"
#include "runtime/config/toml_document.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& file) {
  const auto fail_reading = [&file](const std::string& reason) {
    throw ConfigError(ExitStatus::input_missing, printable(file.string(), 4096) + ": cannot read the configuration: " +
                                                     reason + "; give a TOML file such as trainer/configs/mnist.toml");
  };
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (!fs::exists(status)) fail_reading(error ? error.message() : std::strerror(ENOENT));
  if (!fs::is_regular_file(status)) fail_reading("not a regular file");
  std::ifstream stream(file, std::ios::binary);
  if (!stream) fail_reading(std::strerror(errno));
  // One byte more than the parser accepts, so that it can reject a larger file.
  std::string text(kMaxTomlBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

}  // namespace

Config load_config(const fs::path& file, const ConfigOptions& options) {
  return parse_config(file.empty() ? "" : read_text(file), file, options);
}

Config parse_config(std::string_view text, const fs::path& name, const ConfigOptions& options) {
  ConfigReader reader;
  if (!text.empty()) reader.add_file(text, name);
  for (const std::string& set : options.sets) reader.add_set(set);
  return reader.finish(options);
}

}  // namespace runnel
