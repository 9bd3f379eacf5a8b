#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/system/file_handle.h"
#include "data/media/video_reader.h"

namespace muybridge {

// What one file may cost. Time counts while the decoder works, not while on_frame() does. A file
// may be of any length: each picture that is decoded gives it picture_seconds more, and pictures
// need bytes of the file.
struct DecodeLimits {
  std::size_t frame_bytes = std::size_t{128} << 20;  // of a frame of the result
  std::size_t memory_bytes = std::size_t{3} << 30;   // of the decoder's process, without its ring
  double stall_seconds = 30;                         // without a picture
  double total_seconds = 900;                        // beside picture_seconds
  double picture_seconds = 1;
  std::int64_t frames = std::int64_t{1} << 24;  // of the result; pauses of hours are frames too
};

// What the decoder says of a file; checked, but not to be believed blindly.
struct DecodedStream {
  int width = 0;
  int height = 0;
  double fps = 0;
  std::int64_t expected_frames = 0;  // of the whole file; 0 if unknown
  VideoInfo source;

  std::size_t frame_bytes() const {
    return std::size_t{3} * static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  }
};

struct DecodedFrame {
  const std::uint8_t* rgb = nullptr;  // [height, width, 3]; valid during the call
  double time = 0;                    // seconds after the first picture of the file
};

struct DecodeOutcome {
  bool opened = false;  // `stream` is valid
  DecodedStream stream;
  std::int64_t frames = 0;         // handed to on_frame
  bool finished = false;           // nothing of the file is left behind options.count frames
  bool lost = false;               // the child crashed, hung, lied or was stopped: trust no frame
  std::string problem;             // empty if the file is whole
  std::vector<std::string> notes;  // what was guessed or done, as VideoReader::notes()
};

// Decodes files in a child process: one that crashes, hangs, or sends nonsense costs only the file.
// The child is this program with the argument kDecodeCommand (decode_child.h); it is started at the
// first order, serves many, and is replaced when it is lost. One order at a time.
class DecodeWorker {
 public:
  using OnFrame = std::function<void(const DecodedStream&, const DecodedFrame&)>;

  explicit DecodeWorker(const DecodeLimits& limits = {}, const std::atomic<bool>* stop = nullptr);
  ~DecodeWorker();
  DecodeWorker(const DecodeWorker&) = delete;
  DecodeWorker& operator=(const DecodeWorker&) = delete;

  // Frames arrive in order. Whatever is wrong with the file stands in the outcome. What the machine
  // lacks is no fault of the file: Error(kIo) is thrown if no child can be started, if the system
  // fails to read the file, if memory is short (not: if the file wants more than limits allow) or
  // if the child is killed from outside. So is what on_frame throws. When *stop becomes true, the
  // order ends with the problem "stopped".
  DecodeOutcome decode(const FileHandle& file, const ReadOptions& options, const OnFrame& on_frame);

  // Opens the file and says what is in it.
  DecodeOutcome probe(const FileHandle& file, const ReadOptions& options);

  // The process that serves now; 0 if none does.
  int process_id() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace muybridge
