// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/ucx_conf.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include "transport/ucx_library.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "ucx.conf";
constexpr std::string_view kSpace = " \t\r\n\v\f";
constexpr std::array<std::string_view, 3> kFilters = {"CPU vendor", "CPU model", "Product name"};

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

/// A comment inside a line begins with a semicolon after a space.
std::string_view without_comment(std::string_view text) {
  for (std::size_t at = text.find(';'); at != text.npos; at = text.find(';', at + 1)) {
    if (at > 0 && kSpace.find(text[at - 1]) != kSpace.npos) return text.substr(0, at);
  }
  return text;
}

/// Reads one file, line by line.
class Reader {
 public:
  Reader(UcxConf& conf, const fs::path& file) : conf_(conf), file_(file) {}

  void read(std::string_view line) {
    const std::string_view text = trimmed(line);
    if (text.empty() || text.front() == '#' || text.front() == ';') return;
    if (!name_.empty() && line.front() != text.front()) return set(text);  // an indented line is the last name's value
    if (text.front() == '[') return begin_section(text);
    const std::size_t end = without_comment(text).find_first_of("=:");
    if (end == text.npos) return;
    name_ = trimmed(text.substr(0, end));
    set(trimmed(without_comment(text.substr(end + 1))));
  }

 private:
  void begin_section(std::string_view text) {
    const std::size_t end = text.find(']');
    if (end == text.npos) return;
    const std::string_view section = text.substr(1, end - 1);
    if (section != section_) filtered_ = false;
    section_ = section;
    name_.clear();
  }

  void set(std::string_view value) {
    if (std::ranges::find(kFilters, name_) != kFilters.end()) filtered_ = true;
    if (!filtered_) conf_[name_] = {.value = std::string(value), .file = file_};
  }

  UcxConf& conf_;
  const fs::path& file_;
  std::string section_;
  std::string name_;
  bool filtered_ = false;  // the section has a filter
};

}  // namespace

std::vector<fs::path> ucx_conf_files() {
  std::vector<fs::path> files;
  const fs::path library_folder = fs::path(ucx_library_file()).parent_path();
  // A distribution's UCX has this folder compiled in; one with a prefix of its own has the etc beside its lib.
  if (library_folder.string().starts_with("/usr/lib")) files.push_back(fs::path("/etc/ucx") / kFile);
  files.push_back((library_folder / "../etc/ucx" / kFile).lexically_normal());
  for (const char* variable : {"HOME", "UCX_CONFIG_DIR"}) {
    if (const char* folder = std::getenv(variable)) files.push_back(fs::path(folder) / kFile);
  }
  files.push_back(fs::path(".") / kFile);
  return files;
}

void add_ucx_conf(UcxConf& conf, std::istream& text, const fs::path& file) {
  Reader reader(conf, file);
  for (std::string line; std::getline(text, line);) reader.read(line);
}

UcxConf read_ucx_conf() {
  UcxConf conf;
  for (const fs::path& file : ucx_conf_files()) {
    std::ifstream text(file);
    if (text) add_ucx_conf(conf, text, file);
  }
  return conf;
}

}  // namespace runnel
