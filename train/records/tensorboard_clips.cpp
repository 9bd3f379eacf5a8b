#include "train/records/tensorboard_clips.h"

#include <algorithm>

#include "core/error.h"
#include "core/log.h"
#include "data/media/picture_writer.h"
#include "data/media/video_reader.h"
#include "eval/clip_name.h"

namespace muybridge {
namespace {

constexpr int kSide = 256;
constexpr std::int64_t kMostFrames = 64;

void add_clip(TensorBoardWriter& tensorboard, const std::filesystem::path& folder,
              std::int64_t step, const SampleRecord& clip) {
  ReadOptions read;
  read.size = {.resize = Resize::kFit, .width = kSide, .height = kSide};
  read.count = kMostFrames;
  const double fps = VideoReader(folder / clip.file).info().fps;
  const Frames frames = read_video(folder / clip.file, read);
  tensorboard.add_image(step, "clips/" + clip_stem(clip.prompt, clip.seed), frames.height,
                        frames.width, encode_gif(frames, fps > 0 ? fps : 8));
}

}  // namespace

void add_clips(TensorBoardWriter& tensorboard, const std::filesystem::path& folder,
               const SampleSet& set, std::size_t most) {
  for (std::size_t i = 0; i < std::min(most, set.clips.size()); ++i) {
    try {
      add_clip(tensorboard, folder, set.step, set.clips[i]);
    } catch (const Error& error) {
      log_warning("{}; TensorBoard does not show this clip", error.what());
    }
  }
}

}  // namespace muybridge
