#include "core/ops/update/muon.h"

#include "core/parameters.h"
#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::random_tensor;

// u [R, n] diag(s) v [K, n]^T with the columns of u and v orthonormal.
struct Factored {
  std::vector<double> u, v;
  std::int64_t rows, columns, n;

  Factored(std::int64_t r, std::int64_t k) : rows(r), columns(k), n(std::min(r, k)) {
    u = orthonormal(r, "u");
    v = orthonormal(k, "v");
  }

  Tensor with(const std::vector<double>& s) const {
    const Tensor x = Tensor::zeros({rows, columns}, DType::kF64);
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j)
        for (std::int64_t k = 0; k < n; ++k)
          x.data<double>()[i * columns + j] += u[static_cast<std::size_t>(i * n + k)] *
                                               s[static_cast<std::size_t>(k)] *
                                               v[static_cast<std::size_t>(j * n + k)];
    return x;
  }

 private:
  // Gram-Schmidt on random columns.
  std::vector<double> orthonormal(std::int64_t length, const std::string& name) const {
    const Tensor random = random_tensor({length, n}, name == "u" ? 1 : 2);
    std::vector<double> q = random.to_vector<double>();
    const auto at = [&](std::int64_t i, std::int64_t k) -> double& {
      return q[static_cast<std::size_t>(i * n + k)];
    };
    for (std::int64_t k = 0; k < n; ++k) {
      for (int twice = 0; twice < 2; ++twice) {
        for (std::int64_t before = 0; before < k; ++before) {
          double dot = 0;
          for (std::int64_t i = 0; i < length; ++i) dot += at(i, k) * at(i, before);
          for (std::int64_t i = 0; i < length; ++i) at(i, k) -= dot * at(i, before);
        }
      }
      double norm = 0;
      for (std::int64_t i = 0; i < length; ++i) norm += at(i, k) * at(i, k);
      for (std::int64_t i = 0; i < length; ++i) at(i, k) /= std::sqrt(norm);
    }
    return q;
  }
};

// What the iteration does to one singular value of a matrix whose values have this norm.
double iterated(double s, double norm) {
  s /= norm;
  for (int i = 0; i < 5; ++i) s = 3.4445 * s - 4.7750 * std::pow(s, 3) + 2.0315 * std::pow(s, 5);
  return s;
}

class Orthogonalize : public ::testing::TestWithParam<std::pair<int, int>> {};

TEST_P(Orthogonalize, KeepsTheSingularVectorsAndBringsTheValuesNearOne) {
  const auto [rows, columns] = GetParam();
  const Factored factored(rows, columns);
  std::vector<double> s, want;
  double norm = 0;
  for (std::int64_t k = 0; k < factored.n; ++k) {
    s.push_back(std::pow(0.8, static_cast<double>(k)));
    norm += s.back() * s.back();
  }
  for (const double value : s) {
    want.push_back(iterated(value, std::sqrt(norm)));
    EXPECT_GT(want.back(), 0.67);
    EXPECT_LT(want.back(), 1.21);
  }
  const Tensor x = factored.with(s), before = x.clone(), expected = factored.with(want);
  const Tensor wide = orthogonalize(x), narrow = orthogonalize(x.to(DType::kF32));
  EXPECT_EQ(x.to_vector<double>(), before.to_vector<double>());
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    EXPECT_NEAR(wide.data<double>()[i], expected.data<double>()[i], 1e-12) << i;
    EXPECT_NEAR(narrow.data<float>()[i], expected.data<double>()[i], 2e-5) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Orthogonalize,
                         ::testing::Values(std::pair{9, 9}, std::pair{17, 6}, std::pair{5, 13},
                                           std::pair{1, 4}, std::pair{3, 1}));

TEST(Orthogonalize, OfNothingIsNothing) {
  EXPECT_EQ(orthogonalize(Tensor::zeros({3, 4})).to_vector<float>(), std::vector<float>(12));
  EXPECT_THROW(orthogonalize(Tensor::zeros({3})), std::invalid_argument);
}

TEST(Muon, MomentumLooksAheadAsNesterovs) {
  const Tensor m = random_tensor({4, 3}, 1), gradient = random_tensor({4, 3}, 2);
  const std::vector<double> old = m.to_vector<double>(), g = gradient.to_vector<double>();
  muon_momentum(m, gradient, 0.9, 0.5);
  for (std::size_t i = 0; i < 12; ++i) {
    const double now = 0.9 * old[i] + 0.1 * 0.5 * g[i];
    EXPECT_NEAR(m.data<double>()[i], now, 1e-15);
    EXPECT_NEAR(gradient.data<double>()[i], 0.9 * now + 0.1 * 0.5 * g[i], 1e-15);
  }
}

TEST(Muon, DescendsWithTheLengthOfAdamWsSteps) {
  const Tensor master = random_tensor({2, 9}, 1, DType::kF32), average = master.clone();
  const Tensor direction = random_tensor({2, 9}, 2, DType::kF32);
  const Tensor compute = Tensor::empty({2, 9}, DType::kBF16);
  const std::vector<float> old = master.to_vector<float>();
  descend({.master = master, .direction = direction, .average = average, .compute = compute},
          {.learning_rate = 0.1, .weight_decay = 0.3, .extent = 9, .average_weight = 0.25});
  for (std::size_t i = 0; i < 18; ++i) {
    const double now =
        old[i] - 0.1 * (0.2 * 3.0 * direction.data<float>()[i] + 0.3 * old[i]);  // 3 = sqrt(9)
    EXPECT_NEAR(master.data<float>()[i], now, 1e-6);
    EXPECT_NEAR(average.data<float>()[i], 0.75 * old[i] + 0.25 * now, 1e-6);
    EXPECT_EQ(compute.data<bf16>()[i].bits, bf16(master.data<float>()[i]).bits);
  }
}

}  // namespace
}  // namespace muybridge
