#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.h"
#include "data/media/video_writer.h"
#include "data/prepare/prepare.h"
#include "data/shards/corpus_index.h"
#include "tests/data/media_folder.h"

namespace muybridge {

namespace fs = std::filesystem;

// A corpus to prepare and what came of it.
class Prepare : public MediaFolder {
 protected:
  void SetUp() override {
    MediaFolder::SetUp();
    options_.input = folder_ / "in";
    options_.output = folder_ / "out";
    options_.settings.lengths = clip_lengths(16, 0, 1, 0);
    options_.workers = 2;
  }

  // A clip with its caption; clips of different seeds have different pictures.
  fs::path clip(const std::string& name, int seed, double seconds = 1, int rate = 16) const {
    write("in/" + name + ".txt", fmt::format("caption of {}", name));
    Frames frames;
    frames.count = static_cast<int>(seconds * rate);
    frames.height = 32;
    frames.width = 48;
    frames.rgb.resize(frames.frame_bytes() * static_cast<std::size_t>(frames.count));
    for (int i = 0; i < frames.count; ++i) {
      for (std::size_t p = 0; p < frames.frame_bytes(); ++p) {
        const std::size_t row = p / 144;
        const std::size_t column = p / 3 % 48;
        frames.frame(i)[p] = static_cast<std::uint8_t>(
            128 + 90 * std::sin(0.2 * static_cast<double>(column + p % 3) + 0.1 * i + seed) *
                      std::cos(0.13 * static_cast<double>(row) * (seed + 1)));
      }
    }
    write_video(path("in/" + name + ".mp4"), frames, {.fps = static_cast<double>(rate)});
    return path("in/" + name + ".mp4");
  }
  void clips(int count) const {
    for (int i = 0; i < count; ++i) clip(fmt::format("clip-{:02}", i), i);
  }

  PrepareReport run() const {
    const std::atomic<bool> never{false};
    return prepare_corpus(options_, never);
  }

  CorpusIndex index() const { return CorpusIndex::open(options_.output); }

  std::vector<ClipRecord> records() const {
    std::vector<ClipRecord> result;
    const CorpusIndex corpus = index();
    for (std::size_t i = 0; i < corpus.clips().size(); ++i) {
      result.push_back(corpus.record(static_cast<std::int64_t>(i)));
    }
    return result;
  }

  // Names every clip by its source and start, with a hash of its pixels.
  std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> result;
    const CorpusIndex corpus = index();
    for (std::size_t i = 0; i < corpus.clips().size(); ++i) {
      const auto number = static_cast<std::int64_t>(i);
      const ClipRecord record = corpus.record(number);
      std::vector<std::byte> bytes(corpus.clip_bytes(number));
      corpus.read(number, bytes);
      const std::string key = fmt::format("{} {:.3f}", record.source, record.start_seconds);
      EXPECT_FALSE(result.contains(key)) << key << " is there twice";
      result[key] = record.caption + " " + hash_bytes(bytes.data(), bytes.size());
    }
    return result;
  }

  nlohmann::json report() const {
    return nlohmann::json::parse(read_file(options_.output / "report.json"));
  }

  static std::map<std::string, std::string> remarks(const nlohmann::json& list) {
    std::map<std::string, std::string> result;
    for (const auto& remark : list) {
      std::string& text = result[remark.at("file")];
      text += (text.empty() ? "" : "; ") + remark.at("reason").get<std::string>();
    }
    return result;
  }

  PrepareOptions options_;
};

}  // namespace muybridge
