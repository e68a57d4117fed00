// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/resnet.h"

#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/max_pool2d.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>

#include <cstdint>
#include <string>
#include <vector>

#include "trainer/model/linear_layer.h"
#include "trainer/model/module_model.h"

namespace runnel {
namespace {

using torch::nn::BatchNorm2d;
using torch::nn::Conv2d;

Conv2d convolution(std::int64_t in, std::int64_t out, std::int64_t size, std::int64_t stride) {
  return Conv2d(torch::nn::Conv2dOptions(in, out, size).stride(stride).padding(size / 2).bias(false));
}

/// Two convolutions, added to their input.
struct Block : torch::nn::Module {
  Block(std::int64_t in, std::int64_t out, std::int64_t stride)
      : conv1(register_module("conv1", convolution(in, out, 3, stride))),
        bn1(register_module("bn1", BatchNorm2d(out))),
        conv2(register_module("conv2", convolution(out, out, 3, 1))),
        bn2(register_module("bn2", BatchNorm2d(out))) {
    if (stride == 1 && in == out) return;
    downsample =
        register_module("downsample", torch::nn::Sequential(convolution(in, out, 1, stride), BatchNorm2d(out)));
  }

  at::Tensor forward(const at::Tensor& input) {
    const at::Tensor x = bn2(conv2(bn1(conv1(input)).relu_()));
    return x.add(downsample ? downsample->forward(input) : input).relu_();
  }

  Conv2d conv1;
  BatchNorm2d bn1;
  Conv2d conv2;
  BatchNorm2d bn2;
  torch::nn::Sequential downsample = nullptr;
};

struct Shape {
  std::int64_t channels;  ///< of the images
  std::int64_t classes;
  std::int64_t width;                ///< of the first stage; each further one is twice as wide
  std::vector<std::int64_t> blocks;  ///< of each stage
  bool large_images;                 ///< a quarter of the height and width before the first stage
};

struct ResNet : torch::nn::Module {
  explicit ResNet(const Shape& shape)
      : large_images(shape.large_images),
        conv1(register_module("conv1", large_images ? convolution(shape.channels, shape.width, 7, 2)
                                                    : convolution(shape.channels, shape.width, 3, 1))),
        bn1(register_module("bn1", BatchNorm2d(shape.width))) {
    std::int64_t in = shape.width;
    std::int64_t out = shape.width;
    for (const std::int64_t blocks : shape.blocks) {
      torch::nn::Sequential stage;
      for (std::int64_t i = 0; i < blocks; ++i) {
        stage->push_back(std::make_shared<Block>(in, out, i == 0 && !stages.empty() ? 2 : 1));
        in = out;
      }
      stages.push_back(register_module("layer" + std::to_string(stages.size() + 1), stage));
      out *= 2;
    }
    fc = register_module("fc", Linear(in, shape.classes));
    for (const auto& module : modules(/*include_self=*/false)) {
      if (const auto* conv = module->as<Conv2d>()) {
        torch::nn::init::kaiming_normal_(conv->weight, 0, torch::kFanOut, torch::kReLU);
      }
    }
  }

  at::Tensor forward(const at::Tensor& images) {
    at::Tensor x = bn1(conv1(images)).relu_();
    if (large_images) x = at::max_pool2d(x, 3, 2, 1);
    for (auto& stage : stages) x = stage->forward(x);
    return fc(at::adaptive_avg_pool2d(x, {1, 1}).flatten(1));
  }

  bool large_images;
  Conv2d conv1;
  BatchNorm2d bn1;
  std::vector<torch::nn::Sequential> stages;
  Linear fc = nullptr;
};

}  // namespace

std::unique_ptr<Model> make_resnet(const Options& options) {
  constexpr OptionRange<std::int64_t> kCount = {.min = 1, .max = 1 << 20};
  Shape shape = {.channels = options.integer("channels", 3, kCount),
                 .classes = options.integer("classes", 10, kCount),
                 .width = 16,
                 .blocks = {},
                 .large_images = false};
  switch (const std::int64_t depth = options.integer("depth", 20)) {
    case 18:
      shape.width = 64;
      shape.blocks = {2, 2, 2, 2};
      shape.large_images = true;
      break;
    case 20:
    case 32:
    case 56:
      shape.blocks.assign(3, (depth - 2) / 6);
      break;
    default:
      options.fail("depth", "18, 20, 32 or 56");
  }
  return make_module_model<ResNet>(shape);
}

}  // namespace runnel
