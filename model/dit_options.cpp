#include "model/dit_options.h"

#include <array>

namespace muybridge {

std::string_view to_string(Recompute recompute) {
  constexpr std::array<std::string_view, 3> kNames = {"none", "attention", "block"};
  return kNames[static_cast<std::size_t>(recompute)];
}

TokenCosts token_costs(const DitOptions& o) {
  const auto d = static_cast<double>(o.width), f = static_cast<double>(o.mlp_width);
  const auto p = static_cast<double>(o.token_width()), h = static_cast<double>(o.head_mlp_width);
  return {.products = 6 * d * d + 2 * d * f,
          .pair = 2 * d,
          .first = d * p,
          .last = d * p + h * (d + p)};
}

double training_flops(const DitOptions& o, const Packing& clips, const Packing& text) {
  const TokenCosts token = token_costs(o);
  const auto d = static_cast<double>(o.width), w = static_cast<double>(o.text_width);
  const auto tokens = static_cast<double>(clips.used()), bytes = static_cast<double>(text.used());
  const double clip_count = clips.clips();
  double pairs = 0, cross_pairs = 0, text_pairs = 0;
  for (int clip = 0; clip < clips.clips(); ++clip) {
    const auto n = static_cast<double>(clips.length(clip));
    const auto m = static_cast<double>(text.length(clip));
    pairs += n * n;
    cross_pairs += n * m;
    text_pairs += m * m;
  }
  // Multiply-adds: projections, MLP; then scores and weighted sums.
  const double block =
      tokens * token.products + bytes * 2 * d * d + token.pair * (pairs + cross_pairs);
  const double text_block = bytes * 12 * w * w + 2 * w * text_pairs;
  const double ends = tokens * (token.first + token.last) + bytes * (w * d + d * d) +
                      clip_count * (256 * d + 7 * d * d);
  return 3 * 2 * (o.depth * block + o.text_depth * text_block + ends);
}

}  // namespace muybridge
