#include "model/autoencoder/resample.h"

#include <stdexcept>

#include "core/ops/frames.h"

namespace muybridge {
namespace {

constexpr Extents3 kPlaces{1, 3, 3}, kFrames{3, 1, 1};

// The first frame of a clip, where x begins with it, and the others.
struct Chunk {
  Var first;
  Var others;  // undefined where there are none
};

Chunk apart(const Var& x, bool begins_clip) {
  if (!begins_clip) return {.first = {}, .others = x};
  const std::int64_t others = x.shape()[0] - 1;
  return {.first = some_frames(x, 0, 1), .others = others > 0 ? some_frames(x, 1, others) : Var{}};
}

}  // namespace

Shrink::Shrink(Parameters& parameters, const std::string& name, std::int64_t channels,
               bool halves_frames)
    : over_places(parameters, name + ".over_places", channels, channels, {.kernel = kPlaces}) {
  if (halves_frames)
    over_frames.emplace(parameters, name + ".over_frames", channels, channels,
                        CausalConvolutionOptions{.kernel = kFrames});
}

Var Shrink::operator()(const Var& x, FrameMemory& memory) const {
  const Var small = convolution(x, over_places.weight, over_places.bias,
                                {.stride = {1, 2, 2}, .after = {0, 1, 1}});
  if (!over_frames) return small;
  Var& last = memory.of(over_frames->weight);
  const std::int64_t frames = small.shape()[0];
  const bool begins_clip = !last.defined();
  if (frames % 2 != (begins_clip ? 1 : 0))
    throw std::logic_error(fmt::format("shrink: {} frames, want pairs of them", frames));
  const Var seen = begins_clip ? small : join_frames({last, small});
  last = last_frames(small, 1);
  const Var first = begins_clip ? some_frames(small, 0, 1) : Var{};
  if (seen.shape()[0] < kFrames[0]) return first;
  return join_frames(
      {first, convolution(seen, over_frames->weight, over_frames->bias, {.stride = {2, 1, 1}})});
}

Grow::Grow(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out,
           bool doubles_frames)
    : over_places(parameters, name + ".over_places", in, out, {.kernel = kPlaces}) {
  if (doubles_frames)
    over_frames.emplace(parameters, name + ".over_frames", in, 2 * in,
                        CausalConvolutionOptions{.kernel = kFrames});
}

Var Grow::operator()(const Var& x, FrameMemory& memory) const {
  Var many = x;
  if (over_frames) {
    Var& begun = memory.of(over_places.weight);  // which looks at one frame
    auto [first, others] = apart(x, !begun.defined());
    begun = Var::constant({});
    if (others.defined()) others = frames_of_channels((*over_frames)(others, memory));
    many = join_frames({first, others});
  }
  return over_places(enlarge(many, 2), memory);
}

}  // namespace muybridge
