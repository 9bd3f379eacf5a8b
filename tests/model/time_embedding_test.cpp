#include "model/time_embedding.h"

#include "core/ops/modulation.h"
#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::random_tensor;

constexpr std::int64_t kWidth = 32, kClips = 3;
constexpr int kBlocks = 30;

struct Model {
  Parameters parameters;
  TimeEmbedding embed;
  std::vector<Var> shared;  // by the clips, of each block

  explicit Model(DType dtype) : embed(parameters, kWidth) {
    for (int block = 0; block < kBlocks; ++block)
      shared.push_back(parameters.add({.name = fmt::format("blocks.{}.modulation", block),
                                       .shape = {6, kWidth},
                                       .init = Normal{},
                                       .wide = true}));
    parameters.allocate(dtype, 3);
    const Tensor& projection = embed.projection.weight.value();
    projection.copy_from(random_tensor(projection.shape(), 1, projection.dtype()));
  }

  // Tables of all blocks, then gradients of all parameters, each block sending its own.
  std::vector<Tensor> run() const {
    const auto [time, rows] = embed(Tensor::of<float>({kClips}, {0.25F, 0.5F, 0.501F}));
    std::vector<Tensor> results = {time.value(), rows.value()};
    std::vector<Var> tables;
    for (const Var& own : shared) {
      tables.push_back(modulation_table(rows, own));
      results.push_back(tables.back().value());
    }
    backward(Var::op(Tensor::zeros({1}), tables, [](Inputs in, const Tensor&) {
      for (std::size_t block = 0; block < in.size(); ++block)
        in[block].add_grad(random_tensor(in[block].shape(), 10 + block, in[block].value().dtype()));
    }));
    for (const Parameter& parameter : parameters.list())
      results.push_back(parameter.var.grad().clone());
    return results;
  }
};

// A rounding to bf16 anywhere between the time and the tables, or in their gradients, is off by
// up to 2^-8.
TEST(TimeEmbedding, IsF32InABf16RunFromTheTimeToTheTablesAndBack) {
  const std::vector<Tensor> got = Model(DType::kBF16).run(), want = Model(DType::kF64).run();
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].dtype(), DType::kF32) << i;
    double error = 0, size = 0;
    for (std::int64_t j = 0; j < got[i].numel(); ++j) {
      error += std::pow(got[i].data<float>()[j] - want[i].data<double>()[j], 2);
      size += std::pow(want[i].data<double>()[j], 2);
    }
    EXPECT_LT(std::sqrt(error), 1e-5 * std::sqrt(size)) << "result " << i;
  }
}

}  // namespace
}  // namespace muybridge
