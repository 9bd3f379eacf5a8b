#include "core/tensor.h"

#include <gtest/gtest.h>

#include <cmath>

namespace muybridge {
namespace {

// What an std::invalid_argument says; nothing where none was thrown.
template <class F>
std::string complaint(const F& f) {
  try {
    f();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return {};
}

Tensor counting(const Shape& shape) {
  const Tensor tensor = Tensor::empty(shape);
  float next = 0;
  for (float& value : tensor.span<float>()) value = next++;
  return tensor;
}

TEST(Tensor, HasTheShapeTypeAndBytesThatItWasMadeWith) {
  const Tensor x = Tensor::empty({3, 5}, DType::kBF16);
  EXPECT_EQ(x.shape(), (Shape{3, 5}));
  EXPECT_EQ(x.dtype(), DType::kBF16);
  EXPECT_EQ(x.device(), Device::kCpu);
  EXPECT_EQ(x.numel(), 15);
  EXPECT_EQ(x.bytes(), 30U);
  EXPECT_FALSE(Tensor().defined());
  EXPECT_EQ(Tensor().raw(), nullptr);
}

TEST(Tensor, ZerosFullAndOfHoldTheirValues) {
  EXPECT_EQ(Tensor::zeros({3}).to_vector<float>(), (std::vector<float>{0, 0, 0}));
  EXPECT_EQ(Tensor::full({2}, 0.1, DType::kF64).to_vector<double>(),
            (std::vector<double>{0.1, 0.1}));
  EXPECT_EQ(Tensor::full({1}, 0.1, DType::kBF16).data<bf16>()->bits, bf16(0.1F).bits);
  EXPECT_EQ(Tensor::of<std::int32_t>({2, 2}, {1, 2, 3, 4}).to_vector<std::int32_t>(),
            (std::vector<std::int32_t>{1, 2, 3, 4}));
  EXPECT_EQ(complaint([] { Tensor::of<float>({3}, {1, 2}); }), "tensor: 2 values for shape [3]");
}

TEST(Tensor, HandlesShareAndClonesDoNot) {
  const Tensor x = counting({4}), copy = x.clone();
  Tensor same;
  same = x;
  EXPECT_FALSE(x.unique());
  EXPECT_TRUE(copy.unique());
  x.data<float>()[1] = 9;
  EXPECT_EQ(same.data<float>()[1], 9.0F);
  EXPECT_EQ(copy.data<float>()[1], 1.0F);
}

TEST(Tensor, ViewsSeeTheirPartOfTheBuffer) {
  const Tensor x = counting({4, 3});
  EXPECT_EQ(x.rows(1, 2).to_vector<float>(), (std::vector<float>{3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(x.rows(1, 2).rows(1, 1).to_vector<float>(), (std::vector<float>{6, 7, 8}));
  EXPECT_EQ(x.flat_view(10, {2}).to_vector<float>(), (std::vector<float>{10, 11}));
  EXPECT_EQ(x.reshape({2, 6}).rows(1, 1).data<float>()[0], 6.0F);
  EXPECT_EQ(x.rows(4, 0).numel(), 0);
  x.rows(2, 1).fill_zero();
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 1, 2, 3, 4, 5, 0, 0, 0, 9, 10, 11}));
}

TEST(Tensor, ViewsThatDoNotLieWithinAreRefused) {
  const Tensor x = counting({4, 3});
  EXPECT_EQ(complaint([&] { x.rows(3, 2); }), "rows: [3, 5) does not lie in [4, 3]");
  EXPECT_EQ(complaint([&] { x.rows(-1, 1); }), "rows: [-1, 0) does not lie in [4, 3]");
  EXPECT_EQ(complaint([&] { x.rows(1, -1); }), "rows: [1, 0) does not lie in [4, 3]");
  EXPECT_EQ(complaint([&] { x.flat_view(11, {2}); }),
            "view: 2 elements from 11 do not lie in [4, 3]");
  EXPECT_EQ(complaint([&] { x.reshape({5}); }), "reshape: [4, 3] has 12 elements, [5] has 5");
  EXPECT_NE(complaint([&] { x.rows(3, 2); }), complaint([&] { x.rows(2, 2); }));
}

TEST(Tensor, AnotherTypeOrShapeIsNotReadAsThisOne) {
  const Tensor x = counting({4});
  EXPECT_EQ(complaint([&] { x.data<double>(); }), "tensor [4] holds f32, accessed as f64");
  EXPECT_EQ(complaint([&] { x.copy_from(Tensor::zeros({5})); }), "copy: f32 [5] into f32 [4]");
  EXPECT_EQ(complaint([&] { x.copy_from(Tensor::zeros({4}, DType::kF64)); }),
            "copy: f64 [4] into f32 [4]");
  EXPECT_EQ(complaint([&] { x.item(); }), "item: shape [4] has not one element");
  EXPECT_EQ(x.rows(3, 1).item(), 3.0);
  EXPECT_EQ(complaint([&] {
              require_shape("op", "w", x, {2, 2});
            }),
            "op: w is [4], [2, 2] expected");
  const Tensor wide = Tensor::zeros({4}, DType::kF64);
  EXPECT_EQ(complaint([&] {
              require_same_kind("op", {&x, &wide});
            }),
            "op: operands are f32 [4] and f64 [4]; element types and devices must match");
}

TEST(Tensor, ConversionsRoundOnceAndKeepWhatFits) {
  const std::vector<double> values = {0, -1, 1.0 / 3, 1e-30, 65536, 3.14159265358979};
  const Tensor x = Tensor::of<double>({6}, values);
  const Tensor narrow = x.to(DType::kBF16), middle = x.to(DType::kF32);
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(middle.data<float>()[i], static_cast<float>(values[i]));
    EXPECT_EQ(narrow.data<bf16>()[i].bits, bf16(static_cast<float>(values[i])).bits);
    EXPECT_LE(std::abs(static_cast<double>(static_cast<float>(narrow.data<bf16>()[i])) - values[i]),
              0x1p-8 * std::abs(values[i]));
  }
  // Every bf16 is an f32 and an f64.
  EXPECT_EQ(narrow.to(DType::kF32).to(DType::kBF16).to_vector<bf16>()[2].bits,
            narrow.data<bf16>()[2].bits);
  EXPECT_EQ(narrow.to(DType::kF64).data<double>()[4], 65536.0);
  EXPECT_EQ(x.to(DType::kF64).raw(), x.raw()) << "the same type is the same tensor";
  EXPECT_THROW(Tensor::zeros({2}, DType::kI32).to(DType::kF32), std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
