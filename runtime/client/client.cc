// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/client/client.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <thread>
#include <utility>

#include "runtime/base/digest.h"
#include "runtime/base/joined.h"
#include "runtime/base/run_error.h"
#include "runtime/bootstrap/bootstrap.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/client/trainer_client.h"
#include "runtime/config/config.h"
#include "runtime/config/optimizer_states.h"
#include "runtime/fabric/job_description.h"
#include "runtime/fabric/job_layout.h"
#include "runtime/launch/process_policy.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/protocol/control_layout.h"
#include "transport/deadline.h"

namespace runnel {
namespace {

using Kind = ClientTensor::Kind;

JobDescription describe(const std::vector<ClientTensor>& tensors, const std::vector<std::string>& settings) {
  JobDescription description{.tensors = {}, .settings = settings};
  for (const ClientTensor& tensor : tensors) {
    description.tensors.push_back(
        {tensor.name, tensor.shape, tensor.kind == Kind::optimized ? TensorRule::optimize : TensorRule::average});
  }
  return description;
}

std::uint64_t digest_of(std::span<const std::span<const float>> values) {
  std::vector<std::span<const std::byte>> parts;
  for (const auto& value : values) parts.push_back(std::as_bytes(value));
  const Sha256 digest = sha256(parts);
  std::uint64_t number = 0;
  std::memcpy(&number, digest.data(), sizeof number);
  return number;
}

Deadline deadline_of(const Config& config) {
  return Deadline::after(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(config.run.timeout_s)));
}

}  // namespace

struct Client::Exchange {
  Exchange(std::unique_ptr<Bootstrap> meeting, const std::vector<ClientTensor>& its_tensors,
           const ClientOptions& options)
      : pid(getpid()),
        bootstrap(std::move(meeting)),
        tensors(its_tensors),
        process({.owned = false, .while_waiting = options.while_waiting}),
        mine(describe(tensors, options.settings)),
        config(config_of(mine, bootstrap->size(), options.generators)),
        deadline(deadline_of(config)),
        layout(layout_of(mine.tensors, config)),
        group(meet(options.generators)),
        client(*bootstrap, group, layout, config, deadline, {.process = process}) {}

  PeerGroup meet(int generators) {
    // What all ranks find wrong alike is thrown in all trainers: each has a user of its own.
    bootstrap->report_errors();
    share_description(*bootstrap, &mine, generators, deadline, process.while_waiting);
    return PeerGroup::introduce(*bootstrap, make_introduction(config, layout.fingerprint(), DeviceId::cpu()),
                                generators, deadline);
  }

  std::span<float> part(std::span<float> all, std::size_t tensor) const {
    const ByteRange bytes = layout.tensors().at(tensor).bytes;
    return all.subspan(bytes.begin / sizeof(float), bytes.size() / sizeof(float));
  }

  /// Runs `work` unless something has failed before, or this is another process; from its first exception on, all
  /// fails.
  template <class Work>
  void run(Work&& work) {
    require_usable();
    try {
      work();
    } catch (const std::exception& error) {
      failure = error.what();
      throw;
    } catch (...) {  // what an interpreter throws through a wait
      failure = "a wait was interrupted";
      throw;
    }
  }

  void require_usable() const {
    if (getpid() != pid) {
      throw RunError(ExitStatus::usage, "process " + std::to_string(getpid()) + " was forked from process " +
                                            std::to_string(pid) +
                                            ", which takes part in the run; use the exchange there");
    }
    if (!is_on_its_thread()) {
      throw RunError(ExitStatus::usage, "the exchange belongs to the thread that made it; use it there");
    }
    if (closed) throw RunError(ExitStatus::usage, "the exchange is closed; no step can follow");
    if (!failure.empty()) throw RunError(ExitStatus::peer_lost, "the run has ended before: " + failure);
  }

  bool is_on_its_thread() const { return std::this_thread::get_id() == thread; }

  /// Throws unless `values` are of the first `count` tensors.
  void require_sizes(const std::vector<std::span<const float>>& values, std::size_t count) const {
    if (values.size() != count) {
      throw std::invalid_argument("values of " + std::to_string(values.size()) + " tensors instead of " +
                                  std::to_string(count));
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (values[i].size_bytes() == layout.tensors()[i].bytes.size()) continue;
      throw std::invalid_argument(tensors[i].name + ": " + std::to_string(values[i].size()) + " values instead of " +
                                  std::to_string(layout.tensors()[i].bytes.size() / sizeof(float)));
    }
  }

  /// A step in which the slot holds `content`, whose values these are.
  void hand_over(std::uint64_t content, const std::vector<std::span<const float>>& values, std::uint64_t digest) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      std::ranges::copy(values[i], part(client.gradients(client.slot()), i).begin());
    }
    client.push({.batches = 0, .content = content, .optimizer_steps = optimizer_steps, .digest = digest});
  }

  /// A step of a trainer that has no more: zeros, and of synced tensors the values that they have.
  void hand_over_nothing() {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const auto to = part(client.gradients(client.slot()), i);
      if (tensors[i].kind == Kind::synced) {
        std::ranges::copy(part(client.parameters(client.buffer()), i), to.begin());
      } else {
        std::ranges::fill(to, 0.0F);
      }
    }
    client.push({.batches = 0, .leaving = true});
  }

  pid_t pid;
  std::thread::id thread = std::this_thread::get_id();
  std::unique_ptr<Bootstrap> bootstrap;
  std::vector<ClientTensor> tensors;
  ProcessPolicy process;
  JobDescription mine;
  Config config;
  Deadline deadline;
  BucketLayout layout;
  PeerGroup group;
  TrainerClient client;
  std::size_t optimized = static_cast<std::size_t>(std::ranges::count(tensors, Kind::optimized, &ClientTensor::kind));
  std::uint64_t steps = 0;
  std::uint64_t optimizer_steps = 0;
  std::string failure;  // the first exception's
  bool closed = false;
};

Client::Client(std::unique_ptr<Bootstrap> bootstrap, const std::vector<ClientTensor>& tensors,
               const std::vector<std::span<const float>>& start, const ClientOptions& options)
    : exchange_(std::make_unique<Exchange>(std::move(bootstrap), tensors, options)) {
  exchange_->run([&] {
    exchange_->require_sizes(start, tensors.size());
    exchange_->client.decide_steps();
    exchange_->client.pull();
    exchange_->hand_over(SlotContent::kParameters, start, /*digest=*/0);
    exchange_->client.pull();
  });
}

Client::~Client() {
  if (!exchange_->closed) fail();
  // A child of a fork has none of the threads that this ends, and UCX is its own thread's.
  if (getpid() != exchange_->pid || !exchange_->is_on_its_thread()) (void)exchange_.release();
}

int Client::index() const {
  return exchange_->group.self().index;
}

int Client::count() const {
  return exchange_->group.trainers();
}

std::uint64_t Client::steps() const {
  return exchange_->steps;
}

std::span<float> Client::gradient(int which, std::size_t tensor) const {
  return exchange_->part(exchange_->client.gradients(which), tensor);
}

std::span<const float> Client::value(int which, std::size_t tensor) const {
  return exchange_->part(exchange_->client.parameters(which), tensor);
}

int Client::slot() const {
  return exchange_->client.slot();
}

int Client::buffer() const {
  const int next = exchange_->client.buffer();
  return exchange_->closed ? 1 - next : next;  // the step in which all have left makes no values
}

void Client::pull() {
  exchange_->run([&] { exchange_->client.pull(); });
}

void Client::gradient_ready(std::size_t tensor) {
  exchange_->run([&] { exchange_->client.gradient_ready(tensor); });
}

void Client::push(const Step& step) {
  exchange_->run([&] {
    exchange_->client.push({.loss = step.loss, .batches = 1, .samples = step.samples, .lr = step.lr});
    ++exchange_->steps;
    ++exchange_->optimizer_steps;
  });
}

std::vector<std::string> Client::states() const {
  const auto names = optimizer_states(exchange_->config.optimizer);
  return {names.begin(), names.end()};
}

std::uint64_t Client::optimizer_steps() const {
  return exchange_->optimizer_steps;
}

void Client::read_state(std::size_t state, std::size_t tensor, std::span<float> to) {
  exchange_->require_usable();
  if (state >= states().size() || tensor >= exchange_->optimized) {
    throw std::invalid_argument("no state " + std::to_string(state) + " of tensor " + std::to_string(tensor));
  }
  const ByteRange bytes = exchange_->layout.tensors()[tensor].bytes;
  if (to.size_bytes() != bytes.size()) throw std::invalid_argument(exchange_->tensors[tensor].name + ": another size");
  exchange_->run([&] { exchange_->client.read_state(state, bytes.begin / sizeof(float), to); });
}

void Client::load_values(const std::vector<std::span<const float>>& values) {
  exchange_->require_usable();
  exchange_->require_sizes(values, exchange_->tensors.size());
  exchange_->run([&] {
    exchange_->client.pull();
    exchange_->hand_over(SlotContent::kParameters, values, digest_of(std::span(values).first(exchange_->optimized)));
  });
}

void Client::load_state(std::size_t state, const std::vector<std::span<const float>>& values,
                        std::uint64_t optimizer_steps) {
  exchange_->require_usable();
  if (state >= states().size()) throw std::invalid_argument("no state " + std::to_string(state));
  exchange_->require_sizes(values, exchange_->optimized);
  exchange_->run([&] {
    exchange_->client.pull();
    exchange_->optimizer_steps = optimizer_steps;
    exchange_->hand_over(SlotContent::kFirstState + state, values, digest_of(values));
  });
}

void Client::close() {
  if (exchange_->closed) return;
  exchange_->run([&] {
    TrainerClient& client = exchange_->client;
    client.pull();
    client.end_trace();
    for (; !client.is_over(); client.pull()) exchange_->hand_over_nothing();
    client.confirm_end();
  });
  exchange_->closed = true;
}

void Client::fail() noexcept {
  if (exchange_->closed || getpid() != exchange_->pid) return;
  if (exchange_->failure.empty()) exchange_->failure = "this process has failed";
  exchange_->client.fail();
}

std::vector<std::string> Client::paths() const {
  std::vector<std::string> lines;
  for (const PathReport& path : exchange_->client.paths()) {
    lines.push_back(std::string(to_string(path.path)) + " (" + joined(path.transports, " ") + "), " + path.reason);
  }
  return lines;
}

}  // namespace runnel
