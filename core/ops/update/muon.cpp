#include "core/ops/update/muon.h"

#include <algorithm>
#include <cmath>

#include "core/launch.h"
#include "core/ops/accumulate.h"
#include "core/ops/product/matmul.h"
#include "core/ops/update/muon_functor.h"

namespace muybridge {
namespace {

constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315;

}  // namespace

void muon_momentum(const Tensor& m, const Tensor& gradient, double momentum, double scale) {
  require_shape("muon_momentum", "gradient", gradient, m.shape());
  require_same_kind("muon_momentum", {&m, &gradient});
  dispatch_accumulator(m.dtype(), "muon_momentum", [&]<class A>() {
    for_elements(m.device(), m.numel(),
                 functor::MuonMomentum<A>{m.data<A>(), gradient.data<A>(), static_cast<A>(scale),
                                          static_cast<A>(momentum), static_cast<A>(1 - momentum)});
  });
}

Tensor orthogonalize(const Tensor& matrix) {
  if (matrix.shape().rank() != 2)
    throw std::invalid_argument(fmt::format("orthogonalize: {} is no matrix", matrix.shape()));
  const bool tall = matrix.shape()[0] > matrix.shape()[1];
  const std::int64_t n = std::min(matrix.shape()[0], matrix.shape()[1]);
  Tensor x = matrix.clone();
  const double norm = std::sqrt(sum_of_squares(x));
  if (norm == 0) return x;
  scale_in_place(x, 1 / norm);
  const Tensor gram = Tensor::empty({n, n}, x.dtype(), x.device());
  const Tensor square = Tensor::empty({n, n}, x.dtype(), x.device());
  Tensor next = Tensor::empty(x.shape(), x.dtype(), x.device());
  for (int i = 0; i < kMuonIterations; ++i) {
    matmul(x, x, gram,
           {.a = tall ? Trans::kYes : Trans::kNo, .b = tall ? Trans::kNo : Trans::kYes});
    matmul(gram, gram, square);
    dispatch_accumulator(x.dtype(), "orthogonalize", [&]<class A>() {
      for_elements(x.device(), n * n,
                   functor::NewtonSchulz<A>{gram.data<A>(), square.data<A>(), n, static_cast<A>(kA),
                                            static_cast<A>(kB), static_cast<A>(kC)});
    });
    if (tall)
      matmul(x, gram, next);
    else
      matmul(gram, x, next);
    std::swap(x, next);
  }
  return x;
}

void descend(const DescendSlices& s, const DescendStep& step) {
  require_shape("descend", "direction", s.direction, s.master.shape());
  const double size = 0.2 * std::sqrt(static_cast<double>(step.extent));
  const DType compute = s.compute.defined() ? s.compute.dtype() : s.master.dtype();
  dispatch_accumulator(s.master.dtype(), "descend", [&]<class A>() {
    dispatch_float(compute, "descend", [&]<class T>() {
      for_elements(
          s.master.device(), s.master.numel(),
          functor::Descend<T, A>{{.master = s.master.data<A>(),
                                  .average = s.average.defined() ? s.average.data<A>() : nullptr,
                                  .compute = s.compute.defined() ? s.compute.data<T>() : nullptr,
                                  .learning_rate = static_cast<A>(step.learning_rate),
                                  .weight_decay = static_cast<A>(step.weight_decay),
                                  .average_weight = static_cast<A>(step.average_weight)},
                                 s.direction.data<A>(),
                                 static_cast<A>(size)});
    });
  });
}

}  // namespace muybridge
