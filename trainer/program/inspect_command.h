// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace runnel {

/// `runnel inspect`: what is in files of data and models, and the configuration that uses them. Thread: the main
/// thread.
class InspectCommand {
 public:
  static constexpr const char* kName = "inspect";

  /// Adds the command to `app`, which parses into this object. `app` outlives it.
  explicit InspectCommand(CLI::App& app);
  InspectCommand(const InspectCommand&) = delete;
  InspectCommand& operator=(const InspectCommand&) = delete;

  /// Prints all files that can be read, then an error for each that cannot. Returns 0, or throws `AlreadyReported`
  /// with the status of the first of these errors.
  int run() const;

  /// What the command line gave.
  struct Options {
    std::vector<std::string> files;
    int samples = 3;
    std::string tokens;  // empty: files are what they look like
    bool json = false;
  };

 private:
  Options options_;
};

}  // namespace runnel
