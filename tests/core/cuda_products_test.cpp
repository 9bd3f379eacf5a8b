// Products and attention on CUDA against their CPU twins.
#include "core/error.h"
#include "core/ops/activation.h"
#include "core/ops/attention/attention.h"
#include "core/ops/attention/attention_part.h"
#include "core/ops/attention/relative_attention.h"
#include "core/ops/convolution/convolution.h"
#include "core/ops/norm.h"
#include "core/ops/product/linear.h"
#include "core/ops/product/linear_fp8.h"
#include "core/ops/product/matmul.h"
#include "core/ops/product/quantize.h"
#include "core/ops/residual.h"
#include "tests/core/cuda_twin.h"

namespace muybridge {
namespace {

TEST_F(CudaTwin, MatmulOfEveryKind) {
  struct Extents {
    std::int64_t m, n, k;
  };
  for (const Extents e : {Extents{37, 21, 50}, Extents{256, 384, 128}, Extents{1, 8, 3}})
    for (const DType dtype : kFloats)
      for (const DType out : {dtype, accumulator_of(dtype)})
        for (int kind = 0; kind < 16; ++kind) {
          const Trans ta = kind & 1 ? Trans::kYes : Trans::kNo,
                      tb = kind & 2 ? Trans::kYes : Trans::kNo;
          const Tensor a = draw(kind & 1 ? Shape{e.k, e.m} : Shape{e.m, e.k}, dtype),
                       b = draw(kind & 2 ? Shape{e.n, e.k} : Shape{e.k, e.n}, dtype),
                       c = draw({e.m, e.n}, out), there = c.to(Device::kCuda),
                       bias = kind & 8 ? draw({e.n}, dtype) : Tensor{};
          matmul(a.to(Device::kCuda), b.to(Device::kCuda), there,
                 {.a = ta,
                  .b = tb,
                  .accumulate = (kind & 4) != 0,
                  .bias = bias.defined() ? bias.to(Device::kCuda) : Tensor{}});
          matmul(a, b, c, {.a = ta, .b = tb, .accumulate = (kind & 4) != 0, .bias = bias});
          expect_near(fmt::format("matmul {}x{}x{} kind {}", e.m, e.n, e.k, kind).c_str(), there, c,
                      out);
        }
}

TEST_F(CudaTwin, MatmulOfViewsThatAreNotAligned) {
  for (const DType dtype : kFloats) {
    const Tensor a = draw({40, 33}, dtype), b = draw({33, 29}, dtype), c = draw({39, 29}, dtype);
    const Tensor there = Tensor::zeros({40, 29}, dtype, Device::kCuda);
    matmul(a.rows(1, 39), b, c);
    matmul(a.to(Device::kCuda).rows(1, 39), b.to(Device::kCuda), there.rows(1, 39));
    expect_near("product", there.rows(1, 39), c, dtype);
  }
}

TEST_F(CudaTwin, Linear) {
  for (const DType dtype : kFloats)
    expect_same("linear", {draw({100, 48}, dtype), draw({64, 48}, dtype), draw({64}, dtype)},
                [](Inputs in, Device) { return linear(in[0], in[1], in[2]); });
  expect_same(
      "linear, unrounded",
      {draw({100, 48}, DType::kBF16), draw({64, 48}, DType::kBF16), draw({64}, DType::kBF16)},
      [](Inputs in, Device) { return linear(in[0], in[1], in[2], Rounding::kNone); });
}

// What is asked of cuBLASLt here is what it takes: the double refuses all else.
TEST_F(CudaTwin, LinearInFp8) {
  for (const DType dtype : {DType::kF32, DType::kBF16})
    for (const std::int64_t rows : {100, 128, 3})
      for (const KeptInput kept : {KeptInput::kCodes, KeptInput::kItself}) {
        expect_same("linear_fp8",
                    {draw({rows, 48}, dtype), draw({64, 48}, dtype), draw({64}, dtype)},
                    [&](Inputs in, Device) { return linear_fp8(in[0], in[1], in[2], kept); });
        expect_same("linear_fp8 without bias", {draw({rows, 4112}, dtype), draw({16, 4112}, dtype)},
                    [&](Inputs in, Device) { return linear_fp8(in[0], in[1], {}, kept); });
      }
}

// To the bit: scales and codes are no sums.
TEST_F(CudaTwin, Quantize) {
  for (const DType source : {DType::kF32, DType::kBF16})
    for (const DType type : {DType::kF8E4M3, DType::kF8E5M2})
      for (const Shape& shape : {Shape{5, 16}, Shape{64, 48}, Shape{37, 4128}, Shape{1, 4096}}) {
        const Tensor flat = draw({shape.numel() + 1}, source);
        for (const std::int64_t begin : {0, 1}) {
          const Tensor x = flat.flat_view(begin, shape);
          const Tensor there = flat.to(Device::kCuda).flat_view(begin, shape);
          const Quantized here = quantize(x, type), got = quantize(there, type);
          const auto same = [&](const Tensor& a, const Tensor& b) {
            const Tensor back = a.to(Device::kCpu);
            ASSERT_EQ(back.shape(), b.shape());
            EXPECT_EQ(std::memcmp(back.raw(), b.raw(), b.bytes()), 0)
                << name_of(source) << " " << to_string(shape) << " from " << begin;
          };
          same(got.by_rows.scale, here.by_rows.scale);
          same(got.by_rows.codes, here.by_rows.codes);
          same(got.by_columns.codes, here.by_columns.codes);
          same(quantize_rows(there, type).codes, here.by_rows.codes);
          same(quantize_columns(there, type, got.by_rows.scale).codes, here.by_columns.codes);
        }
      }
}

// The stream's gradient is a sum, f32, from the second block on.
TEST_F(CudaTwin, StreamOfTwoBlocksInBf16) {
  for (const std::int64_t width : {10, 384})
    expect_same(
        "stream",
        {draw({Clips::kRows, width}, DType::kBF16), draw({Clips::kCount, 2, width}, DType::kF32)},
        [](Inputs in, Device device) {
          Var x = in[0];
          for (int block = 0; block < 2; ++block)
            x = gate_residual(x, norm_modulate(x, in[1], 0, 1, Clips::on(device), 1e-6), in[1], 1,
                              Clips::on(device));
          return x;
        },
        Clips::kUsed);
}

TEST_F(CudaTwin, ConvolutionsOfAVideoAutoencoder) {
  struct Layer {
    Shape x, weight;
    ConvolutionOptions options;
  };
  const Layer layers[] = {
      {{4, 12, 10, 16}, {24, 3, 3, 3, 16}, {.before = {2, 1, 1}, .after = {0, 1, 1}}},
      {{2, 12, 11, 8}, {8, 1, 3, 3, 8}, {.stride = {1, 2, 2}, .after = {0, 1, 1}}},
      {{5, 6, 5, 3}, {4, 3, 1, 1, 3}, {.stride = {2, 1, 1}}},
      {{3, 6, 7, 5}, {2, 3, 3, 3, 5}, {.before = {0, 1, 1}}},
  };
  for (const DType dtype : kFloats)
    for (const auto& [x, weight, options] : layers)
      for (const bool has_bias : {false, true}) {
        std::vector<Tensor> inputs{draw(x, dtype), draw(weight, dtype)};
        if (has_bias) inputs.push_back(draw({weight[0]}, dtype));
        expect_same("convolution", inputs, [&how = options](Inputs in, Device) {
          return convolution(in[0], in[1], in.size() > 2 ? in[2] : Var{}, how);
        });
      }
}

TEST_F(CudaTwin, SelfAttentionOverClipsOfAllLengths) {
  for (const std::int64_t head_width : {64, 128, 32}) {
    const std::int64_t width = 2 * head_width;
    Packing packing = Packing::of_lengths({1, 63, 0, 300, 128, 17});
    packing.rows += 11;
    expect_same("self_attention", {draw({packing.rows, 3 * width}, DType::kBF16)},
                [&](Inputs in, Device) { return self_attention(in[0], 2, packing); });
  }
}

TEST_F(CudaTwin, CrossAttentionOverTwoPackings) {
  // One of them has a text and no tokens here.
  const Packing queries = Packing::of_lengths({40, 200, 0, 5}),
                keys = Packing::of_lengths({7, 1, 30, 90});
  expect_same("cross_attention",
              {draw({queries.rows, 192}, DType::kBF16), draw({keys.rows, 384}, DType::kBF16)},
              [&](Inputs in, Device) { return cross_attention(in[0], in[1], 3, queries, keys); });
}

// Two parts of the keys, forward and backward.
TEST_F(CudaTwin, AttentionInPartsOfTheKeys) {
  for (const std::int64_t head_width : {64, 7}) {
    const std::int64_t heads = 2, width = heads * head_width, rows = 210;
    const Tensor q = draw({rows, width}, DType::kBF16), kv = draw({400, 2 * width}, DType::kBF16),
                 dout = draw({rows, width}, DType::kBF16);
    const auto run = [&](Device device) {
      const auto part = [&](std::int64_t begin, std::int64_t end) {
        const Tensor keys = kv.to(device).rows(begin, end - begin);
        const auto count = static_cast<std::int32_t>(end - begin);
        return AttentionPart{.heads = heads,
                             .q = {q.to(device), 0},
                             .k = {keys, 0},
                             .v = {keys, width},
                             .width = width,
                             .queries = {0, 90, 200},
                             .keys = {0, count / 3, count}};
      };
      const AttentionOutput sums = attend_part(part(0, 150));
      merge_attention(sums, attend_part(part(150, 400)), 0);
      const PartGradients grads = attend_part_backward(part(0, 150), sums.out.to(DType::kBF16),
                                                       sums.log_sum_exp, dout.to(device));
      return std::vector<Tensor>{sums.out, log_sum_exp_of(sums.log_sum_exp, 10, 180), grads.dq,
                                 grads.dk, grads.dv};
    };
    const std::vector<Tensor> got = run(Device::kCuda), want = run(Device::kCpu);
    for (std::size_t i = 0; i < want.size(); ++i)
      expect_near("parts", got[i], want[i], DType::kBF16);
  }
}

// What cuDNN is not asked for: other types than bf16, heads of other columns than multiples of 8 up
// to 128.
struct OwnAttention {
  DType dtype;
  std::int64_t head_width;
};
constexpr OwnAttention kOwnAttention[] = {
    {DType::kF32, 32}, {DType::kF32, 64}, {DType::kF32, 128},  {DType::kF32, 176},
    {DType::kF64, 24}, {DType::kF64, 80}, {DType::kBF16, 150}, {DType::kBF16, 7}};

TEST_F(CudaTwin, SelfAttentionOfAllTypesAndWidths) {
  for (const auto& [dtype, head_width] : kOwnAttention) {
    Packing packing = Packing::of_lengths({1, 15, 0, 33, 128});
    packing.rows += 11;
    expect_same("self_attention", {draw({packing.rows, 3 * 2 * head_width}, dtype)},
                [&](Inputs in, Device) { return self_attention(in[0], 2, packing); });
  }
}

// More clips than a launch takes, some without queries, whose keys nobody looks at.
TEST_F(CudaTwin, CrossAttentionOfAllTypesAndWidths) {
  std::vector<std::int64_t> query_lengths, key_lengths;
  for (std::int64_t clip = 0; clip < 150; ++clip) {
    query_lengths.push_back(clip % 7 == 3 ? 0 : 1 + clip % 5);
    key_lengths.push_back(1 + clip % 4);
  }
  query_lengths[40] = 30;
  key_lengths[40] = 50;
  const Packing queries = Packing::of_lengths(query_lengths, 16),
                keys = Packing::of_lengths(key_lengths, 16);
  for (const auto& [dtype, head_width] : kOwnAttention)
    expect_same(
        "cross_attention",
        {draw({queries.rows, 3 * head_width}, dtype), draw({keys.rows, 6 * head_width}, dtype)},
        [&](Inputs in, Device) { return cross_attention(in[0], in[1], 3, queries, keys); });
}

// Texts longer than the largest distance, one without a token, more than a launch takes, and slack.
TEST_F(CudaTwin, RelativeAttentionOfAllTypesAndWidths) {
  constexpr std::int64_t kHeads = 3;
  const RelativeBuckets buckets{.count = 8, .max_distance = 20};
  std::vector<std::int64_t> lengths(130, 1);
  lengths.insert(lengths.begin(), {1, 100, 0, 16, 33});
  const Packing texts = Packing::of_lengths(lengths, 16);
  for (const auto& [dtype, head_width] : kOwnAttention) {
    const Tensor qkv = draw({texts.rows, 3 * kHeads * head_width}, dtype),
                 table = draw({buckets.count, kHeads}, dtype);
    const auto attend = [&](Device device) {
      poison_pool(device);
      return relative_attention(Var::constant(qkv.to(device)), Var::constant(table.to(device)),
                                buckets, kHeads, texts)
          .value();
    };
    expect_near("relative_attention", attend(Device::kCuda), attend(Device::kCpu), dtype);
  }
}

// A run that diverges is to end so.
TEST_F(CudaTwin, AttentionHandsOnWhatIsNotANumber) {
  for (const std::int64_t head_width : {7, 64}) {
    const Packing packing = Packing::of_lengths({20, 20});
    const DType dtype = head_width == 7 ? DType::kF32 : DType::kBF16;
    const Tensor qkv = draw({packing.rows, 3 * head_width}, DType::kF32);
    qkv.data<float>()[5] = INFINITY;  // of the first query
    const Var x = Var::constant(qkv.to(dtype).to(Device::kCuda));
    const std::vector<double> out =
        self_attention(x, 1, packing).value().to(DType::kF64).to_vector<double>();
    EXPECT_TRUE(std::isnan(out[0]));
    EXPECT_TRUE(std::isfinite(out[static_cast<std::size_t>(20 * head_width)])) << "of another clip";
  }
}

TEST_F(CudaTwin, HeadsThatAreTooWideAreRefusedWithWhatMayBe) {
  const Packing packing = Packing::of_lengths({8});
  const Var x = Var::constant(draw({8, 3 * 512}, DType::kF32).to(Device::kCuda));
  EXPECT_EQ(cuda::widest_head(DType::kF32), 183);
  EXPECT_EQ(cuda::widest_head(DType::kF64), 87);
  try {
    self_attention(x, 1, packing);
    FAIL() << "heads of 512 columns were taken";
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("heads of 512 columns in f32, at most 183"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace muybridge
