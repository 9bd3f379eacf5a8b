// cuDNN compiles its plans for an H100 that is not there: which convolutions it has kernels for,
// and how much workspace they take. No values, no speed.
#include <gtest/gtest.h>

#include <cctype>
#include <string>

#include "core/error.h"
#include "tests/cuda_plans/small_plans.h"

namespace muybridge::cuda {
namespace {

struct Problem {
  const char* what;
  ConvolutionShape shape;
};

constexpr ConvolutionShape over(const Extents3& size, std::int64_t channels, const Extents3& kernel,
                                std::int64_t results, const Extents3& stride = {1, 1, 1},
                                const Extents3& before = {0, 0, 0},
                                const Extents3& after = {0, 0, 0}) {
  return {size, channels, kernel, results, stride, before, after};
}

// Of Wan2.1's autoencoder over a chunk of 4 frames of 480 x 832, and odd ones.
constexpr Extents3 kOne{1, 1, 1}, kAround{0, 1, 1};
constexpr Problem kProblems[] = {
    {"pixels in", over({6, 480, 832}, 3, {3, 3, 3}, 96, kOne, kAround, kAround)},
    {"96 channels", over({6, 480, 832}, 96, {3, 3, 3}, 96, kOne, kAround, kAround)},
    {"96 to 192", over({6, 240, 416}, 96, {3, 3, 3}, 192, kOne, kAround, kAround)},
    {"384 channels", over({3, 60, 104}, 384, {3, 3, 3}, 384, kOne, kAround, kAround)},
    {"zeros ahead", over({4, 480, 832}, 96, {3, 3, 3}, 96, kOne, {2, 1, 1}, kAround)},
    {"half the size", over({4, 480, 832}, 96, {1, 3, 3}, 96, {1, 2, 2}, {0, 0, 0}, kAround)},
    {"half the frames", over({5, 60, 104}, 192, {3, 1, 1}, 192, {2, 1, 1})},
    {"twice the frames", over({3, 60, 104}, 384, {3, 1, 1}, 768)},
    {"after enlarging", over({4, 480, 832}, 192, {1, 3, 3}, 96, kOne, kAround, kAround)},
    {"a place alone", over({4, 60, 104}, 32, kOne, 32)},
    {"latents in", over({3, 60, 104}, 16, {3, 3, 3}, 384, kOne, kAround, kAround)},
    {"pixels out", over({6, 480, 832}, 96, {3, 3, 3}, 3, kOne, kAround, kAround)},
    {"odd channels", over({3, 15, 17}, 10, {3, 3, 3}, 7, kOne, kAround, kAround)},
};

class ConvolutionPlans : public ::testing::TestWithParam<Problem> {};

TEST_P(ConvolutionPlans, HaveKernelsWithinTheirWorkspace) {
  for (const DType dtype : {DType::kBF16, DType::kF32})
    for (const ConvolutionPart part : {ConvolutionPart::kForward, ConvolutionPart::kInputGradient,
                                       ConvolutionPart::kWeightGradient})
      for (const bool has_bias : {false, true}) {
        if (has_bias && part != ConvolutionPart::kForward) continue;
        const ConvolutionGraph graph({.shape = GetParam().shape,
                                      .part = part,
                                      .dtype = static_cast<std::int64_t>(dtype),
                                      .has_bias = has_bias},
                                     h100());
        EXPECT_LE(graph.workspace_bytes(),
                  dtype == DType::kBF16 ? 64 << 20 : kMostConvolutionWorkspace);
      }
}

INSTANTIATE_TEST_SUITE_P(H100, ConvolutionPlans, ::testing::ValuesIn(kProblems),
                         [](const auto& instance) {
                           std::string name;
                           for (const char each : std::string_view(instance.param.what))
                             if (std::isalnum(static_cast<unsigned char>(each))) name += each;
                           return name;
                         });

}  // namespace
}  // namespace muybridge::cuda
