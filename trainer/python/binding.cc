// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// The extension runnel._binding: `Client` for Python. What is pleasant to use is in src/runnel.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "runnel_version.h"
#include "runtime/base/run_error.h"
#include "runtime/client/client.h"
#include "trainer/python/bootstrap_binding.h"
#include "transport/status.h"
#include "transport/ucx_library.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace runnel::python {
namespace {

using Floats = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using WritableFloats = nb::ndarray<float, nb::c_contig, nb::device::cpu>;
using Array = nb::ndarray<nb::numpy, float>;
using ReadOnlyArray = nb::ndarray<nb::numpy, const float>;
/// Name, shape and kind of a tensor.
using Tensor = std::tuple<std::string, std::vector<std::int64_t>, int>;

/// Sets Python's error indicator to the exception of runnel.errors for `status`.
void raise(ExitStatus status, const char* text) {
  const nb::object error = nb::module_::import_("runnel.errors").attr("from_status")(static_cast<int>(status), text);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
}

/// Sets the indicator for an exception of the runtime.
void raise_thrown(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Interrupted& error) {
    error.restore();
  } catch (const RunError& error) {
    raise(error.status(), error.what());
  } catch (const TransportError& error) {
    raise(status_of(error), error.what());
  }
}

/// What it does not catch is for nanobind's own translators, and none of these knows an exception of Python.
void translate(const std::exception_ptr& thrown, void* /*unused*/) {
  try {
    raise_thrown(thrown);
  } catch (nb::python_error& error) {  // of a signal that came meanwhile: its handler runs in `raise`
    error.restore();
  }
}

std::vector<std::span<const float>> spans_of(const std::vector<Floats>& arrays) {
  std::vector<std::span<const float>> spans;
  for (const Floats& one : arrays) spans.emplace_back(one.data(), one.size());
  return spans;
}

/// `Client` with Python's types. Every call that may wait lets other threads of Python run.
class BoundClient {
 public:
  BoundClient(BoundBootstrap& bootstrap, int generators, const std::vector<Tensor>& tensors,
              const std::vector<Floats>& start, std::vector<std::string> settings) {
    for (const auto& [name, shape, kind] : tensors) {
      tensors_.push_back({name, shape, static_cast<ClientTensor::Kind>(kind)});
    }
    const auto values = spans_of(start);
    const ClientOptions options = {
        .generators = generators, .settings = std::move(settings), .while_waiting = run_signal_handlers};
    const nb::gil_scoped_release released;
    client_ = std::make_unique<Client>(std::move(bootstrap.held), tensors_, values, options);
  }

  Client* operator->() const { return client_.get(); }

  std::vector<std::size_t> shape(std::size_t tensor) const {
    const auto& shape = tensors_.at(tensor).shape;
    return {shape.begin(), shape.end()};
  }

 private:
  std::vector<ClientTensor> tensors_;
  std::unique_ptr<Client> client_;
};

// Arrays keep the client alive, whose memory they are.

Array gradient(nb::handle_t<BoundClient> self, int which, std::size_t tensor) {
  const auto& client = nb::cast<const BoundClient&>(self);
  const auto shape = client.shape(tensor);
  return Array(client->gradient(which, tensor).data(), shape.size(), shape.data(), self);
}

ReadOnlyArray value(nb::handle_t<BoundClient> self, int which, std::size_t tensor) {
  const auto& client = nb::cast<const BoundClient&>(self);
  const auto shape = client.shape(tensor);
  return ReadOnlyArray(client->value(which, tensor).data(), shape.size(), shape.data(), self);
}

/// For torch, which has no tensors that are only to be read.
Array writable_value(nb::handle_t<BoundClient> self, int which, std::size_t tensor) {
  const auto& client = nb::cast<const BoundClient&>(self);
  const auto shape = client.shape(tensor);
  return Array(const_cast<float*>(client->value(which, tensor).data()), shape.size(), shape.data(), self);
}

// Arrays belong to the interpreter: the GIL is released only once their addresses are known.

void read_state(const BoundClient& self, std::size_t state, std::size_t tensor, const WritableFloats& to) {
  const std::span<float> target(to.data(), to.size());
  const nb::gil_scoped_release released;
  self->read_state(state, tensor, target);
}

void load_values(const BoundClient& self, const std::vector<Floats>& values) {
  const auto spans = spans_of(values);
  const nb::gil_scoped_release released;
  self->load_values(spans);
}

void load_state(const BoundClient& self, std::size_t state, const std::vector<Floats>& values, std::uint64_t steps) {
  const auto spans = spans_of(values);
  const nb::gil_scoped_release released;
  self->load_state(state, spans, steps);
}

/// What goes on between steps.
void bind_states(nb::class_<BoundClient>& client) {
  client.def("states", [](const BoundClient& self) { return self->states(); })
      .def("optimizer_steps", [](const BoundClient& self) { return self->optimizer_steps(); })
      .def("read_state", &read_state, "state"_a, "tensor"_a, "to"_a)
      .def("load_values", &load_values, "values"_a)
      .def("load_state", &load_state, "state"_a, "values"_a, "optimizer_steps"_a);
}

void bind_steps(nb::class_<BoundClient>& client) {
  using Released = nb::call_guard<nb::gil_scoped_release>;
  client
      .def(nb::init<BoundBootstrap&, int, const std::vector<Tensor>&, const std::vector<Floats>&,
                    std::vector<std::string>>(),
           "bootstrap"_a, "generators"_a, "tensors"_a, "start"_a, "settings"_a)
      .def("index", [](const BoundClient& self) { return self->index(); })
      .def("count", [](const BoundClient& self) { return self->count(); })
      .def("steps", [](const BoundClient& self) { return self->steps(); })
      .def("slot", [](const BoundClient& self) { return self->slot(); })
      .def("buffer", [](const BoundClient& self) { return self->buffer(); })
      .def("paths", [](const BoundClient& self) { return self->paths(); })
      .def("gradient", &gradient, "which"_a, "tensor"_a)
      .def("value", &value, "which"_a, "tensor"_a)
      .def("writable_value", &writable_value, "which"_a, "tensor"_a)
      .def(
          "pull", [](const BoundClient& self) { self->pull(); }, Released())
      .def(
          "gradient_ready", [](const BoundClient& self, std::size_t tensor) { self->gradient_ready(tensor); },
          "tensor"_a, Released())
      .def(
          "push",
          [](const BoundClient& self, double loss, std::uint64_t samples, double lr) {
            self->push({.loss = loss, .samples = samples, .lr = lr});
          },
          "loss"_a, "samples"_a, "lr"_a, Released())
      .def(
          "close", [](const BoundClient& self) { self->close(); }, Released())
      .def(
          "fail", [](const BoundClient& self) { self->fail(); }, Released());
}

}  // namespace

NB_MODULE(_binding, module) {
  require_supported_ucx();       // becomes an ImportError
  nb::set_leak_warnings(false);  // at exit an array may still be held, and with it its client
  nb::register_exception_translator(translate);
  module.attr("version") = kVersion;
  module.attr("ucx_file") = ucx_library_file();
  bind_bootstraps(module);
  nb::class_<BoundClient> client(module, "Client");
  bind_steps(client);
  bind_states(client);
}

}  // namespace runnel::python
