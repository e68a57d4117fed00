// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/ucx_setting.h"

#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "transport/status.h"
#include "transport/ucx_handle.h"
#include "transport/ucx_library.h"

namespace runnel {
namespace {

// UCX tells no value of ucx.conf from its own default; this is the default of both settings.
constexpr const char* kDefault = "all";

/// UCX's configuration as text, a line for each setting: "UCX_TLS=all".
std::string configuration() {
  require_supported_ucx();
  ucp_config_t* raw_config = nullptr;
  throw_unless_ok(Status::from_ucx(ucp_config_read(nullptr, nullptr, &raw_config), "ucp_config_read"));
  const UcpConfigHandle config(raw_config);
  char* text = nullptr;
  std::size_t bytes = 0;
  std::FILE* stream = open_memstream(&text, &bytes);
  if (stream == nullptr) throw TransportError(StatusCode::out_of_memory, "UCX's configuration cannot be read");
  ucp_config_print(config.get(), stream, nullptr, UCS_CONFIG_PRINT_CONFIG);
  std::fclose(stream);
  std::string copy(text, bytes);
  std::free(text);
  return copy;
}

}  // namespace

std::optional<std::string> ucx_conf_setting(const std::string& name) {
  const std::string begin = "UCX_" + name + "=";
  if (std::getenv(("UCX_" + name).c_str()) != nullptr) return std::nullopt;
  std::istringstream lines(configuration());
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(begin)) continue;
    line.erase(0, begin.size());
    return line == kDefault ? std::nullopt : std::optional(line);
  }
  return std::nullopt;
}

std::optional<std::string> user_setting(const std::string& name) {
  const char* value = std::getenv(("UCX_" + name).c_str());
  return value != nullptr ? std::optional<std::string>(value) : ucx_conf_setting(name);
}

}  // namespace runnel
