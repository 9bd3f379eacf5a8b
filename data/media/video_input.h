#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "core/error.h"
#include "core/system/file_handle.h"
#include "data/media/av_handles.h"
#include "data/media/presentation_times.h"
#include "data/media/video_container.h"
#include "data/media/video_file.h"
#include "data/media/video_notes.h"

namespace muybridge {

// The decoded pictures of the best video stream of a file, each once, in the order of presentation,
// from the first to the last. Not for use outside data/media.
class VideoInput {
 public:
  // Throws Error: kCorrupt where there is no video to decode, kIo where the system fails to read.
  // `max_pixels` bounds a picture. libav decodes with so many threads; what comes out is the same.
  VideoInput(FileHandle file, std::int64_t max_pixels, int threads);
  VideoInput(const VideoInput&) = delete;
  VideoInput& operator=(const VideoInput&) = delete;

  // Puts the next picture into `picture`, which is empty; false at the end. Pictures that libav had
  // to conceal are never given out: the stream ends before them and damage() says why.
  bool next(AVFrame& picture);

  // Of the picture that next() gave last, in ticks of the stream; nothing if the file does not say.
  std::optional<std::int64_t> ticks() const { return ticks_; }

  const VideoContainer& container() const { return *container_; }
  const AVStream& stream() const { return container_->stream(); }
  const std::string& damage() const { return damage_; }
  void explain(VideoNotes& notes) const;  // what of the file was guessed or is not read

 private:
  void open(int threads);
  void open_decoder(int threads);
  bool decode(AVFrame& picture);
  bool feed();
  bool deliver();
  int send();
  void begin_recording();
  bool another_file_begins(std::int64_t from);
  void leave_out(std::int64_t other_file);
  void end_of_file();
  bool follows() const;
  void remember();
  bool troubled() const;
  void stop(const std::string& reason);

  VideoFile file_;
  std::int64_t max_pixels_;
  int threads_;
  std::optional<VideoContainer> container_;
  AvDecoder decoder_;
  AvPacket packet_;
  PresentationTimes times_;
  std::int64_t given_ = 0;  // pictures
  std::string damage_;
  int complaints_ = 0;          // of decoders, when this one was opened
  std::int64_t fruitless_ = 0;  // packets of the stream since the last picture
  bool tells_damage_ = true;    // the decoder returns an error for it
  bool started_ = false;        // a good picture was seen
  bool draining_ = false;
  bool joining_ = false;  // what the decoder still has of a recording comes before `packet_`
  bool over_ = false;     // nothing more can be used
  bool short_ = false;    // packets are missing at the end
  double last_end_ = 0;   // the latest end of any packet, in seconds after the beginning
  std::int64_t last_dts_ = AV_NOPTS_VALUE;  // of the stream's packets
  std::int64_t last_ticks_ = AV_NOPTS_VALUE;
  std::optional<std::int64_t> ticks_;         // of the latest picture
  bool searched_ = false;                     // for another file
  bool torn_ = false;                         // MP4: a part of it goes on behind its end
  std::string unread_;                        // what of the file is not read; empty: all is
  std::int64_t unusable_ = 0;                 // packets and pictures before a first good picture
  std::array<std::int64_t, 16> intervals_{};  // between the latest pictures, in ticks
};

}  // namespace muybridge
