#include "core/parameters.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

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

TEST(Parameters, AFrozenOneHasAValueAndNothingElse) {
  Parameters parameters;
  const auto add = [&](const char* name, const Shape& shape, bool wide = false) {
    return parameters.add({.name = name, .shape = shape, .init = Constant{1}, .wide = wide});
  };
  const Var a = add("a", {3}), b = add("b", {40, 2}), c = add("c", {5}), d = add("d", {6}, true);
  parameters.freeze(b);
  parameters.place(b, {.axis = 0, .part = 1, .parts = 2}, 0);
  parameters.freeze(d);
  EXPECT_EQ(parameters.flat_size(), 2 * 16);
  EXPECT_EQ(parameters.held_count(), 3 + 40 + 5 + 6);
  parameters.allocate(DType::kBF16, 1);
  EXPECT_EQ(parameters.master().shape(), (Shape{2 * 16}));
  EXPECT_EQ(parameters.gradients().shape(), (Shape{2 * 16}));
  EXPECT_EQ(parameters.ranges().size(), 1U);
  EXPECT_TRUE(a.requires_grad() && c.requires_grad());
  EXPECT_FALSE(b.requires_grad() || d.requires_grad());
  EXPECT_EQ(b.value().dtype(), DType::kBF16);
  EXPECT_EQ(d.value().dtype(), DType::kF32);
  EXPECT_EQ(d.value().to_vector<float>(), std::vector<float>(6, 0)) << "until it is filled";
  b.add_grad(Tensor::full({20, 2}, 1.0));
  EXPECT_FALSE(b.grad().defined());
  for (const Var& var : {a, b, d})
    parameters.fill(parameters.of(var), Tensor::full(var.shape(), 2.5));
  EXPECT_EQ(b.value().to(DType::kF32).to_vector<float>(), std::vector<float>(40, 2.5F));
  EXPECT_EQ(d.value().to_vector<float>(), std::vector<float>(6, 2.5F));
  EXPECT_EQ(a.value().to(DType::kF32).to_vector<float>(), std::vector<float>(3, 2.5F));
  EXPECT_EQ(parameters.slice(parameters.master(), parameters.of(a)).to_vector<float>(),
            std::vector<float>(3, 2.5F));
  EXPECT_THROW(parameters.freeze(a), std::logic_error);
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
  const std::vector<ParameterRange> ranges = parameters.ranges();
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
  parameters.round_to_values(parameters.master());
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

// Of two units and what is of none, on three ranks that hold copies of all.
class SharedParameters : public ::testing::TestWithParam<Sharing> {
 protected:
  static Parameters make(Sharing what, int part, DType compute = DType::kBF16) {
    Parameters parameters;
    for (int i = 0; i < 6; ++i) {
      const Var var = parameters.add({.name = fmt::format("p{}", i),
                                      .shape = {7 + 10 * i},
                                      .init = Normal{1},
                                      .wide = i % 2 == 1});
      if (i >= 2) parameters.set_unit(var, i / 4);
    }
    parameters.allocate(compute, 3, Device::kCpu, {.what = what, .share = [part](int copies) {
                                                     EXPECT_EQ(copies, 0);
                                                     return SharingPlan::Share{part, 3};
                                                   }});
    return parameters;
  }
};
INSTANTIATE_TEST_SUITE_P(Of, SharedParameters,
                         ::testing::Values(Sharing::kState, Sharing::kGradients, Sharing::kValues));

TEST_P(SharedParameters, EachRankKeepsAThirdOfTheStateAndAllOfItStartsAsTheWhole) {
  const Parameters whole = [] {
    Parameters parameters;
    for (int i = 0; i < 6; ++i)
      parameters.add({.name = fmt::format("p{}", i), .shape = {7 + 10 * i}, .init = Normal{1}});
    parameters.allocate(DType::kF32, 3);
    return parameters;
  }();
  std::map<std::string, int> seen;
  for (int part = 0; part < 3; ++part) {
    const Parameters parameters = make(GetParam(), part);
    EXPECT_EQ(parameters.ranges().size(), 6U);  // three units, two types each
    std::int64_t state = 0;
    for (const ParameterRange& range : parameters.ranges()) {
      EXPECT_EQ(range.state, state);
      state += range.kept.size();
      EXPECT_EQ(range.kept.size() * 3, range.count);
    }
    EXPECT_EQ(parameters.master().numel(), state);
    EXPECT_EQ(state * 3, parameters.flat_size());
    for (const Parameter& parameter : parameters.list()) {
      const ParameterRange& range = parameters.range_of(parameter);
      EXPECT_EQ(range.wide, parameter.spec.wide);
      EXPECT_EQ(range.unit, parameter.unit);
      const Tensor all = whole.find(parameter.spec.name)->var.value();
      for (std::int64_t i = 0; i < all.numel(); ++i) {
        const std::int64_t place = parameter.offset + i - range.kept.begin;
        if (place < 0 || place >= range.kept.size()) continue;
        ++seen[parameter.spec.name];
        EXPECT_EQ(range.state_of(parameters.master()).data<float>()[place], all.data<float>()[i]);
        if (!range.values.defined()) continue;
        const Tensor value = parameter.var.value().to(DType::kF32);
        EXPECT_EQ(value.data<float>()[i], parameter.spec.wide
                                              ? all.data<float>()[i]
                                              : static_cast<float>(bf16(all.data<float>()[i])));
      }
    }
  }
  for (const Parameter& parameter : whole.list())
    EXPECT_EQ(seen[parameter.spec.name], parameter.shape.numel());
}

TEST_P(SharedParameters, WhatComesAndGoesIsNotThere) {
  const Parameters parameters = make(GetParam(), 1);
  for (const ParameterRange& range : parameters.ranges()) {
    EXPECT_EQ(range.values.defined(), range.unit < 0 || GetParam() < Sharing::kValues);
    EXPECT_EQ(range.gradients.defined(), range.unit < 0 || GetParam() < Sharing::kGradients);
    EXPECT_EQ(range.kept_gradients.numel(), range.kept.size());
    range.kept_gradients.copy_from(Tensor::full(range.kept_gradients.shape(), 2.0));
  }
  parameters.zero_gradients();
  for (const ParameterRange& range : parameters.ranges())
    for (const float value : range.kept_gradients.span<float>()) EXPECT_EQ(value, 0);
  for (const Parameter& parameter : parameters.list()) {
    const ParameterRange& range = parameters.range_of(parameter);
    EXPECT_EQ(parameter.var.value().defined(), range.values.defined()) << parameter.spec.name;
    EXPECT_EQ(parameter.var.grad().defined(), range.gradients.defined()) << parameter.spec.name;
  }
}

}  // namespace
}  // namespace muybridge
