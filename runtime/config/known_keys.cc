// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/config/known_keys.h"

#include <algorithm>
#include <vector>

#include "runtime/base/nearest_word.h"
#include "runtime/config/config_schema.h"

namespace runnel {
namespace {

// Where a path's last name begins.
std::size_t name_offset(std::string_view path) {
  return path.rfind('.') + 1;
}

// The paths of all keys and tables.
std::vector<std::string_view> known_paths() {
  std::vector<std::string_view> paths;
  for (const ConfigKey& key : config_keys()) {
    for (std::size_t dot = 0; (dot = key.path.find('.', dot + 1)) != std::string_view::npos;) {
      paths.push_back(key.path.substr(0, dot));
    }
    paths.push_back(key.path);
  }
  return paths;
}

}  // namespace

bool is_known_table(std::string_view path) {
  return std::ranges::any_of(config_keys(), [path](const ConfigKey& key) {
    return key.path.size() > path.size() && key.path.starts_with(path) && key.path[path.size()] == '.';
  });
}

std::string suggestion(std::string_view path) {
  const std::string_view table = path.substr(0, name_offset(path));
  const std::string_view name = path.substr(name_offset(path));
  const std::vector<std::string_view> known = known_paths();
  std::vector<std::string_view> names;
  std::vector<std::string_view> neighbours;
  for (const std::string_view other : known) {
    names.push_back(other.substr(name_offset(other)));
    if (other.substr(0, name_offset(other)) == table) neighbours.push_back(names.back());
  }
  std::string_view nearest = nearest_word(name, neighbours);
  if (!nearest.empty()) return ", did you mean '" + std::string(table) + std::string(nearest) + "'?";
  nearest = nearest_word(name, names);
  if (nearest.empty()) return "";
  return ", did you mean '" + std::string(known[std::ranges::find(names, nearest) - names.begin()]) + "'?";
}

}  // namespace runnel
