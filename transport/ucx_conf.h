// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <istream>
#include <map>
#include <string>
#include <vector>

namespace runnel {

/// A value that a ucx.conf gives a setting, and that file.
struct UcxConfValue {
  std::string value;
  std::filesystem::path file;

  bool operator==(const UcxConfValue&) const = default;
};

/// By the setting's full name, for example "UCX_RNDV_THRESH".
using UcxConf = std::map<std::string, UcxConfValue>;

/// Where the UCX in use looks for a ucx.conf, the one that wins last. Not all of them exist.
std::vector<std::filesystem::path> ucx_conf_files();

/// Adds what `text`, the content of `file`, sets, over what `conf` has. Reads as UCX does, but for one thing: UCX alone
/// can tell whether a filter of a section ("CPU model=…") holds on this machine, so what follows one is left out.
void add_ucx_conf(UcxConf& conf, std::istream& text, const std::filesystem::path& file);

/// What all of `ucx_conf_files()` set. A file that cannot be read sets nothing.
UcxConf read_ucx_conf();

}  // namespace runnel
