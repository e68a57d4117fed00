// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/torchscript_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/script.h>

#include <string>

#include "runtime/base/run_error.h"

namespace runnel {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

torch::jit::Module module_of(const std::string& source) {
  torch::jit::Module module("Net");
  module.register_parameter("weight", torch::ones({3, 3}), /*is_buffer=*/false);
  module.register_buffer("mean", torch::zeros({3}));
  module.register_attribute("training", c10::BoolType::get(), true);
  module.register_attribute("calls", c10::IntType::get(), 0);
  module.define(source);
  return module;
}

/// Why the module is refused; empty when it is not.
std::string refusal(const torch::jit::Module& module, c10::Device device = c10::kCPU) {
  try {
    require_supported(module, "net.pt", device);
    return "";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
    EXPECT_THAT(error.what(), StartsWith("net.pt: "));
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    return error.what();
  }
}

/// The same for a `forward` of this body.
std::string refusal_of_body(const std::string& body, c10::Device device = c10::kCPU) {
  return refusal(module_of("def forward(self, x):\n  " + body + "\n"), device);
}

std::string refusal_of_file(const std::string& fixture) {
  return refusal(torch::jit::load(RUNNEL_FIXTURE_FOLDER "/" + fixture));
}

TEST(TorchScriptRuleTest, TakesModulesOfTorchJitScript) {
  for (const char* file :
       {"scripted_cnn.pt", "scripted_transformer.pt", "scripted_batch_norm.pt", "scripted_frozen.pt"})
    EXPECT_EQ(refusal_of_file(file), "") << file;
}

TEST(TorchScriptRuleTest, TakesTracedModulesWithoutDropoutAndNormalization) {
  EXPECT_EQ(refusal_of_file("traced_frozen.pt"), "");
}

TEST(TorchScriptRuleTest, RefusesTracedSwitches) {
  EXPECT_THAT(refusal_of_file("traced_cnn.pt"),
              HasSubstr("module \"drop1\" (functional.py:1443): aten::dropout is the same in training"));
  EXPECT_THAT(refusal_of_file("traced_batch_norm.pt"), HasSubstr("module \"norm\" (functional.py:"));
  EXPECT_THAT(refusal_of_file("traced_transformer.pt"), HasSubstr("make_fixtures.py:"));
  EXPECT_THAT(refusal_of_file("traced_transformer.pt"), HasSubstr("aten::scaled_dot_product_attention is the same"));
}

TEST(TorchScriptRuleTest, RefusesSwitchesOfAllOperations) {
  for (const char* body : {"return torch.dropout(x, 0.5, True)", "return torch.dropout(x, 0.5, False)",
                           "return torch.feature_alpha_dropout(x, 0.5, True)",
                           "return torch.batch_norm(x, None, None, self.mean, self.mean, True, 0.1, 1e-5, False)",
                           "return torch.instance_norm(x, None, None, self.mean, self.mean, True, 0.1, 1e-5, False)",
                           "return torch.rrelu(x, 0.1, 0.3, True)"}) {
    EXPECT_THAT(refusal_of_body(body), HasSubstr("is the same in training and in evaluation")) << body;
  }
}

TEST(TorchScriptRuleTest, TakesSwitchesThatAreComputedOrWithoutEffect) {
  for (const char* body :
       {"return torch.dropout(x, 0.5, self.training)", "return torch.dropout(x, 0.0, True)",
        "return torch.batch_norm(x, None, None, None, None, True, 0.1, 1e-5, False)",
        "return torch.batch_norm(x, None, None, self.mean, self.mean, self.training, 0.1, 1e-5, False)",
        "return torch.scaled_dot_product_attention(x, x, x)"}) {
    EXPECT_EQ(refusal_of_body(body), "") << body;
  }
}

TEST(TorchScriptRuleTest, LooksIntoBranchesSubmodulesAndMethods) {
  EXPECT_THAT(refusal_of_body("if self.training:\n    x = torch.dropout(x, 0.5, True)\n  return x"),
              HasSubstr("aten::dropout"));
  EXPECT_THAT(refusal(module_of("def forward(self, x):\n  return self.helper(x)\n"
                                "def helper(self, x):\n  return torch.dropout(x, 0.5, True)\n")),
              HasSubstr("aten::dropout"));
  torch::jit::Module outer("Outer");
  outer.register_module("inner", module_of("def forward(self, x):\n  return torch.dropout(x, 0.5, True)\n"));
  outer.define("def forward(self, x):\n  return self.inner.forward(x)\n");
  EXPECT_THAT(refusal(outer), HasSubstr("module \"inner\""));
}

TEST(TorchScriptRuleTest, LooksIntoHooks) {
  const auto with_hook = [](const std::string& hook) {
    torch::jit::Module module = module_of("def forward(self, x):\n  return x\n" + hook);
    module.type()->addForwardHook(&module.type()->getMethod("hook"));
    return module;
  };
  const std::string signature = "def hook(self, input: Tuple[Tensor], output: Tensor)";
  EXPECT_EQ(refusal(with_hook(signature + " -> Tensor:\n  return output * 2\n")), "");
  EXPECT_EQ(refusal(with_hook(signature + " -> None:\n  pass\n")), "");
  EXPECT_THAT(refusal(with_hook(signature + " -> int:\n  return 1\n")), HasSubstr("forward returns int; supported"));
  torch::jit::Module outer("Outer");
  outer.register_module("inner", with_hook(signature + " -> Tensor:\n  return torch.dropout(output, 0.5, True)\n"));
  outer.define("def forward(self, x):\n  return self.inner.forward(x)\n");
  EXPECT_THAT(refusal(outer), HasSubstr("module \"inner\""));
}

TEST(TorchScriptRuleTest, RefusesConstantDevicesOtherThanTheRuns) {
  const std::string on_gpu = R"(return x + torch.zeros([3], device=torch.device("cuda:1")))";
  EXPECT_THAT(refusal_of_body(on_gpu), HasSubstr("constant device cuda:1, but the passes run on cpu"));
  EXPECT_THAT(refusal_of_body(on_gpu, c10::Device("cuda:0")), HasSubstr("run on cuda:0"));
  EXPECT_EQ(refusal_of_body(on_gpu, c10::Device("cuda:1")), "");
  const std::string on_any_gpu = R"(return x.to(torch.device("cuda")))";
  EXPECT_THAT(refusal_of_body(on_any_gpu), HasSubstr("constant device cuda,"));
  EXPECT_EQ(refusal_of_body(on_any_gpu, c10::Device("cuda:1")), "");
  EXPECT_EQ(refusal_of_body(R"(return x.to(torch.device("cpu")))"), "");
  EXPECT_EQ(refusal_of_body("return x + torch.zeros([3], device=x.device)"), "");
}

TEST(TorchScriptRuleTest, RefusesWhatAnExchangeWouldNotSee) {
  EXPECT_THAT(refusal_of_body("self.mean = x.mean(0)\n  return x"),
              HasSubstr("assigned to \"mean\", which other processes would not see; write to it with copy_()"));
  EXPECT_EQ(refusal_of_body("self.mean.copy_(x.mean(0))\n  self.calls = self.calls + 1\n  return x"), "");
  EXPECT_THAT(refusal_of_file("scripted_fork.pt"),
              HasSubstr("forward (make_scripts.py:40): torch.jit.fork is not supported"));
}

TEST(TorchScriptRuleTest, CountsInputs) {
  EXPECT_EQ(require_supported(module_of("def forward(self, a, b, mask: Optional[Tensor] = None):\n  return a + b\n"),
                              "net.pt", c10::kCPU),
            2U);
  EXPECT_THAT(refusal(module_of("def forward(self, a, n: int):\n  return a + n\n")),
              HasSubstr("forward takes \"n\" as int; supported are tensors by position"));
  EXPECT_EQ(refusal(module_of("def forward(self, a, b: Optional[Tensor]):\n  return a\n")), "");
}

TEST(TorchScriptRuleTest, RefusesOtherOutputs) {
  for (const char* body :
       {"return [x]", "return {\"a\": x}", "return 1", "return (x, (x, x))", "return (x, 1)", "pass"}) {
    EXPECT_THAT(refusal_of_body(body), HasSubstr("; supported are a tensor and a tuple of tensors")) << body;
  }
  EXPECT_EQ(refusal_of_body("return x, x"), "");
}

TEST(TorchScriptRuleTest, RefusesModulesWithoutParametersOrForward) {
  torch::jit::Module frozen = torch::jit::load(RUNNEL_FIXTURE_FOLDER "/scripted_cnn.pt");
  frozen.eval();
  EXPECT_THAT(refusal(torch::jit::freeze(frozen)), HasSubstr("no parameters; one of torch.jit.freeze has constants"));
  EXPECT_THAT(refusal(module_of("def other(self, x):\n  return x\n")), HasSubstr("has no forward"));
}

}  // namespace
}  // namespace runnel
