// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/gpt.h"

#include <ATen/ops/dropout.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/normalization.h>

#include <cmath>
#include <cstdint>
#include <string>

#include "runtime/base/run_error.h"
#include "trainer/model/linear_layer.h"
#include "trainer/model/module_model.h"

namespace runnel {
namespace {

using torch::nn::LayerNorm;

struct Shape {
  std::int64_t layers;
  std::int64_t heads;
  std::int64_t width;
  std::int64_t context;
  std::int64_t vocabulary;
  double dropout;
};

LayerNorm norm(const Shape& shape) {
  return LayerNorm(torch::nn::LayerNormOptions({shape.width}));
}

// Between the layers the tokens of all samples are rows, [n * length, width]. LibTorch would reshape longer shapes to
// rows in each linear layer, and Runnel's `linear` takes only rows.

struct Attention : torch::nn::Module {
  explicit Attention(const Shape& of) : shape(of) {}

  at::Tensor forward(const at::Tensor& rows, std::int64_t length) {
    const auto parts = c_attn(rows).view({-1, length, 3, shape.heads, shape.width / shape.heads}).unbind(2);
    const at::Tensor mixed =
        at::scaled_dot_product_attention(parts[0].transpose(1, 2), parts[1].transpose(1, 2), parts[2].transpose(1, 2),
                                         {}, is_training() ? shape.dropout : 0, /*is_causal=*/true);
    return at::dropout(c_proj(mixed.transpose(1, 2).reshape(rows.sizes())), shape.dropout, is_training());
  }

  Shape shape;
  Linear c_attn = register_module("c_attn", Linear(shape.width, 3 * shape.width));
  Linear c_proj = register_module("c_proj", Linear(shape.width, shape.width));
};

struct FeedForward : torch::nn::Module {
  explicit FeedForward(const Shape& of) : shape(of) {}

  at::Tensor forward(const at::Tensor& rows) {
    return at::dropout(c_proj(at::gelu(c_fc(rows))), shape.dropout, is_training());
  }

  Shape shape;
  Linear c_fc = register_module("c_fc", Linear(shape.width, 4 * shape.width));
  Linear c_proj = register_module("c_proj", Linear(4 * shape.width, shape.width));
};

struct Block : torch::nn::Module {
  explicit Block(const Shape& of) : shape(of) {}

  at::Tensor forward(const at::Tensor& rows, std::int64_t length) {
    const at::Tensor attended = rows + attn->forward(ln_1(rows), length);
    return attended + mlp->forward(ln_2(attended));
  }

  Shape shape;
  LayerNorm ln_1 = register_module("ln_1", norm(shape));
  std::shared_ptr<Attention> attn = register_module("attn", std::make_shared<Attention>(shape));
  LayerNorm ln_2 = register_module("ln_2", norm(shape));
  std::shared_ptr<FeedForward> mlp = register_module("mlp", std::make_shared<FeedForward>(shape));
};

/// What nanoGPT's names have under "transformer".
struct Transformer : torch::nn::Module {
  explicit Transformer(const Shape& of) : shape(of) {
    for (std::int64_t layer = 0; layer < shape.layers; ++layer) h->push_back(std::make_shared<Block>(shape));
  }

  Shape shape;
  torch::nn::Embedding wte = register_module("wte", torch::nn::Embedding(shape.vocabulary, shape.width));
  torch::nn::Embedding wpe = register_module("wpe", torch::nn::Embedding(shape.context, shape.width));
  torch::nn::ModuleList h = register_module("h", torch::nn::ModuleList());
  LayerNorm ln_f = register_module("ln_f", norm(shape));
};

struct Gpt : torch::nn::Module {
  explicit Gpt(const Shape& of) : shape(of) {
    constexpr double kDeviation = 0.02;
    // Each layer adds to the rows twice. The size of the sum is not to grow with the number of layers.
    const double deviation_of_sum = kDeviation / std::sqrt(2.0 * static_cast<double>(shape.layers));
    for (const auto& parameter : named_parameters()) {
      if (parameter.key().ends_with("bias")) torch::nn::init::zeros_(parameter.value());
      if (parameter.value().dim() < 2) continue;
      const bool adds = parameter.key().ends_with("c_proj.weight");
      torch::nn::init::normal_(parameter.value(), 0, adds ? deviation_of_sum : kDeviation);
    }
  }

  at::Tensor forward(const at::Tensor& tokens) {
    const std::int64_t length = tokens.size(1);
    if (length > shape.context) {
      throw RunError(ExitStatus::bad_configuration, "key 'model.options.context': expected at least the " +
                                                        std::to_string(length) + " tokens of a sample, found " +
                                                        std::to_string(shape.context));
    }
    const at::Tensor embedded = transformer->wte(tokens) + transformer->wpe->weight.narrow(0, 0, length);
    at::Tensor rows = at::dropout(embedded.flatten(0, 1), shape.dropout, is_training());
    for (const auto& layer : *transformer->h) rows = layer->as<Block>()->forward(rows, length);
    return at::linear(transformer->ln_f(rows), transformer->wte->weight).view({-1, length, shape.vocabulary});
  }

  Shape shape;
  std::shared_ptr<Transformer> transformer = register_module("transformer", std::make_shared<Transformer>(shape));
};

}  // namespace

std::unique_ptr<Model> make_gpt(const Options& options) {
  constexpr OptionRange<std::int64_t> kCount = {.min = 1, .max = 1 << 20};
  constexpr double kBelowOne = 1 - 1e-9;
  constexpr std::int64_t kWidth = 384;
  const Shape shape = {.layers = options.integer("layers", 6, {.min = 1, .max = 1024}),
                       .heads = options.integer("heads", 6, kCount),
                       .width = options.integer("width", kWidth, kCount),
                       .context = options.integer("context", 128, kCount),
                       .vocabulary = options.integer("vocabulary", 256, kCount),
                       .dropout = options.number("dropout", 0, {.min = 0, .max = kBelowOne})};
  if (shape.width % shape.heads != 0) {
    options.fail(shape.width == kWidth ? "heads" : "width", "a width that is a multiple of the heads, here " +
                                                                std::to_string(shape.width) + " and " +
                                                                std::to_string(shape.heads));
  }
  return make_module_model<Gpt>(shape);
}

}  // namespace runnel
