// What backward makes again instead of keeping it: the same gradients, from less memory.
#include "core/buffer.h"
#include "core/ops/loss.h"
#include "tests/model/tiny_dit.h"

namespace muybridge {
namespace {

using testing::random_tensor;

constexpr Recompute kAll[] = {Recompute::kNone, Recompute::kAttention, Recompute::kBlock};

struct Example {
  Packing packing;
  PackedText text = pack_captions({"a red ball", ""}, 256);
  Tensor tokens, target;
  Tensor times = Tensor::of<double>({2}, {0.3, 0.8});

  Example(const std::vector<Grid>& grids, std::int64_t rows, std::int64_t token_width)
      : packing(Packing::of(grids, rows)),
        tokens(random_tensor({packing.rows, token_width}, 1)),
        target(random_tensor({packing.rows, token_width}, 2)) {}

  Var loss(const Dit& dit, DType dtype) const {
    const DType wide = accumulator_of(dtype);
    const Var velocity =
        dit(tokens.to(wide), times.to(wide), dit.encode_text(text), dit.layout(packing));
    return squared_error(velocity, target.to(wide), packing.offsets, 0.01).loss;
  }
};

TEST(Recompute, GivesTheSameBitsWhateverIsMadeAgain) {
  const Example example({{2, 2, 3}, {1, 3, 2}}, 20, 8);
  for (const DType dtype : {DType::kF64, DType::kF32, DType::kBF16}) {
    std::vector<double> expected;
    for (const Recompute recompute : kAll) {
      DitOptions options = tiny_dit_options();
      options.recompute = recompute;
      const TinyDit model(options, dtype);
      std::size_t ready = 0;
      backward(example.loss(model.dit, dtype), {},
               {.on_leaf_ready = [&](std::int64_t) { ++ready; }});
      EXPECT_EQ(ready, model.parameters.list().size());
      const std::vector<double> got =
          model.parameters.gradients().to(DType::kF64).to_vector<double>();
      if (recompute == Recompute::kNone) expected = got;
      EXPECT_EQ(got, expected) << name_of(dtype) << " " << static_cast<int>(recompute);
    }
  }
}

// Scales and codes that are made twice are the same.
TEST(Recompute, GivesTheSameBitsInFp8) {
  const Example example({{2, 2, 3}, {1, 3, 2}}, 20, 8);
  std::vector<double> expected;
  for (const Recompute recompute : kAll) {
    DitOptions options = tiny_dit_options();
    options.width = 32;
    options.mlp_width = 48;
    options.linear = BlockProducts::kFp8;
    options.recompute = recompute;
    const TinyDit model(options, DType::kBF16);
    backward(example.loss(model.dit, DType::kBF16));
    const std::vector<double> got =
        model.parameters.gradients().to(DType::kF64).to_vector<double>();
    if (recompute == Recompute::kNone) expected = got;
    EXPECT_EQ(got, expected) << static_cast<int>(recompute);
  }
}

constexpr std::int64_t kWidth = 128, kMlp = 512, kTokens = 512;

// Numbers of f32 that a forward of so many blocks leaves for backward, of each token. The keys of
// the text, its projection and what norms make of it, are counted apart.
struct Kept {
  double all, keys;
};
Kept kept_numbers(Recompute recompute, int depth,
                  BlockProducts linear = BlockProducts::kOfPrecision) {
  DitOptions options = tiny_dit_options();
  options.width = kWidth;
  options.mlp_width = kMlp;
  options.heads = 4;
  options.depth = depth;
  options.recompute = recompute;
  options.linear = linear;
  const TinyDit model(options);
  const Example example({{4, 8, 8}, {4, 8, 8}}, kTokens, options.token_width());
  trim_pool(Device::kCpu);  // blocks of what was before may be larger than what is asked for
  const std::size_t before = pool_statistics(Device::kCpu).in_use_bytes;
  const Var loss = example.loss(model.dit, DType::kF32);
  const auto bytes = static_cast<double>(pool_statistics(Device::kCpu).in_use_bytes - before);
  const NoGradScope no_grad;
  const std::int64_t text_rows = model.dit.encode_text(example.text).packing.rows;
  return {bytes / (sizeof(float) * kTokens),
          4.0 * kWidth * static_cast<double>(text_rows * depth) / kTokens};
}

// Of one block: what the table in docs/layouts.md says, and up to three tenths of the width for
// sums over rows, for conditions, and for what blocks of memory are larger than was asked for.
TEST(Recompute, KeepsOfABlockWhatTheDocumentSays) {
  const auto of_a_block = [](Recompute recompute,
                             BlockProducts linear = BlockProducts::kOfPrecision) {
    const Kept five = kept_numbers(recompute, 5, linear), two = kept_numbers(recompute, 2, linear);
    const bool keeps_keys = recompute != Recompute::kBlock;
    return (five.all - two.all - (keeps_keys ? five.keys - two.keys : 0)) / 3;
  };
  const auto expect_some_more = [](double got, std::int64_t said) {
    EXPECT_GE(got, static_cast<double>(said));
    EXPECT_LT(got, static_cast<double>(said) + 0.3 * kWidth);
  };
  expect_some_more(of_a_block(Recompute::kNone), 18 * kWidth + 2 * kMlp);
  expect_some_more(of_a_block(Recompute::kAttention), 10 * kWidth + 2 * kMlp);
  expect_some_more(of_a_block(Recompute::kBlock), kWidth);
  // Of the inputs of four layers codes of a byte, here in place of four.
  const std::int64_t saved = (3 * kWidth + kMlp) * 3 / 4;
  expect_some_more(of_a_block(Recompute::kNone, BlockProducts::kFp8),
                   18 * kWidth + 2 * kMlp - saved);
  // Those of the MLP alone, since what makes queries, keys and values again keeps its input.
  expect_some_more(of_a_block(Recompute::kAttention, BlockProducts::kFp8),
                   10 * kWidth + 2 * kMlp - (kWidth + kMlp) * 3 / 4);
  expect_some_more(of_a_block(Recompute::kBlock, BlockProducts::kFp8), kWidth);
}

}  // namespace
}  // namespace muybridge
