#include "train/objective/idle_batch.h"

namespace muybridge {

Batch idle_batch(const DitOptions& options, int ranks) {
  Batch batch{.packing = Packing::of({{1, 1, 1}}, ranks),
              .tokens = Tensor::zeros({ranks, options.token_width()}),
              .text_packing = Packing::of_lengths({1}),
              .text_ids = Tensor::of<std::int32_t>({1}, {kTextBegin}),
              .clip_ids = {-1},
              .samples = {0},
              .captions = {""}};
  return batch;
}

}  // namespace muybridge
