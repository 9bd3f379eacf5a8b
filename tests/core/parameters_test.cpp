#include "core/parameters.h"

#include <gtest/gtest.h>

#include <cmath>

namespace muybridge {
namespace {

TEST(Parameters, ValuesDependOnSeedAndNameAlone) {
  const auto values = [](bool first, std::uint64_t seed) {
    Parameters parameters;
    if (first) parameters.add({.name = "other", .shape = {13}});
    parameters.add({.name = "w", .shape = {4, 5}, .init = Normal{}});
    parameters.allocate(DType::kF32, seed);
    return parameters.find("w")->var.value().to_vector<float>();
  };
  EXPECT_EQ(values(false, 1), values(true, 1));
  EXPECT_NE(values(false, 1), values(false, 2));
}

TEST(Parameters, LieInFlatTensorsThatTheirVarsView) {
  Parameters parameters;
  const Var a = parameters.add({.name = "a", .shape = {3}, .init = Constant{1}});
  const Var b = parameters.add({.name = "b", .shape = {2, 2}, .init = RowConstants{{0, 1}}});
  parameters.allocate(DType::kF32, 1);
  EXPECT_EQ(parameters.count(), 7);
  EXPECT_EQ(parameters.list()[1].offset % 16, 0);
  EXPECT_EQ(b.value().to_vector<float>(), (std::vector<float>{0, 0, 1, 1}));
  b.add_grad(Tensor::full({2, 2}, 2.5));
  EXPECT_EQ(parameters.gradients().data<float>()[parameters.list()[1].offset + 3], 2.5F);
  parameters.master().data<float>()[0] = 9;
  EXPECT_EQ(a.value().data<float>()[0], 9.0F);
}

TEST(Parameters, AShareStartsAsTheWholeHasItThere) {
  const auto add = [](Parameters& parameters) {
    return parameters.add({.name = "w", .shape = {6, 4}, .init = Normal{}});
  };
  Parameters whole;
  add(whole);
  whole.allocate(DType::kF32, 3);
  const Tensor all = whole.list()[0].var.value();
  for (const Split& split : {Split{.axis = 0, .segments = 3, .part = 1, .parts = 2},
                             Split{.axis = 1, .segments = 1, .part = 0, .parts = 2}}) {
    Parameters rank;
    rank.place(add(rank), split, 0);
    rank.allocate(DType::kF32, 3);
    const Parameter& share = rank.list()[0];
    EXPECT_EQ(share.shape, share_shape({6, 4}, split));
    EXPECT_EQ(share.var.shape(), share.shape);
    for (std::int64_t i = 0; i < share.shape.numel(); ++i)
      EXPECT_EQ(share.var.value().data<float>()[i], all.data<float>()[share.slice().at(i)]);
  }
}

TEST(Parameters, ThoseOfOneNumberOfCopiesLieTogether) {
  Parameters parameters;
  std::vector<Var> vars;
  for (int i = 0; i < 6; ++i)
    vars.push_back(parameters.add(
        {.name = fmt::format("p{}", i), .shape = {20}, .init = Constant{static_cast<float>(i)}}));
  for (int i = 0; i < 6; i += 2) parameters.place(vars[static_cast<std::size_t>(i)], {}, 1);
  EXPECT_EQ(parameters.flat_size(), 6 * 32);
  parameters.allocate(DType::kF32, 1);
  const std::vector<CopiesRange> ranges = parameters.ranges();
  ASSERT_EQ(ranges.size(), 2U);
  EXPECT_EQ(ranges[1].begin, 3 * 32);
  EXPECT_EQ(ranges[1].count, 3 * 32);
  for (int i = 0; i < 6; ++i) {
    const Parameter& parameter = parameters.list()[static_cast<std::size_t>(i)];
    EXPECT_EQ(parameter.var.value().data<float>()[7], static_cast<float>(i));
    EXPECT_EQ(parameter.offset >= ranges[1].begin, i % 2 == 0);
    EXPECT_EQ(&parameters.of(parameter.var), &parameter);
  }
  EXPECT_THROW(parameters.place(vars[0], {}, 0), std::logic_error);
}

TEST(Parameters, OrthonormalMatricesOfOneKeyAreEachOthersTranspose) {
  Parameters parameters;
  const Var tall = parameters.add({.name = "in", .shape = {7, 4}, .init = Orthonormal{"k"}});
  const Var wide = parameters.add({.name = "out", .shape = {4, 7}, .init = Orthonormal{"k"}});
  parameters.allocate(DType::kF64, 1);
  const double *t = tall.value().data<double>(), *w = wide.value().data<double>();
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) {
      double dot = 0;
      for (int k = 0; k < 7; ++k) dot += t[k * 4 + i] * t[k * 4 + j];
      EXPECT_NEAR(dot, i == j ? 1 : 0, 1e-12);
    }
  for (int i = 0; i < 7; ++i)
    for (int j = 0; j < 4; ++j) EXPECT_EQ(t[i * 4 + j], w[j * 7 + i]);
}

TEST(Parameters, PublishRoundsMasterIntoTheComputeCopy) {
  Parameters parameters;
  const Var w = parameters.add({.name = "w", .shape = {20}, .init = Normal{}});
  parameters.allocate(DType::kBF16, 1);
  parameters.master().data<float>()[17] = 1.2345678F;
  parameters.round_to_compute(16, 4);
  EXPECT_EQ(w.value().data<bf16>()[17].bits, bf16(1.2345678F).bits);
}

TEST(Parameters, AWideOneComputesWithTheMasterItself) {
  Parameters parameters;
  const Var narrow = parameters.add({.name = "n", .shape = {20}, .init = Normal{}});
  const Var wide = parameters.add({.name = "w", .shape = {20}, .init = Normal{}, .wide = true});
  parameters.allocate(DType::kBF16, 1);
  EXPECT_EQ(narrow.value().dtype(), DType::kBF16);
  ASSERT_EQ(wide.value().dtype(), DType::kF32);
  parameters.master().data<float>()[parameters.find("w")->offset] = 1.2345678F;
  EXPECT_EQ(wide.value().data<float>()[0], 1.2345678F);
}

TEST(Parameters, ASecondOfOneNameIsAnError) {
  Parameters parameters;
  parameters.add({.name = "w", .shape = {2}});
  EXPECT_THROW(parameters.add({.name = "w", .shape = {3}}), std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
