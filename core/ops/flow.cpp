#include "core/ops/flow.h"

#include <cstring>
#include <stdexcept>

#include "core/launch.h"
#include "core/ops/flow_functor.h"

namespace muybridge {

NoisyTokens add_flow_noise(const Tensor& clean, const Tensor& times,
                           std::span<const RandomStream> streams, const ClipRows& clips) {
  const std::int64_t count = static_cast<std::int64_t>(clips.offsets.size()) - 1;
  if (times.numel() != count || static_cast<std::int64_t>(streams.size()) != count)
    throw std::invalid_argument(fmt::format("add_flow_noise: {} clips, {} times, {} streams", count,
                                            times.numel(), streams.size()));
  require_same_kind("add_flow_noise", {&clean, &times});
  const Device device = clean.device();
  const Tensor host_streams =
      Tensor::empty({count, static_cast<std::int64_t>(sizeof(RandomStream))}, DType::kU8);
  std::memcpy(host_streams.raw(), streams.data(), streams.size_bytes());
  const Tensor device_streams = host_streams.to(device);
  const std::span<const std::int32_t> starts =
      clips.starts.empty() ? std::span(clips.offsets).first(count) : std::span(clips.starts);
  const Tensor first_row = Tensor::of<std::int32_t>({count}, starts).to(device);
  const NoisyTokens out{Tensor::empty(clean.shape(), clean.dtype(), device),
                        Tensor::empty(clean.shape(), clean.dtype(), device)};
  const std::int64_t used = clips.offsets.back();
  for (const Tensor& tensor : {out.tokens, out.velocity})
    tensor.rows(used, clean.shape()[0] - used).fill_zero();
  dispatch_accumulator(clean.dtype(), "add_flow_noise", [&]<class A>() {
    for_rows(device, used, clean.shape().back() * 16,
             functor::FlowNoise<A>{clean.data<A>(), clips.pointer(), first_row.data<std::int32_t>(),
                                   static_cast<const RandomStream*>(device_streams.raw()),
                                   times.data<A>(), clean.shape().back(), out.tokens.data<A>(),
                                   out.velocity.data<A>()});
  });
  return out;
}

Var velocity_of_clean(const Var& clean, const Tensor& noisy, const Tensor& times,
                      const ClipRows& clips) {
  const Tensor& value = clean.value();
  const DType wide = accumulator_of(value.dtype());
  const std::int64_t width = value.shape().back(), used = clips.offsets.back();
  require_shape("velocity_of_clean", "noisy", noisy, value.shape());
  require_same_kind("velocity_of_clean", {&noisy, &times});
  if (noisy.dtype() != wide || times.numel() != static_cast<std::int64_t>(clips.offsets.size()) - 1)
    throw std::invalid_argument(fmt::format(
        "velocity_of_clean: noisy is {}, want {}; {} times, {} clips", name_of(noisy.dtype()),
        name_of(wide), times.numel(), clips.offsets.size() - 1));
  const Tensor velocity = Tensor::empty(value.shape(), value.dtype(), value.device());
  velocity.rows(used, value.shape()[0] - used).fill_zero();
  dispatch_float(value.dtype(), "velocity_of_clean", [&]<class T>() {
    using A = Accumulator<T>;
    for_rows(value.device(), used, width,
             functor::CleanToVelocity<T>{value.data<T>(), noisy.data<A>(), times.data<A>(),
                                         clips.pointer(), width, static_cast<A>(kLeastTime),
                                         velocity.data<T>()});
  });
  return Var::op(velocity, {clean.without_value()}, [=](Inputs in, const Tensor& dy) {
    const Tensor grad = Tensor::empty(dy.shape(), dy.dtype(), dy.device());
    grad.rows(used, dy.shape()[0] - used).fill_zero();
    dispatch_float(dy.dtype(), "velocity_of_clean", [&]<class T>() {
      using A = Accumulator<T>;
      for_rows(dy.device(), used, width,
               functor::CleanToVelocity<T>{dy.data<T>(), nullptr, times.data<A>(), clips.pointer(),
                                           width, static_cast<A>(kLeastTime), grad.data<T>()});
    });
    in[0].add_grad(grad);
  });
}

}  // namespace muybridge
