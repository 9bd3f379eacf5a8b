#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/shards/corpus_index.h"
#include "tests/data/test_folder.h"

namespace muybridge {

// A corpus of made-up clips in the folder. Pixel p of clip i is a hash of both,
// so that a test can say what any byte must be.
class TemporaryCorpus : public TestFolder {
 protected:
  struct Clip {
    int frames = 1;
    int height = 8;
    int width = 8;
    std::string caption = {};
    std::string split = "train";
  };

  static std::uint8_t pixel(std::int64_t clip, std::size_t place) {
    return static_cast<std::uint8_t>(
        (static_cast<std::size_t>(clip) * 40503U + place) * 2654435761U >> 13);
  }

  // What pixel(clip, place) is to a model.
  static float unit(std::int64_t clip, std::size_t place) {
    return static_cast<float>(2 * pixel(clip, place) - 255) * (1.0F / 255.0F);
  }

  CorpusIndex make(const std::vector<Clip>& clips, std::size_t clips_a_shard = 1000) {
    for (std::size_t first = 0; first < clips.size(); first += clips_a_shard) {
      ShardWriter writer(folder_, static_cast<int>(first / clips_a_shard), "{}");
      for (std::size_t i = first; i < std::min(first + clips_a_shard, clips.size()); ++i) {
        ClipRecord record;
        record.caption = clips[i].caption;
        record.source = fmt::format("clip-{:05}.mp4", i);
        record.split = clips[i].split;
        record.frames = clips[i].frames;
        record.height = clips[i].height;
        record.width = clips[i].width;
        std::vector<std::uint8_t> data(record.bytes());
        for (std::size_t p = 0; p < data.size(); ++p)
          data[p] = pixel(static_cast<std::int64_t>(i), p);
        writer.add(record, data.data());
      }
      writer.commit();
    }
    return CorpusIndex::build(folder_);
  }

  // Pictures and short videos of several sizes; every tenth is held out.
  static std::vector<Clip> mixed(int count) {
    std::vector<Clip> clips;
    clips.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
      clips.push_back({.frames = i % 4 == 0 ? 1 : 2 + i % 5,
                       .height = 8 + 4 * (i % 3),
                       .width = 8 + 8 * (i % 2),
                       .caption = fmt::format("caption {}", i),
                       .split = i % 10 == 9 ? "validation" : "train"});
    return clips;
  }
};

}  // namespace muybridge
