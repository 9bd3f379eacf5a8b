#pragma once

#include <string>

#include "core/cuda/attention_graph.h"
#include "core/cuda/convolution_graph.h"
#include "core/dtype.h"
#include "core/system/file.h"

namespace muybridge::cuda {

inline DescribedChip h100() {
  return {.json = read_file(std::string(MUYBRIDGE_SOURCE_DIR) + "/tests/cuda_plans/h100.json"),
          .version = 90,
          .multiprocessors = 132};
}

constexpr AttentionPlanKey kForward{.batch = 1,
                                    .heads = 6,
                                    .head_width = 64,
                                    .longest_query = 1024,
                                    .longest_key = 1024,
                                    .query_rows = 1024,
                                    .key_rows = 1024,
                                    .q_stride = 1152,
                                    .k_stride = 1152,
                                    .v_stride = 1152,
                                    .dq_stride = 0,
                                    .dk_stride = 0,
                                    .dv_stride = 0};
constexpr AttentionPlanKey backward_of(AttentionPlanKey key) {
  key.dq_stride = key.q_stride, key.dk_stride = key.k_stride, key.dv_stride = key.v_stride;
  return key;
}
constexpr AttentionPlanKey kBackward = backward_of(kForward);
constexpr ConvolutionPlanKey kConvolution{.shape = {.size = {4, 32, 32},
                                                    .channels = 32,
                                                    .kernel = {3, 3, 3},
                                                    .results = 64,
                                                    .stride = {1, 1, 1},
                                                    .before = {2, 1, 1},
                                                    .after = {0, 1, 1}},
                                          .part = ConvolutionPart::kForward,
                                          .dtype = static_cast<std::int64_t>(DType::kBF16),
                                          .has_bias = 1};

}  // namespace muybridge::cuda
