#include "eval/render.h"

#include <algorithm>

#include "core/error.h"
#include "core/system/file.h"
#include "data/loader/unpatchify.h"
#include "data/media/picture_writer.h"
#include "data/media/video_writer.h"

namespace muybridge {
namespace {

// What is asked for besides the MP4, under the MP4's name.
void write_pictures(const Frames& frames, const RenderOptions& options,
                    const std::filesystem::path& folder, SampleRecord& record) {
  const std::string stem = std::filesystem::path(record.file).stem().string();
  if (options.gif) {
    record.gif = stem + ".gif";
    write_file_durably(folder / record.gif, encode_gif(frames, options.fps, options.upscale));
  }
  if (!options.png) return;
  record.frames = stem;
  std::filesystem::create_directories(folder / stem);
  for (int index = 0; index < frames.count; ++index)
    write_file_durably(folder / stem / fmt::format("frame-{:04}.png", index + 1),
                       encode_png(frames, index, options.upscale));
}

SampleRecord write_clip(const Frames& frames, const RenderRequest& request,
                        const RenderOptions& options, const std::filesystem::path& folder,
                        const SampleSet& set) {
  SampleRecord record{.prompt = request.prompt,
                      .negative = request.negative,
                      .seed = request.seed,
                      .file = request.file,
                      .scores = {},
                      .source = request.source,
                      .real = request.real};
  write_video(
      folder / request.file, frames,
      {.fps = options.fps, .upscale = options.upscale, .comment = provenance_comment(set, record)});
  write_pictures(frames, options, folder, record);
  record.scores = score_video(folder / request.file, request.prompt).value_or(Scores{});
  return record;
}

}  // namespace

Grid render_grid(const DitOptions& model, const RenderOptions& options) {
  if (options.frames == 0 || options.width == 0 || options.fps == 0)
    fail(ExitCode::kUsage,
         "length, size or rate of the clips is left open (eval.frames, eval.size, eval.fps), and "
         "the corpus that would say it is not there; give a value");
  const Grid& patch = model.patch;
  const auto nearest = [](int size, int part) {
    return std::max(part, (std::max(size, 0) + part / 2) / part * part);
  };
  const bool one_image = options.frames == 1;
  if (options.width % patch.width || options.height % patch.height || options.width < 1 ||
      options.height < 1 || options.frames < 1 || (options.frames % patch.frames && !one_image))
    fail(ExitCode::kUsage,
         "clips of {} frames of {}x{} do not split into patches of {} frames of {}x{}; the nearest "
         "size is {} frames of {}x{}",
         options.frames, options.width, options.height, patch.frames, patch.width, patch.height,
         nearest(options.frames, patch.frames), nearest(options.width, patch.width),
         nearest(options.height, patch.height));
  if (model.channels != 3)
    fail(ExitCode::kUsage, "this model makes latents of {} channels; only pixels can be rendered",
         model.channels);
  return {.frames = one_image ? 1 : options.frames / patch.frames,
          .height = options.height / patch.height,
          .width = options.width / patch.width};
}

std::size_t clips_at_once(const DitOptions& model, const RenderOptions& options) {
  const std::int64_t copies = options.sampler.guidance == 1.0 ? 1 : 2;
  return static_cast<std::size_t>(std::max<std::int64_t>(
      1, options.token_budget / (copies * render_grid(model, options).tokens())));
}

Rendered render_clips(const Dit& dit, const std::vector<RenderRequest>& requests,
                      const RenderOptions& options, const std::filesystem::path& folder,
                      const SampleSet& set, const RenderHooks& hooks) {
  const Grid grid = render_grid(dit.options, options);
  const std::size_t per_batch = clips_at_once(dit.options, options);
  const std::size_t batches = (requests.size() + per_batch - 1) / per_batch;
  Rendered rendered;
  bool stopped = false;
  const auto write = [&](const Frames& frames, const RenderRequest& request) {
    stopped = stopped || (hooks.stop && hooks.stop());
    if (folder.empty() || rendered.failure || stopped) return;
    try {
      rendered.records.push_back(write_clip(frames, request, options, folder, set));
    } catch (...) {
      rendered.failure = std::current_exception();
    }
  };
  for (std::size_t first = 0; first < requests.size(); first += per_batch) {
    std::vector<ClipRequest> clips;
    for (std::size_t i = first; i < std::min(first + per_batch, requests.size()); ++i)
      clips.push_back({.prompt = requests[i].prompt,
                       .negative = requests[i].negative,
                       .seed = requests[i].seed,
                       .grid = grid});
    const int done = static_cast<int>(first / per_batch);
    const Tensor tokens = sample_clips(dit, clips, options.sampler, [&](int step, int steps) {
      if (hooks.progress) hooks.progress(done * steps + step, static_cast<int>(batches) * steps);
    });
    for (std::size_t i = 0; i < clips.size(); ++i) {
      Frames frames =
          unpatchify(tokens.rows(static_cast<std::int64_t>(i) * grid.tokens(), grid.tokens()), grid,
                     dit.options.patch);
      if (options.frames < frames.count) {
        frames.count = options.frames;
        frames.rgb.resize(frames.frame_bytes() * static_cast<std::size_t>(options.frames));
      }
      write(frames, requests[first + i]);
    }
  }
  return rendered;
}

}  // namespace muybridge
