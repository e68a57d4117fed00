// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/bootstrap/bootstrap.h"
#include "runtime/client/client.h"

/// A job of `Client`s whose gradients a formula gives.
namespace runnel::test {

/// Adapts the bootstrap of a peer process, which outlives it.
class BorrowedBootstrap final : public Bootstrap {
 public:
  explicit BorrowedBootstrap(Bootstrap& lender) : lender_(lender) {}

  int rank() const override { return lender_.rank(); }
  int size() const override { return lender_.size(); }
  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> mine, const Deadline& deadline,
                                                 const Meanwhile& meanwhile) override {
    return lender_.all_gather(mine, deadline, meanwhile);
  }
  void barrier(const Deadline& deadline, const Meanwhile& meanwhile) override { lender_.barrier(deadline, meanwhile); }

 private:
  Bootstrap& lender_;
};

using Kind = ClientTensor::Kind;

inline const std::vector<ClientTensor> kTensors = {{"weight", {61, 1000}, Kind::optimized},
                                                   {"bias", {7}, Kind::optimized},
                                                   {"scalar", {}, Kind::averaged},
                                                   {"mean", {33, 31}, Kind::synced}};

inline std::size_t size_of(const ClientTensor& tensor) {
  std::size_t size = 1;
  for (const auto dimension : tensor.shape) size *= static_cast<std::size_t>(dimension);
  return size;
}

inline float start_value(std::size_t tensor, std::size_t i) {
  return 1.0F + static_cast<float>((i + 13 * tensor) % 97) / 97.0F;
}

/// Depends on the value, so that a trainer that computed with another version is found out.
inline float handed_over(int trainer, std::uint64_t step, std::size_t i, float value) {
  const std::uint64_t mixed = (i + 1) * 0x9e3779b97f4a7c15 ^ (step + 1) * 0xbf58476d1ce4e5b9;
  return (static_cast<float>((mixed >> 40) % 1001) / 1001.0F - 0.5F + 0.1F * value) /
         static_cast<float>(3 * trainer + 1);
}

inline std::vector<std::vector<float>> start_values(int trainer) {
  std::vector<std::vector<float>> values;
  for (std::size_t tensor = 0; tensor < kTensors.size(); ++tensor) {
    auto& value = values.emplace_back(size_of(kTensors[tensor]));
    // Only the first trainer's count.
    for (std::size_t i = 0; i < value.size(); ++i) value[i] = trainer == 0 ? start_value(tensor, i) : -7.0F;
  }
  return values;
}

/// Joins the job of a peer process with the tensors above.
inline std::unique_ptr<Client> join(Bootstrap& bootstrap, const ClientOptions& options) {
  const auto values = start_values(bootstrap.rank() - options.generators);
  return std::make_unique<Client>(std::make_unique<BorrowedBootstrap>(bootstrap), kTensors,
                                  std::vector<std::span<const float>>(values.begin(), values.end()), options);
}

/// Fails a peer process.
inline void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

/// The gradients of a step.
inline void compute(Client& client) {
  for (std::size_t tensor = kTensors.size(); tensor-- > 0;) {
    const auto value = client.value(client.buffer(), tensor);
    const auto gradient = client.gradient(client.slot(), tensor);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      gradient[i] = handed_over(client.index(), client.steps(), i, value[i]);
    }
  }
}

/// From a peer's arguments: generators, path, what is its own, settings.
inline ClientOptions options_of(const std::vector<std::string>& arguments) {
  ClientOptions options{
      .generators = std::stoi(arguments.at(0)),
      .settings = {"optimizer.name=sgd", "transport.bucket_bytes=16384", "transport.path=" + arguments.at(1)}};
  for (std::size_t i = 3; i < arguments.size(); ++i) options.settings.push_back(arguments[i]);
  return options;
}

}  // namespace runnel::test
