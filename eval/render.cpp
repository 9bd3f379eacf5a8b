#include "eval/render.h"

#include <algorithm>

#include "core/error.h"
#include "data/loader/unpatchify.h"
#include "data/media/video_reader.h"
#include "data/media/video_writer.h"

namespace muybridge {
namespace {

Scores measure(const std::filesystem::path& file, const RenderOptions& options,
               const std::string& caption) {
  ReadOptions read;
  read.size.resize = Resize::kCover;
  read.size.width = options.width;
  read.size.height = options.height;
  return score_clip(read_video(file, read), options.fps, caption).value_or(Scores{});
}

}  // namespace

Grid render_grid(const DitOptions& model, const RenderOptions& options) {
  const Grid& patch = model.patch;
  const auto whole = [](int size, int part) { return std::max(part, size / part * part); };
  const bool one_image = options.frames == 1;
  if (options.width % patch.width || options.height % patch.height || options.width < 1 ||
      options.height < 1 || options.frames < 1 || (options.frames % patch.frames && !one_image))
    fail(ExitCode::kUsage,
         "clips of {} frames of {}x{} do not split into patches of {} frames of {}x{}; the nearest "
         "size is {} frames of {}x{}",
         options.frames, options.width, options.height, patch.frames, patch.width, patch.height,
         whole(options.frames, patch.frames), whole(options.width, patch.width),
         whole(options.height, patch.height));
  if (model.channels != 3)
    fail(ExitCode::kUsage, "this model makes latents of {} channels; only pixels can be rendered",
         model.channels);
  return {.frames = one_image ? 1 : options.frames / patch.frames,
          .height = options.height / patch.height,
          .width = options.width / patch.width};
}

std::vector<SampleRecord> render_clips(const Dit& dit, const std::vector<RenderRequest>& requests,
                                       const RenderOptions& options,
                                       const std::filesystem::path& folder, const SampleSet& set,
                                       const SamplerProgress& progress) {
  const Grid grid = render_grid(dit.options(), options);
  const std::int64_t copies = options.sampler.guidance == 1.0 ? 1 : 2;
  const auto per_batch = static_cast<std::size_t>(
      std::max<std::int64_t>(1, options.token_budget / (copies * grid.tokens())));
  const std::size_t batches = (requests.size() + per_batch - 1) / per_batch;
  std::vector<SampleRecord> records;
  for (std::size_t first = 0; first < requests.size(); first += per_batch) {
    std::vector<ClipRequest> clips;
    for (std::size_t i = first; i < std::min(first + per_batch, requests.size()); ++i)
      clips.push_back({.prompt = requests[i].prompt, .seed = requests[i].seed, .grid = grid});
    const int done = static_cast<int>(first / per_batch);
    const Tensor tokens = sample_clips(dit, clips, options.sampler, [&](int step, int steps) {
      if (progress) progress(done * steps + step, static_cast<int>(batches) * steps);
    });
    for (std::size_t i = 0; i < clips.size(); ++i) {
      const RenderRequest& request = requests[first + i];
      Frames frames =
          unpatchify(tokens.rows(static_cast<std::int64_t>(i) * grid.tokens(), grid.tokens()), grid,
                     dit.options().patch);
      if (options.frames < frames.count) {
        frames.count = options.frames;
        frames.rgb.resize(frames.frame_bytes() * static_cast<std::size_t>(options.frames));
      }
      SampleRecord record{
          .prompt = request.prompt, .seed = request.seed, .file = request.file, .scores = {}};
      write_video(folder / request.file, frames,
                  {.fps = options.fps,
                   .upscale = options.upscale,
                   .comment = provenance_comment(set, record)});
      record.scores = measure(folder / request.file, options, request.prompt);
      records.push_back(std::move(record));
    }
  }
  return records;
}

}  // namespace muybridge
