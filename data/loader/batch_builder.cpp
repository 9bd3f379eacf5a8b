#include "data/loader/batch_builder.h"

#include <algorithm>

#include "core/error.h"
#include "core/log.h"
#include "core/ops/embedding.h"
#include "core/random.h"
#include "core/text/utf8.h"
#include "data/loader/patchify.h"

namespace muybridge {
namespace {

int frames_of(const CorpusClip& clip, const BatchOptions& options) {
  return frames_used(clip.frames, options);
}

// Why a clip cannot be packed, and what would help; empty if it can.
std::string fault_of(const CorpusClip& clip, const Grid& grid, const BatchOptions& options) {
  const std::string size =
      fmt::format("{} frames of {}x{}", frames_of(clip, options), clip.width, clip.height);
  const Grid& patch = options.patch;
  if (grid.tokens() == 0)
    return fmt::format(
        "{} is smaller than a patch of {} frames of {}x{}; prepare the corpus at a larger size, or "
        "make model.patch smaller (of an autoencoder: give it fewer autoencoder.multiples)",
        size, patch.frames, patch.width, patch.height);
  if (grid.tokens() > options.token_budget)
    return fmt::format(
        "{} is {} tokens, the budget of a micro-batch is {}; raise batch.tokens, limit "
        "data.frames_max, or prepare the corpus at a smaller size",
        size, grid.tokens(), options.token_budget);
  return {};
}

}  // namespace

int frames_used(int frames, const BatchOptions& options) {
  const int most = options.max_frames > 0 ? std::min(frames, options.max_frames) : frames;
  return most - (most - 1) % options.frame_step;
}

std::vector<SelectedClip> select_clips(const CorpusIndex& corpus, std::string_view split,
                                       const BatchOptions& options) {
  if (std::min({options.patch.frames, options.patch.height, options.patch.width}) <= 0)
    fail(ExitCode::kUsage, "a patch of {} frames of {}x{} is empty", options.patch.frames,
         options.patch.width, options.patch.height);
  std::vector<SelectedClip> selected;
  for (const std::int64_t number : corpus.clips_of(split)) {
    const CorpusClip& clip = corpus.clips()[static_cast<std::size_t>(number)];
    const Grid grid = patch_grid(frames_of(clip, options), clip.height, clip.width, options.patch);
    const std::string fault = fault_of(clip, grid, options);
    if (!fault.empty()) {
      const ClipRecord record = corpus.record(number);
      fail(ExitCode::kUsage, "{} ({} at {} s): {}", corpus.name_of_clip(number), record.source,
           record.start_seconds, fault);
    }
    selected.push_back({number, grid});
  }
  return selected;
}

BatchBuilder::BatchBuilder(const CorpusIndex& corpus, const BatchOptions& options)
    : corpus_(&corpus), options_(options) {
  if (corpus.dtype() != DType::kU8)
    fail(ExitCode::kUsage, "{}: it holds latents as {}; only pixels (u8) can be trained on",
         corpus.folder().string(), name_of(corpus.dtype()));
  const auto other = std::ranges::find_if(corpus.clips(), [&](const CorpusClip& clip) {
    return clip.channels != corpus.clips().front().channels;
  });
  if (other != corpus.clips().end())
    fail(ExitCode::kUsage, "{}: clips have {} and {} channels; a model takes one number of them",
         corpus.folder().string(), corpus.clips().front().channels, other->channels);
}

Batch BatchBuilder::build(const std::vector<DrawnClip>& clips,
                          std::vector<std::byte>* scratch) const {
  const int channels = corpus_->clips().front().channels;
  const std::int64_t width = options_.patch.tokens() * channels;
  Batch batch;
  batch.tokens = Tensor::empty({options_.token_budget, width});
  auto* const tokens = batch.tokens.data<float>();
  std::vector<std::int32_t> ids;
  std::vector<std::int64_t> text_lengths;
  for (const DrawnClip& drawn : clips) {
    const std::int64_t number = drawn.clip.clip;
    const CorpusClip& clip = corpus_->clips()[static_cast<std::size_t>(number)];
    scratch->resize(std::max(scratch->size(), corpus_->clip_bytes(number)));
    corpus_->read(number, std::span(*scratch).first(corpus_->clip_bytes(number)));
    const PixelView pixels{reinterpret_cast<const std::uint8_t*>(scratch->data()),
                           frames_of(clip, options_), clip.height, clip.width, channels};
    patchify(pixels, drawn.clip.grid, options_.patch, tokens + batch.packing.used() * width);
    batch.packing.add(drawn.clip.grid);

    const RandomStream dice(options_.seed, Purpose::kCaptionDrop,
                            static_cast<std::uint64_t>(drawn.sample));
    const bool dropped = dice.uniform(0) < options_.caption_drop_rate;
    const std::string caption = dropped ? std::string() : corpus_->record(number).caption;
    batch.captions.emplace_back(
        cut_utf8(caption, static_cast<std::size_t>(options_.max_caption_bytes)));
    ids.push_back(kTextBegin);
    for (const char byte : batch.captions.back()) ids.push_back(static_cast<unsigned char>(byte));
    text_lengths.push_back(std::ssize(batch.captions.back()) + 1);
    batch.clip_ids.push_back(number);
    batch.samples.push_back(drawn.sample);
  }
  batch.packing.rows = options_.token_budget;
  std::fill(tokens + batch.packing.used() * width, tokens + options_.token_budget * width, 0.0F);
  batch.text_packing = Packing::of_lengths(text_lengths, kTextRowStep);
  ids.resize(static_cast<std::size_t>(batch.text_packing.rows), kSlackId);
  batch.text_ids = Tensor::of(Shape{static_cast<std::int64_t>(ids.size())}, ids);
  return batch;
}

}  // namespace muybridge
