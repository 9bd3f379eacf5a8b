#include "train/evaluation/corpus_clip.h"

#include <algorithm>
#include <span>

#include "core/error.h"
#include "data/media/video_writer.h"

namespace muybridge {

void write_corpus_clip(const CorpusIndex& corpus, std::int64_t clip, const RenderOptions& beside,
                       const std::filesystem::path& file) {
  const ClipRecord record = corpus.record(clip);
  if (record.dtype != DType::kU8 || record.channels != 3)
    fail(ExitCode::kUsage, "{} holds no pixels that could be shown", corpus.name_of_clip(clip));
  Frames frames{.count = record.frames, .height = record.height, .width = record.width, .rgb = {}};
  frames.rgb.resize(record.bytes());
  corpus.read(clip, std::as_writable_bytes(std::span(frames.rgb)));
  frames.count = std::min(frames.count, std::max(beside.frames, 1));
  frames.rgb.resize(frames.frame_bytes() * static_cast<std::size_t>(frames.count));
  const int upscale = std::clamp(beside.upscale * beside.width / record.width, 1, beside.upscale);
  write_video(file, frames,
              {.fps = record.fps > 0 ? record.fps : beside.fps,
               .upscale = upscale,
               .comment = "not generated: a clip of the corpus, " + record.source});
}

}  // namespace muybridge
