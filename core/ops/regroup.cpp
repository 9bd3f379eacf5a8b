#include "core/ops/regroup.h"

#include "core/launch.h"
#include "core/ops/regroup_functor.h"

namespace muybridge {
namespace {

void regroup(const Tensor& from, const Tensor& to, std::int64_t rows, std::int64_t blocks,
             std::int64_t parts, bool apart) {
  const std::int64_t pieces = rows * blocks * parts;
  const std::int64_t width = pieces == 0 ? 0 : from.numel() / pieces;
  dispatch_float(from.dtype(), "regroup", [&]<class T>() {
    for_rows(from.device(), pieces, width,
             functor::Regroup<T>{from.data<T>(), rows, blocks, parts, width, apart, to.data<T>()});
  });
}

}  // namespace

Tensor parts_apart(const Tensor& x, std::int64_t blocks, std::int64_t parts) {
  const std::int64_t columns = x.shape().back(), rows = x.shape().rows();
  if (columns % (blocks * parts) != 0)
    throw std::invalid_argument(
        fmt::format("parts_apart: x is {}; its rows do not have {} blocks "
                    "of {} equal parts",
                    x.shape(), blocks, parts));
  const Tensor out = Tensor::empty({parts, rows, columns / parts}, x.dtype(), x.device());
  regroup(x, out, rows, blocks, parts, /*apart=*/true);
  return out;
}

Tensor parts_together(const Tensor& x, std::int64_t blocks) {
  if (x.shape().rank() != 3 || x.shape().back() % blocks != 0)
    throw std::invalid_argument(
        fmt::format("parts_together: x is {}; [parts, rows, columns] of {} blocks expected",
                    x.shape(), blocks));
  const std::int64_t parts = x.shape()[0], rows = x.shape()[1];
  const Tensor out = Tensor::empty({rows, parts * x.shape().back()}, x.dtype(), x.device());
  regroup(x, out, rows, blocks, parts, /*apart=*/false);
  return out;
}

}  // namespace muybridge
