#include "eval/validation.h"

#include <limits>
#include <optional>

#include "core/ops/loss.h"
#include "data/loader/validation_set.h"
#include "eval/shared_batches.h"
#include "parallel/together.h"

namespace muybridge {
namespace {

using Losses = std::array<double, kTimeQuantiles>;

// Adds each quantile's summed squared error over the clips of a batch.
void add_batch(const Dit& dit, const Batch& batch, const ValidationOptions& options, Losses& sums) {
  const TokenLayout layout = dit.layout(batch.packing);
  const PackedText text{batch.text_ids, batch.text_packing};
  EncodedText context = dit.encode_text(text);
  dit.precompute_keys(context);
  const Tensor clean = layout.own_rows(batch.tokens).to(dit.device());
  for (int quantile = 0; quantile < kTimeQuantiles; ++quantile) {
    std::vector<RandomStream> noise;
    for (const std::int64_t clip : batch.clip_ids)
      noise.emplace_back(options.seed, Purpose::kValidation, static_cast<std::uint64_t>(clip),
                         static_cast<std::uint64_t>(quantile));
    const Tensor times =
        Tensor::full({batch.packing.clips()}, quantile_time(options.flow, quantile, kTimeQuantiles))
            .to(dit.device());
    const NoisyTokens noisy = add_flow_noise(clean, times, noise, layout.clips);
    const Var velocity = Var::constant(dit.own_velocity(noisy.tokens, times, context, layout));
    sums[quantile] +=
        squared_error(velocity, noisy.velocity, layout.clips.offsets, 1.0).loss.value().item();
  }
}

}  // namespace

Losses validation_losses(const Dit& dit, const CorpusIndex& corpus,
                         const BatchOptions& batch_options, const ValidationOptions& options,
                         const Mesh& mesh) {
  Group& group = *mesh.world();
  const NoGradScope no_grad;
  Losses sums{}, elsewhere{};
  double elements = 0;
  std::optional<ValidationSet> all;
  together(group, [&] {
    all.emplace(corpus, batch_options, options.clips);
    return std::string();
  });
  together(group, [&] {
    const ValidationSet& set = *all;
    for (int index = mesh.coordinate().data; index < set.batches(); index += mesh.sizes().data) {
      const std::vector<Batch> read =
          share_batches(*mesh.replica(), [&] { return std::vector<Batch>{set.batch(index)}; });
      const Batch& batch = read.front();
      hand_in_hand(*mesh.replica(), [&] {
        add_batch(dit, batch, options, mesh.coordinate().pipeline == 0 ? sums : elsewhere);
      });
      if (mesh.replica()->rank() == 0)
        elements += static_cast<double>(batch.packing.used() * dit.options.token_width());
    }
    return std::string();
  });

  const Tensor totals = Tensor::empty({kTimeQuantiles + 1}, DType::kF64);
  std::copy(sums.begin(), sums.end(), totals.data<double>());
  totals.data<double>()[kTimeQuantiles] = elements;
  group.all_reduce(totals).wait();
  const double count = totals.data<double>()[kTimeQuantiles];
  for (int i = 0; i < kTimeQuantiles; ++i)
    sums[i] =
        count > 0 ? totals.data<double>()[i] / count : std::numeric_limits<double>::quiet_NaN();
  return sums;
}

}  // namespace muybridge
