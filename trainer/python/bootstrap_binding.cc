// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// How a process of Python meets the others of its job.
#include "trainer/python/bootstrap_binding.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "runtime/bootstrap/bootstrap_local.h"
#include "runtime/bootstrap/bootstrap_relay.h"
#include "runtime/bootstrap/host.h"
#include "runtime/generator/serve.h"
#include "runtime/launch/launch_place.h"
#include "transport/deadline.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace runnel::python {
namespace {

/// Rank, size and socket of a `LocalPlace`.
using Place = std::tuple<int, int, std::string>;

std::optional<Place> place_from_environment() {
  const auto place = LocalPlace::from_environment();
  if (!place) return std::nullopt;
  return Place{place->rank, place->size, place->socket};
}

std::string fresh_socket() {
  return LocalPlace::fresh(1).socket;
}

/// The all-gather that Python has between the trainers, such as a store of torch.distributed: a callable that takes
/// this one's bytes and what to call while it waits, and gives the bytes of all.
class CalledBootstrap final : public Bootstrap {
 public:
  CalledBootstrap(int rank, int size, nb::object gather) : rank_(rank), size_(size), gather_(std::move(gather)) {}
  ~CalledBootstrap() override {
    const nb::gil_scoped_acquire gil;
    gather_.reset();
  }
  CalledBootstrap(const CalledBootstrap&) = delete;
  CalledBootstrap& operator=(const CalledBootstrap&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> mine, const Deadline& deadline,
                                                 const Meanwhile& meanwhile) override {
    const nb::gil_scoped_acquire gil;
    const nb::object idle = nb::cpp_function([&] {
      if (deadline.expired()) throw BootstrapError("bootstrap: the other trainers did not come in time");
      if (meanwhile) meanwhile();
    });
    const nb::object gathered = gather_(nb::bytes(mine.data(), mine.size()), idle);
    std::vector<std::vector<std::byte>> all;
    for (const nb::handle one : gathered) {
      const auto bytes = nb::cast<nb::bytes>(one);
      const auto* const first = static_cast<const std::byte*>(bytes.data());
      all.emplace_back(first, first + bytes.size());
    }
    return all;
  }

  void barrier(const Deadline& deadline, const Meanwhile& meanwhile) override { all_gather({}, deadline, meanwhile); }

 private:
  int rank_;
  int size_;
  nb::object gather_;
};

std::unique_ptr<LocalBootstrap> meet(const Place& place, std::chrono::minutes longest) {
  const nb::gil_scoped_release released;
  const auto& [rank, size, socket] = place;
  return std::make_unique<LocalBootstrap>(LocalPlace{.rank = rank, .size = size, .socket = socket},
                                          Deadline::after(longest), run_signal_handlers);
}

BoundBootstrap local_bootstrap(const Place& place) {
  return {meet(place, kLongestStart)};
}

/// The host of each trainer.
std::vector<std::string> hosts_of(Bootstrap& trainers) {
  const nb::gil_scoped_release released;
  const std::string own = Host::local().identity;
  std::vector<std::string> hosts;
  for (const auto& one :
       trainers.all_gather(std::as_bytes(std::span(own)), Deadline::after(kLongestStart), run_signal_handlers)) {
    hosts.emplace_back(reinterpret_cast<const char*>(one.data()), one.size());
  }
  return hosts;
}

/// `start`: a callable that gets the indices of generators, starts them on this host, and gives this process's place
/// among them.
BoundBootstrap relay_bootstrap(int rank, int size, nb::object gather, int generators, const nb::object& start) {
  auto trainers = std::make_unique<CalledBootstrap>(rank, size, std::move(gather));
  auto keepers = deal_generators(hosts_of(*trainers), generators);
  nb::list mine;
  for (std::size_t i = 0; i < keepers.size(); ++i) {
    if (keepers[i] == rank) mine.append(i);
  }
  // Its own child processes come at once.
  auto own = nb::len(mine) > 0 ? meet(nb::cast<Place>(start(mine)), std::chrono::minutes(1)) : nullptr;
  return {std::make_unique<RelayHost>(std::move(trainers), std::move(own), std::move(keepers))};
}

}  // namespace

void run_signal_handlers() {
  const nb::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) throw Interrupted(std::make_shared<nb::python_error>());
}

void bind_bootstraps(nb::module_& module) {
  module.def("place_from_environment", &place_from_environment);
  module.def("fresh_socket", &fresh_socket);
  module.def("tasks_without_pmix", &tasks_without_pmix);
  nb::class_<BoundBootstrap>(module, "Bootstrap");
  module.def("local_bootstrap", &local_bootstrap, "place"_a);
  module.def("relay_bootstrap", &relay_bootstrap, "rank"_a, "size"_a, "gather"_a, "generators"_a, "start"_a);
}

}  // namespace runnel::python
