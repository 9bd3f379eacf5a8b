#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data/corpus/caption_text.h"
#include "data/media/clip_splitter.h"
#include "data/media/picture/video_geometry.h"

namespace muybridge {

// How a video becomes clips.
enum class Cutting {
  kScenes,  // at cuts, then by length
  kLength,  // by length alone
  kNone,    // the first clip of each video
};
std::optional<Cutting> cutting_named(std::string_view name);

// What decides how the clips of a prepared corpus look: shards made with other settings do not mix.
struct PrepareSettings {
  SizeOptions size;  // without a crop
  double fps = 0;    // 0: as the video is
  ClipLengths lengths;
  Cutting cutting = Cutting::kScenes;
  double validation = 0.02;  // share held out where the corpus does not say
  CaptionRules captions;
};

// The lengths that --frames, --min-frames and --frame-step ask for. Without --min-frames (0) a
// scene makes a clip from 5 frames on, and what is left of a scene behind a whole clip from a
// quarter of
// --frames on: rests of a frame or two would train as still pictures with captions of a motion.
ClipLengths clip_lengths(int longest, int shortest, int step, int stride);

// Throws Error(kUsage) for settings that make no clips, naming the option.
void check_settings(const PrepareSettings& settings);

// Canonical JSON: equal settings give equal text.
std::string settings_json(const PrepareSettings& settings);

// The largest frame of the result; for kNative, of a result that is accepted.
std::size_t most_frame_bytes(const PrepareSettings& settings);

}  // namespace muybridge
