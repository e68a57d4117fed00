// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "bench/exchange_place.h"

#include <algorithm>
#include <string>

#include "runtime/device/device_module.h"

namespace runnel {
namespace {

/// On one host every path can be forced; between hosts, UCX takes the best unless TCP is asked for. What the file
/// requires of a run does not end a benchmark of another path. Towards GPUs there is nothing to choose.
Config config_for(const Job& job, const Order& order) {
  Config config = job.config();
  const bool forced = !order.uses_gpus() && (job.one_host() || order.path == Path::emulated);
  config.transport.path = forced ? std::optional(order.path) : std::nullopt;
  config.transport.require = RequiredPath::any;
  return config;
}

/// Of model.name = "mnist-cnn": M = 4 799 528 bytes.
const std::vector<BucketLayout::Tensor> kSmall = {
    {"conv1.weight", {32, 1, 3, 3}}, {"conv1.bias", {32}}, {"conv2.weight", {64, 32, 3, 3}}, {"conv2.bias", {64}},
    {"fc1.weight", {128, 9216}},     {"fc1.bias", {128}},  {"fc2.weight", {10, 128}},        {"fc2.bias", {10}}};

/// Of model.name = "mnist-mlp": 121 159 720 bytes.
const std::vector<BucketLayout::Tensor> kLarge = {{"fc1.weight", {5120, 784}},  {"fc1.bias", {5120}},
                                                  {"fc2.weight", {5120, 5120}}, {"fc2.bias", {5120}},
                                                  {"fc3.weight", {10, 5120}},   {"fc3.bias", {10}}};

bool on_gpu(const Job& job, const Order& order) {
  return job.group().self().role == Role::generator ? order.generator_on_gpu : order.trainers_on_gpu;
}

std::unique_ptr<Device> device_for(const Job& job, const Order& order) {
  if (!on_gpu(job, order)) return nullptr;
  const CudaFound found = find_cuda();
  if (found.devices == 0) throw RunError(ExitStatus::bad_configuration, found.reason);
  std::unique_ptr<Device> device = open_cuda(job.group().self().rank % found.devices);
  device->bind_thread();
  return device;
}

}  // namespace

ExchangePlace::ExchangePlace(Job& job, const Order& order)
    : config_(config_for(job, order)),
      layout_(order.large ? kLarge : kSmall, static_cast<std::size_t>(config_.transport.bucket_bytes),
              static_cast<std::size_t>(config_.generator.count)),
      device_(device_for(job, order)),
      group_(job.introduce(id_of(device_.get()))),
      staging_(device_ ? layout_.float_count() : 0) {}

void ExchangePlace::fill(std::span<float> tensors, float value) {
  const std::span<float> target = device_ ? std::span(staging_) : tensors;
  std::ranges::fill(target, value);
  if (device_)
    device_->copy_now(std::as_writable_bytes(tensors).data(), std::as_bytes(target).data(), tensors.size_bytes());
}

std::span<const float> ExchangePlace::on_host(std::span<const float> tensors) {
  if (!device_) return tensors;
  device_->copy_now(std::as_writable_bytes(std::span(staging_)).data(), std::as_bytes(tensors).data(),
                    tensors.size_bytes());
  return staging_;
}

}  // namespace runnel
