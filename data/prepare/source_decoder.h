#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/corpus/corpus_listing.h"
#include "data/decode/decode_worker.h"
#include "data/media/clip_splitter.h"
#include "data/media/scene_cut.h"
#include "data/prepare/frame_store.h"
#include "data/prepare/prepare_settings.h"
#include "data/prepare/prepare_writer.h"
#include "data/prepare/present_clips.h"
#include "data/prepare/source_queue.h"

namespace muybridge {

// What all decoding threads share.
struct PrepareContext {
  const PrepareSettings& settings;
  const std::string& origin;  // of the corpus
  const std::vector<ClipSource>& sources;
  const PresentClips& present;
  const std::filesystem::path& scratch;
  std::size_t store_bytes;  // memory for the frames of one source
  int decoder_threads;      // of one decoder
  const std::atomic<bool>& stop;
  PrepareWriter& writer;
  std::atomic<std::int64_t>& frames;  // decoded so far, by all
};

// What became of a source.
struct SourceOutcome {
  std::size_t number = 0;
  std::string identity;      // empty if it could not be read
  bool complete = false;     // its clips were there before
  bool twice = false;        // another source of this run is the same
  std::int64_t made = 0;     // clips
  std::int64_t present = 0;  // clips that were there before
  std::int64_t frames = 0;   // decoded
  DroppedFrames dropped;
  std::vector<std::string> notes;  // what was guessed or done to its pictures
  std::string problem;             // empty if nothing is wrong with the video
};

// Decodes one source from front to back and hands its clips to the writer as they are complete.
// One object a source.
class SourceDecoder {
 public:
  SourceDecoder(const PrepareContext& context, DecodeWorker& worker, OpenedSource source);

  // Whatever is wrong with the file stands in the outcome. Throws Error as the writer does.
  SourceOutcome run();

 private:
  void decode();
  ReadOptions options() const;
  void begin(const DecodedStream& stream);
  void take(const DecodedStream& stream, const DecodedFrame& frame);
  void settle(const DecodedStream& stream);
  void write(const DecodedStream& stream, const ClipSpan& span);
  double rate_of(const DecodedStream& stream, const ClipSpan& span) const;

  const PrepareContext& context_;
  DecodeWorker& worker_;
  OpenedSource source_;
  SourceOutcome outcome_;
  CutFinder cuts_;
  std::optional<ClipSplitter> splitter_;
  std::optional<FrameStore> store_;
  std::deque<double> times_;  // of the frames from first_time_ on
  std::int64_t first_time_ = 0;
  std::vector<ClipSpan> complete_;  // not written yet
  std::int64_t clips_ = 0;          // of this source so far
};

}  // namespace muybridge
