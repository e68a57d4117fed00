// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <variant>

/// A function of the host that nvcc compiles for the device as well.
#ifdef __CUDACC__
#define RUNNEL_HOST_DEVICE __host__ __device__ inline
#else
#define RUNNEL_HOST_DEVICE inline
#endif

namespace runnel {

/// The arithmetic of the optimizers on one parameter, for the loops of the host and the kernels of a device: one
/// source, so that both compute the same bits. The formulas, with their origin, stand in adadelta.h, sgd.h and adam.h.
///
/// Each is a step's constants and a call, which takes the reduced gradient `g`, the parameter `x` and the parameter's
/// states, changes the states, and gives the new parameter. `kStates` is how many floats of state there are.

struct AdadeltaFormula {
  static constexpr int kStates = 2;
  float rho, one_minus_rho, eps, weight_decay, lr;

  RUNNEL_HOST_DEVICE float operator()(float g, float x, float& square, float& accumulated) const {
    g = g + weight_decay * x;
    const float s = rho * square + one_minus_rho * g * g;
    const float delta = std::sqrt(accumulated + eps) / std::sqrt(s + eps) * g;
    square = s;
    accumulated = rho * accumulated + one_minus_rho * delta * delta;
    return x - lr * delta;
  }
};

struct SgdFormula {
  static constexpr int kStates = 0;
  float weight_decay, lr;

  RUNNEL_HOST_DEVICE float operator()(float g, float x) const {
    g = g + weight_decay * x;
    return x - lr * g;
  }
};

struct MomentumFormula {
  static constexpr int kStates = 1;
  float momentum, weight_decay, lr;

  RUNNEL_HOST_DEVICE float operator()(float g, float x, float& velocity) const {
    g = g + weight_decay * x;
    velocity = momentum * velocity + g;
    return x - lr * velocity;
  }
};

struct AdamFormula {
  static constexpr int kStates = 2;
  bool from_gradient;  ///< the mean is interpolated from the gradient, not from the last mean
  float mean_factor;   ///< 1 - beta1, or from the gradient -beta1
  float beta2, one_minus_beta2, eps;
  float added_decay;           ///< Adam's weight decay, 0 with AdamW
  float keep;                  ///< what AdamW's decay leaves of a parameter, 1 with Adam
  float step_size;             ///< lr / (1 - beta1^t)
  float sqrt_bias_correction;  ///< sqrt(1 - beta2^t)

  RUNNEL_HOST_DEVICE float operator()(float g, float x, float& mean, float& square) const {
    g = g + added_decay * x;
    mean = (from_gradient ? g : mean) + mean_factor * (g - mean);
    square = beta2 * square + one_minus_beta2 * g * g;
    return keep * x - step_size * (mean / (std::sqrt(square) / sqrt_bias_correction + eps));
  }
};

/// The mean over `seats_a` + `seats_b` seats, of which `a` and `b` are means already. Products and sums of equal values
/// are exact in double precision, so that their mean is that value.
RUNNEL_HOST_DEVICE float mean_of_two(float a, double seats_a, float b, double seats_b) {
  return static_cast<float>((seats_a * static_cast<double>(a) + seats_b * static_cast<double>(b)) /
                            (seats_a + seats_b));
}

/// Not an optimizer's: of tensors that are averaged, the mean of the gradients (block_math.h) or their sum is the new
/// value.
struct AverageFormula {
  static constexpr int kStates = 0;
  bool takes_mean;
};

using UpdateFormula = std::variant<AdadeltaFormula, SgdFormula, MomentumFormula, AdamFormula, AverageFormula>;

}  // namespace runnel
