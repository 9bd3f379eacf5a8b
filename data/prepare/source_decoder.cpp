#include "data/prepare/source_decoder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"

namespace muybridge {
namespace {

// Containers round times: a clip whose rate is so near to its video's has that rate.
constexpr double kSameRate = 0.01;

}  // namespace

SourceDecoder::SourceDecoder(const PrepareContext& context, DecodeWorker& worker,
                             OpenedSource source)
    : context_(context), worker_(worker), source_(std::move(source)) {}

SourceOutcome SourceDecoder::run() {
  outcome_.number = source_.number;
  outcome_.problem = source_.problem;
  if (!outcome_.problem.empty()) return outcome_;
  outcome_.identity = source_.identity;
  outcome_.twice = source_.twice;
  outcome_.complete = context_.present.complete(outcome_.identity);
  if (!outcome_.twice && !outcome_.complete) decode();
  return outcome_;
}

ReadOptions SourceDecoder::options() const {
  const ClipSource& source = context_.sources[source_.number];
  ReadOptions options;
  options.size = context_.settings.size;
  options.size.crop = source.crop;
  options.fps = context_.settings.fps;
  options.cut_first = source.cut_first;
  options.cut_end = source.cut_end;
  options.threads = context_.decoder_threads;
  if (context_.settings.cutting == Cutting::kNone)
    options.count = context_.settings.lengths.longest;
  return options;
}

void SourceDecoder::decode() {
  const DecodeOutcome decoded = worker_.decode(
      source_.file, options(),
      [this](const DecodedStream& stream, const DecodedFrame& frame) { take(stream, frame); });
  outcome_.problem = decoded.problem;
  outcome_.notes = decoded.notes;
  if (!splitter_) return;
  if (decoded.lost) {  // what is not complete cannot be trusted
    outcome_.dropped = splitter_->dropped();
    return;
  }
  cuts_.end();
  settle(decoded.stream);
  splitter_->end(complete_);
  settle(decoded.stream);
  outcome_.dropped = splitter_->dropped();
  if (clips_ > 0) context_.writer.finish_source({outcome_.identity, clips_});
}

void SourceDecoder::begin(const DecodedStream& stream) {
  ClipLengths lengths = context_.settings.lengths;
  lengths.first_only = context_.settings.cutting == Cutting::kNone;
  if (stream.source.image) lengths.longest = lengths.shortest = lengths.rest = 1;
  splitter_.emplace(lengths);
  store_.emplace(stream.frame_bytes(), lengths.longest + cuts_.delay() + 2, context_.store_bytes,
                 context_.scratch);
}

void SourceDecoder::take(const DecodedStream& stream, const DecodedFrame& frame) {
  if (!splitter_) begin(stream);
  store_->push(frame.rgb);
  times_.push_back(frame.time);
  ++outcome_.frames;
  context_.frames.fetch_add(1, std::memory_order_relaxed);
  if (context_.settings.cutting == Cutting::kScenes) {
    cuts_.add(sketch_frame(frame.rgb, stream.height, stream.width));
  } else {
    splitter_->add(false, complete_);
  }
  settle(stream);
}

// Carries on with what is known of the frames so far.
void SourceDecoder::settle(const DecodedStream& stream) {
  if (context_.settings.cutting == Cutting::kScenes)
    while (const std::optional<bool> cut = cuts_.next()) splitter_->add(*cut, complete_);
  for (const ClipSpan& span : complete_) write(stream, span);
  complete_.clear();
  const std::int64_t needed = splitter_->first_needed();
  store_->drop_before(needed);
  for (; first_time_ < needed && !times_.empty(); ++first_time_) times_.pop_front();
}

// Frames a second of a clip: those of the video, unless the times of its frames say otherwise.
double SourceDecoder::rate_of(const DecodedStream& stream, const ClipSpan& span) const {
  if (context_.settings.fps > 0 || span.count < 2) return stream.fps;
  const auto at = static_cast<std::size_t>(span.first - first_time_);
  const double seconds = times_[at + static_cast<std::size_t>(span.count) - 1] - times_[at];
  if (seconds <= 0) return stream.fps;
  const double rate = (span.count - 1) / seconds;
  return std::abs(rate / stream.fps - 1) < kSameRate ? stream.fps : rate;
}

void SourceDecoder::write(const DecodedStream& stream, const ClipSpan& span) {
  const ClipSource& source = context_.sources[source_.number];
  ClipRecord record;
  record.caption = source.caption;
  record.source = source.name;
  record.origin = context_.origin;
  record.video_hash = source_.hash;
  record.split = source.split;
  record.content_hash = clip_identity(outcome_.identity, clips_++);
  record.start_seconds = times_[static_cast<std::size_t>(span.first - first_time_)];
  record.frames = span.count;
  record.height = stream.height;
  record.width = stream.width;
  record.fps = rate_of(stream, span);
  if (context_.present.has(record.content_hash)) {
    ++outcome_.present;
    return;
  }
  context_.writer.add(record, [&](int t) { return store_->frame(span.first + t); });
  ++outcome_.made;
}

}  // namespace muybridge
