// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <nanobind/nanobind.h>

#include <exception>
#include <memory>
#include <utility>

#include "runtime/bootstrap/bootstrap.h"

namespace runnel::python {

/// A signal handler of Python has raised an exception, such as KeyboardInterrupt, in a wait.
class Interrupted : public std::exception {
 public:
  explicit Interrupted(std::shared_ptr<nanobind::python_error> raised) : raised_(std::move(raised)) {}

  const char* what() const noexcept override { return "a wait was interrupted"; }
  void restore() const { raised_->restore(); }

 private:
  std::shared_ptr<nanobind::python_error> raised_;  // shared, as exceptions are copied
};

/// Runs the handlers of the signals that came meanwhile. Only Python's main thread does; others just hold the GIL.
/// Throws `Interrupted`.
void run_signal_handlers();

/// A bootstrap until a client takes it.
struct BoundBootstrap {
  std::unique_ptr<Bootstrap> held;
};

/// Adds bootstraps, and what a process knows of its place, to the extension.
void bind_bootstraps(nanobind::module_& module);

}  // namespace runnel::python
