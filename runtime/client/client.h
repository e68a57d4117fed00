// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace runnel {

class Bootstrap;

/// A float32 tensor of somebody else's program that its trainers exchange.
struct ClientTensor {
  /// What the generators make of what the trainers hand over.
  enum class Kind : std::uint8_t {
    optimized,  ///< gradients of a parameter, with which the optimizer makes its step; the new parameter comes back
    averaged,   ///< gradients, whose mean comes back
    synced,     ///< values, such as running statistics, whose mean comes back
  };

  std::string name;                 ///< "runnel.…": a binding's own, after all others (`kTensorOfBinding`)
  std::vector<std::int64_t> shape;  ///< each dimension at least 1; none: a scalar
  Kind kind = Kind::optimized;
};

/// How a job runs that somebody else's program trains in.
struct ClientOptions {
  int generators = 1;
  /// `key=value` as for `--set`, of the tables transport, generator, optimizer and run. Those of the first trainer
  /// count in the generators; the others' must be equal.
  std::vector<std::string> settings = {};
  /// Called in every wait, about 20 times a second, on the thread that waits. What it throws comes out of the call that
  /// waits, and ends the run.
  std::function<void()> while_waiting = {};
};

/// A trainer as a library: what a binding for another language needs, without UCX, MPI or LibTorch in its header.
///
/// A step is: `pull`, compute with `values` into `gradients`, `push`. Trainers may make different numbers of steps: one
/// that has called `close` adds zeros, and the run ends when all have. The process stays its owner's: no signal is
/// blocked or read, nothing ends it, every error is an exception with a text.
///
/// Every method that needs the other processes throws `RunError`, also `close`: once one has thrown, all of them throw,
/// as they do in a child of a fork and in another thread than the one that made this. The status is peer_lost when a
/// process is gone (found within 3 s) or late (run.timeout_s, here 1800 s unless set).
class Client {
 public:
  /// Collective: joins the job that `bootstrap` leads to, in which the first `options.generators` ranks are generators
  /// (`serve`). `tensors`: in all trainers the same; of the kind `optimized` first. `start`: the values of each tensor
  /// to start from, those of the first trainer count: all trainers have them in `value` before the first step, also of
  /// kind `averaged`. Throws as `RunError` and `std::invalid_argument` for tensors that make no layout.
  Client(std::unique_ptr<Bootstrap> bootstrap, const std::vector<ClientTensor>& tensors,
         const std::vector<std::span<const float>>& start, const ClientOptions& options);

  /// Without `close` before: tells all other processes that this one has failed, which ends them.
  ~Client();

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Index of this trainer, and how many there are.
  int index() const;
  int count() const;

  /// How many steps with gradients this trainer has handed over.
  std::uint64_t steps() const;

  /// Two buffers and two slots alternate: `which` is 0 or 1, and those of the current step are `buffer()` and `slot()`.
  /// Memory of one tensor. It stays where it is until this is destroyed. Values are only to be read.
  std::span<float> gradient(int which, std::size_t tensor) const;
  std::span<const float> value(int which, std::size_t tensor) const;
  int slot() const;
  int buffer() const;

  /// Waits until the values that the last step has made are there, in `value(buffer(), …)`.
  void pull();

  /// The gradient of `tensor` is complete in `gradient(slot(), …)`: it may go to the generators already. At most once a
  /// tensor and step, after `pull`. Only where nothing is `optimized`: the learning rate comes with `push`.
  void gradient_ready(std::size_t tensor);

  struct Step {
    double loss = 0;            ///< for progress and report; the mean of the trainers' is shown
    std::uint64_t samples = 0;  ///< that the gradients come from
    double lr = 0;              ///< learning rate of the optimizer, in all trainers the same
  };

  /// Hands over all gradients of the current step; the next step begins. Memory of `gradient(slot(), …)` that was not
  /// written keeps what it had two steps ago: it is the caller's to zero.
  void push(const Step& step);

  /// What the optimizer keeps for each element of an optimized tensor, by torch's names: "exp_avg", "exp_avg_sq".
  std::vector<std::string> states() const;

  /// How many steps the optimizer has made: those of this run, after those that were loaded.
  std::uint64_t optimizer_steps() const;

  /// Copies state number `state` of the optimized `tensor` as the last step has left it: waits for that as `pull`.
  /// Before any gradient of the step is handed over. No other process takes part.
  void read_state(std::size_t state, std::size_t tensor, std::span<float> to);

  /// Collective, in place of a step: what every tensor begins the next step with, or state number `state` of the
  /// optimized ones, and how many steps the optimizer has made. In all trainers the same, but for values that are not
  /// optimized: then those of the first trainer that has not closed count. Overwrites `gradient(slot(), …)`; the next
  /// step begins. Throws `std::invalid_argument`, before anything is sent, for another number of tensors or elements.
  void load_values(const std::vector<std::span<const float>>& values);
  void load_state(std::size_t state, const std::vector<std::span<const float>>& values, std::uint64_t optimizer_steps);

  /// Waits until all trainers have called it, adding zeros to their steps, then disconnects. After it, `value(buffer(),
  /// …)` is what the last step of all trainers has made. Once; later calls do nothing.
  void close();

  /// After an error of the program: tells all other processes, which end with `PeerLost` soon. Never throws.
  void fail() noexcept;

  /// A line for each generator: path, transports, and why.
  std::vector<std::string> paths() const;

 private:
  struct Exchange;
  std::unique_ptr<Exchange> exchange_;
};

}  // namespace runnel
