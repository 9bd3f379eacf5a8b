#include "core/ops/checksum.h"

#include "core/launch.h"
#include "core/ops/checksum_functor.h"

namespace muybridge {

std::vector<std::uint64_t> checksums(std::span<const Tensor> tensors) {
  if (tensors.empty()) return {};
  constexpr std::int64_t kRow = 1024;
  const Device device = tensors.front().device();
  const Tensor sums = Tensor::empty({std::ssize(tensors)}, DType::kI64, device);
  auto* out = reinterpret_cast<std::uint64_t*>(sums.data<std::int64_t>());
  for (const Tensor& x : tensors) {
    const std::int32_t offsets[] = {0, static_cast<std::int32_t>((x.numel() + kRow - 1) / kRow)};
    dispatch_float(x.dtype(), "checksums", [&]<class T>() {
      for_rows_sum(device, offsets, 1, functor::Checksum<T>{x.data<T>(), x.numel(), kRow}, out++);
    });
  }
  std::vector<std::uint64_t> numbers;
  for (const std::int64_t sum : sums.to(Device::kCpu).to_vector<std::int64_t>())
    numbers.push_back(static_cast<std::uint64_t>(sum));
  return numbers;
}

}  // namespace muybridge
