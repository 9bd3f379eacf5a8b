#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/decode/decode_worker.h"
#include "data/media/clip_splitter.h"
#include "data/media/frames.h"

namespace muybridge {

// A source that was opened: its units are decoded from this handle by any worker.
struct OpenedSource {
  FileHandle file;
  std::string hash;                          // of its bytes
  std::atomic<std::int64_t> unit_frames{0};  // frames_of_unit(); 0: its frames were not seen yet
};

// One unit of a source, to be decoded.
struct PrepareTask {
  std::size_t source = 0;
  std::int64_t unit = 0;
  std::shared_ptr<OpenedSource> opened;  // nothing yet for unit 0
};

// What became of a unit.
struct PreparedUnit {
  std::size_t source = 0;
  std::int64_t unit = 0;
  std::int64_t first_frame = 0;  // of the video
  std::shared_ptr<OpenedSource> opened;
  std::string identity;  // unit_identity()
  bool present = false;  // its clips are in the corpus already
  DecodedStream stream;
  Frames frames;
  std::vector<ClipSpan> clips;
  std::string problem;  // empty if nothing is wrong with the video
  bool ended = false;   // nothing of the video is left behind this unit
  bool last = false;    // set by the queue: no unit of this source follows
};

// Hands units to workers and their results to one writer, in the order of the sources whoever is
// faster, so that the same corpus gives the same shards. Results that wait for an earlier one hold
// back further work once they fill `most_waiting_bytes`. Thread-safe.
class PrepareQueue {
 public:
  PrepareQueue(std::size_t sources, std::size_t most_waiting_bytes);

  // The next unit to decode; waits. Nothing when there is no more or the queue was stopped.
  std::optional<PrepareTask> next_task();

  // The source has at least so many units: lets others begin with them.
  void expect_units(const PrepareTask& task, std::int64_t units);

  void finish(PreparedUnit unit);

  // The next result in order; waits. Nothing when all were given out or the queue was stopped.
  std::optional<PreparedUnit> next_result();

  void stop();

 private:
  using Place = std::pair<std::size_t, std::int64_t>;
  struct Known {
    std::int64_t units = 1;  // handed out or pending
    bool complete = false;
  };
  bool may_start() const;
  void close_source(std::size_t source, std::int64_t units);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  const std::size_t sources_;
  const std::size_t most_waiting_bytes_;
  std::size_t waiting_bytes_ = 0;
  std::size_t next_source_ = 0;
  std::map<Place, std::shared_ptr<OpenedSource>> pending_;
  std::map<std::size_t, Known> known_;
  std::map<Place, PreparedUnit> results_;
  Place head_{0, 0};
  bool stopped_ = false;
};

}  // namespace muybridge
