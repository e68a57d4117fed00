// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/objectives.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/l1_loss.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/nll_loss_nd.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/run_error.h"
#include "trainer/compute/metrics.h"
#include "trainer/torch/tensor_text.h"

namespace runnel {
namespace {

std::string text_of(const at::Tensor& tensor) {
  return tensor_text(tensor.scalar_type(), tensor.sizes());
}

[[noreturn]] void refuse(const std::string& objective, const std::string& expected, const at::Tensor& output,
                         const at::Tensor& target) {
  throw RunError(ExitStatus::bad_configuration, "key 'objective.name': " + objective + " expects " + expected +
                                                    ", found an output " + text_of(output) + " and a target " +
                                                    text_of(target));
}

const at::Tensor& first_of(std::span<const at::Tensor> outputs) {
  if (!outputs.empty() && outputs.front().defined()) return outputs.front();
  throw RunError(ExitStatus::bad_configuration, "key 'objective.name': expected a model with an output, found none");
}

/// An objective whose tests measure what the option `metrics` names.
class MeasuredObjective : public Objective {
 public:
  std::vector<std::string> metrics() const override { return metrics_; }
  double metric(std::size_t index, const Score::Sum& sum) const override { return metric_value(metrics_[index], sum); }

 protected:
  explicit MeasuredObjective(std::vector<std::string> metrics) : metrics_(std::move(metrics)) {}

  template <class Measured>
  void add_metrics(Score& score, const Measured& measured) const {
    for (std::size_t i = 0; i < metrics_.size(); ++i) add_metric(metrics_[i], score.metrics[i], measured);
  }

 private:
  std::vector<std::string> metrics_;
};

class Classification final : public MeasuredObjective {
 public:
  Classification(const Options& options, bool log_probabilities)
      : MeasuredObjective(options.words("metrics", {"accuracy"}, classification_metrics())),
        name_(log_probabilities ? "nll" : "cross_entropy"),
        log_probabilities_(log_probabilities),
        classes_last_(options.word("classes", "second", {"second", "last"}) == "last"),
        ignored_(options.integer("ignore_index", -100)),
        smoothing_(log_probabilities ? 0 : options.number("label_smoothing", 0, {0, 1})) {}

  at::Tensor loss(std::span<const at::Tensor> outputs, const Batch& batch) override {
    const at::Tensor scores = scores_of(outputs, batch);
    if (log_probabilities_ && !std::exchange(checked_, true)) require_log_probabilities(scores.detach());
    return losses(scores, batch.target(), at::Reduction::Mean);
  }

  void add_to(Score& score, std::span<const at::Tensor> outputs, const Batch& batch) override {
    const at::Tensor scores = scores_of(outputs, batch);
    const at::Tensor each = losses(scores, batch.target(), at::Reduction::None).flatten();
    const at::Tensor rows = scores.dim() == 2 ? scores : scores.movedim(1, -1).flatten(0, -2);
    Classified all = {.scores = rows, .classes = batch.target().flatten(), .losses = each};
    if (const at::Tensor counted = all.classes.ne(ignored_); !counted.all().item<bool>()) {
      all = {.scores = all.scores.index({counted}),
             .classes = all.classes.index({counted}),
             .losses = each.index({counted})};
    }
    score.loss.sum += all.losses.sum(at::kDouble).item<double>();
    score.loss.count += all.losses.numel();
    add_metrics(score, all);
  }

 private:
  /// The classes in the second dimension.
  at::Tensor scores_of(std::span<const at::Tensor> outputs, const Batch& batch) const {
    const at::Tensor& target = batch.target();
    const at::Tensor scores = classes_last_ ? first_of(outputs).movedim(-1, 1) : first_of(outputs);
    const bool fits = scores.dim() == target.dim() + 1 && scores.dim() >= 2 && target.scalar_type() == at::kLong &&
                      scores.size(0) == target.size(0) && scores.sizes().slice(2) == target.sizes().slice(1);
    if (!fits) refuse(name_, "scores [n, classes, …] and classes int64 [n, …]", first_of(outputs), target);
    return scores;
  }

  /// Other scores would have a loss, too, without a lower limit.
  static void require_log_probabilities(const at::Tensor& scores) {
    constexpr double kRounding = 0.01;
    const double largest = scores.numel() == 0 ? 0 : scores.max().item<double>();
    if (!(largest > kRounding)) return;
    throw RunError(ExitStatus::bad_configuration,
                   "key 'objective.name': nll expects log-probabilities, which are not above 0, found " +
                       std::to_string(largest) + "; for scores choose objective.name = \"cross_entropy\"");
  }

  at::Tensor losses(const at::Tensor& scores, const at::Tensor& target, at::Reduction::Reduction reduction) const {
    if (log_probabilities_) return at::nll_loss_nd(scores, target, {}, reduction, ignored_);
    return at::cross_entropy_loss(scores, target, {}, reduction, ignored_, smoothing_);
  }

  std::string name_;
  bool log_probabilities_;
  bool classes_last_;
  std::int64_t ignored_;
  double smoothing_;
  bool checked_ = false;  // in the first batch
};

/// An objective on output and target of the same shape.
class Regression : public MeasuredObjective {
 public:
  at::Tensor loss(std::span<const at::Tensor> outputs, const Batch& batch) override {
    const at::Tensor target = target_of(outputs, batch);
    if (!std::exchange(checked_, true)) check(target);
    return losses_(first_of(outputs), target, at::Reduction::Mean);
  }

  void add_to(Score& score, std::span<const at::Tensor> outputs, const Batch& batch) override {
    const at::Tensor target = target_of(outputs, batch);
    score.loss.sum += losses_(first_of(outputs), target, at::Reduction::None).sum(at::kDouble).item<double>();
    score.loss.count += target.numel();
    measure(score, first_of(outputs), target);
  }

 protected:
  using LossFunction = at::Tensor (*)(const at::Tensor& output, const at::Tensor& target, std::int64_t reduction);

  Regression(std::string name, LossFunction losses, std::vector<std::string> metrics)
      : MeasuredObjective(std::move(metrics)), name_(std::move(name)), losses_(losses) {}

 private:
  /// Throws `RunError` for targets that no output has as its best.
  virtual void check(const at::Tensor&) const {}

  virtual void measure(Score& score, const at::Tensor& output, const at::Tensor& target) const {
    add_metrics(score, Differences{output, target});
  }

  /// A model with one output has [n, 1] where a column of a table is [n].
  at::Tensor target_of(std::span<const at::Tensor> outputs, const Batch& batch) const {
    const at::Tensor& output = first_of(outputs);
    const bool is_column = output.dim() == batch.target().dim() + 1 && output.size(-1) == 1;
    const at::Tensor target = is_column ? batch.target().unsqueeze(-1) : batch.target();
    if (output.sizes() != target.sizes()) refuse(name_, "output and target of one shape", output, batch.target());
    return target.to(output.scalar_type());
  }

  std::string name_;
  LossFunction losses_;
  bool checked_ = false;  // the targets of the first batch
};

/// Measures how far outputs are from their targets.
class DistanceRegression final : public Regression {
 public:
  DistanceRegression(const Options& options, std::string name, LossFunction losses)
      : Regression(std::move(name), losses, options.words("metrics", {"mae"}, regression_metrics())) {}
};

/// Accuracy: the share of values whose score has the sign of its target minus a half.
class BinaryClassification final : public Regression {
 public:
  explicit BinaryClassification(const Options& options)
      : Regression(
            "bce_with_logits",
            [](const at::Tensor& output, const at::Tensor& target, std::int64_t reduction) {
              return at::binary_cross_entropy_with_logits(output, target, {}, {}, reduction);
            },
            options.words("metrics", {"accuracy"}, {"accuracy"})) {}

 private:
  void check(const at::Tensor& target) const override {
    const at::Tensor wrong = target.masked_select(target.lt(0).logical_or(target.gt(1)));
    if (wrong.numel() == 0) return;
    throw RunError(ExitStatus::bad_configuration,
                   "key 'objective.name': bce_with_logits expects targets from 0 to 1, found " +
                       std::to_string(wrong[0].item<double>()) + "; compare the range that `runnel inspect` prints");
  }

  void measure(Score& score, const at::Tensor& output, const at::Tensor& target) const override {
    if (metrics().empty()) return;
    score.metrics[0].count += target.numel();
    score.metrics[0].sum += static_cast<double>(output.gt(0).eq(target.gt(0.5)).sum().item<std::int64_t>());
  }
};

class OutputLoss final : public Objective {
 public:
  at::Tensor loss(std::span<const at::Tensor> outputs, const Batch&) override {
    if (first_of(outputs).numel() == 1) return first_of(outputs).reshape({});
    throw RunError(ExitStatus::bad_configuration,
                   "key 'objective.name': output expects a model whose first output is the loss, a scalar; found " +
                       text_of(first_of(outputs)));
  }

  void add_to(Score& score, std::span<const at::Tensor> outputs, const Batch& batch) override {
    score.loss.sum += loss(outputs, batch).item<double>() * static_cast<double>(batch.size());
    score.loss.count += batch.size();
  }
};

}  // namespace

std::unique_ptr<Objective> make_nll(const Options& options) {
  return std::make_unique<Classification>(options, /*log_probabilities=*/true);
}

std::unique_ptr<Objective> make_cross_entropy(const Options& options) {
  return std::make_unique<Classification>(options, /*log_probabilities=*/false);
}

std::unique_ptr<Objective> make_mse(const Options& options) {
  return std::make_unique<DistanceRegression>(options, "mse", at::mse_loss);
}

std::unique_ptr<Objective> make_l1(const Options& options) {
  return std::make_unique<DistanceRegression>(options, "l1", at::l1_loss);
}

std::unique_ptr<Objective> make_bce_with_logits(const Options& options) {
  return std::make_unique<BinaryClassification>(options);
}

std::unique_ptr<Objective> make_output_loss(const Options&) {
  return std::make_unique<OutputLoss>();
}

}  // namespace runnel
