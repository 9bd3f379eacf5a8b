#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace muybridge {

// Chooses the clips that are held out where a corpus does not say. Whole videos are, by the hash of
// their content, so that none is on both sides and a choice never changes when a corpus grows; in
// corpora of few videos single clips are, by their own.
class Holdout {
 public:
  static constexpr std::size_t kFewVideos = 50;

  Holdout(double share, std::size_t videos) : share_(share), by_video_(videos >= kFewVideos) {}

  bool holds_out(const std::string& video_hash, const std::string& clip_hash) const;

  // A corpus of ten clips or more has one that is held out: whether this must be the last clip.
  bool needs_one(std::int64_t clips, std::int64_t held_out) const {
    return share_ > 0 && clips >= 10 && held_out == 0;
  }

 private:
  double share_;
  bool by_video_;
};

}  // namespace muybridge
