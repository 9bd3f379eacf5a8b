#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace muybridge {

// What was guessed of a file or done to its pictures: each said once, in the order of adding.
class VideoNotes {
 public:
  static constexpr std::size_t kMost = 16;  // a hostile file cannot fill a report

  void add(std::string note) {
    if (all_.size() == kMost || std::find(all_.begin(), all_.end(), note) != all_.end()) return;
    all_.push_back(std::move(note));
  }
  const std::vector<std::string>& all() const { return all_; }

 private:
  std::vector<std::string> all_;
};

}  // namespace muybridge
