#include "data/media/clip_splitter.h"

#include <algorithm>

namespace muybridge {

ClipSplitter::ClipSplitter(const ClipLengths& lengths) : lengths_(lengths) {}

void ClipSplitter::emit(int count, std::vector<ClipSpan>& complete) {
  complete.push_back({next_, count});
  covered_ = next_ + count;
  next_ += stride();
  done_ = lengths_.first_only;
}

void ClipSplitter::add(bool cut, std::vector<ClipSpan>& complete) {
  if (cut) {
    end_scene(complete);
    begin_scene();
  }
  ++frames_;
  if (!done_ && frames_ == next_ + lengths_.longest) emit(lengths_.longest, complete);
}

void ClipSplitter::end(std::vector<ClipSpan>& complete) {
  end_scene(complete);
  begin_scene();
}

void ClipSplitter::begin_scene() { scene_ = next_ = covered_ = frames_; }

// What is left of a scene when it ends: the clip that was begun is cut short or dropped.
void ClipSplitter::end_scene(std::vector<ClipSpan>& complete) {
  std::int64_t kept = std::max(covered_, next_);  // frames between two strides were not asked for
  const std::int64_t available = frames_ - next_;
  const int least = next_ > scene_ ? std::max(lengths_.rest, lengths_.shortest) : lengths_.shortest;
  if (!done_ && covered_ < frames_ && available >= least) {
    const int steps = (static_cast<int>(available) - lengths_.shortest) / lengths_.step;
    emit(lengths_.shortest + steps * lengths_.step, complete);
    kept = covered_;
  }
  if (lengths_.first_only || kept >= frames_) return;
  dropped_.frames += frames_ - kept;
  ++dropped_.pieces;
}

}  // namespace muybridge
