// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/telemetry/run_account.h"

#include <utility>

namespace runnel {
namespace {

Quantiles quantiles_of(std::span<const double> samples) {
  return quantiles({samples.begin(), samples.end()});
}

}  // namespace

RunAccount::RunAccount(const Config& config, RunReport::Software software) {
  report_.software = std::move(software);
  report_.config = config;
}

void RunAccount::reserve(std::size_t steps) {
  step_ms_.reserve(steps);
  data_ms_.reserve(steps);
  report_.loss.reserve(steps);
}

void RunAccount::step(const Step& step) {
  samples_ += step.samples;
  step_ms_.push_back(1e3 * step.seconds);
  data_ms_.push_back(1e-6 * static_cast<double>(step.data_ns));
  report_.seconds.train += step.seconds;
  report_.loss.emplace_back(step.step, step.loss);
  report_.steps = step.step + 1;
  report_.gradients = report_.steps * report_.config.trainer.seat_count();
  report_.epochs = step.epoch + 1;
}

void RunAccount::test(const RunReport::Test& test, double seconds) {
  report_.seconds.test += seconds;
  report_.test = test;
}

void RunAccount::checkpoints(std::span<const double> ms, std::span<const double> exposed_ms) {
  report_.checkpoint_ms = quantiles_of(ms);
  report_.checkpoint_exposed_ms = quantiles_of(exposed_ms);
}

void RunAccount::finish(const Exchange& exchange, double total_seconds) {
  report_.step_ms = quantiles_of(step_ms_);
  report_.data_ms = quantiles_of(data_ms_);
  report_.exchange_ms = quantiles_of(exchange.exchange_ms);
  report_.exposed_ms = quantiles_of(exchange.exposed_ms);
  report_.bytes.staged = exchange.staged_bytes;
  if (report_.seconds.train > 0) report_.samples_per_second = static_cast<double>(samples_) / report_.seconds.train;
  report_.seconds.total = total_seconds;
}

}  // namespace runnel
