#include "data/shards/corpus_index.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/error.h"
#include "core/system/file.h"
#include "tests/data/test_folder.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

class Corpus : public TestFolder {
 protected:
  // Clip i of a shard is `frames + i` pictures of 4x6, every byte `10 * number + i`.
  void add_shard(int number, int clips, int frames = 1, const std::string& settings = "{}") {
    ShardWriter writer(folder_, number, settings);
    for (int i = 0; i < clips; ++i) {
      ClipRecord record;
      record.caption = fmt::format("caption {} {}", number, i);
      record.source = fmt::format("{}/{}.mp4", number, i);
      record.split = i == 1 ? "validation" : "train";
      record.frames = frames + i;
      record.height = 4;
      record.width = 6;
      writer.add(record, std::string(record.bytes(), static_cast<char>(10 * number + i)).data());
    }
    writer.commit();
  }
};

std::string read_clip(const CorpusIndex& corpus, std::int64_t clip) {
  std::string data(corpus.clip_bytes(clip), '\0');
  corpus.read(clip, std::as_writable_bytes(std::span(data)));
  return data;
}

void expect_error(ExitCode code, const std::string& part, const std::function<void()>& action) {
  try {
    action();
    FAIL() << "no error that says: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(code)) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

// Changes one byte of a file in place.
void flip(const fs::path& path, std::size_t position) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(position));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(position));
  file.put(static_cast<char>(byte ^ 0x10));
}

TEST_F(Corpus, NumbersClipsThroughItsShards) {
  add_shard(4, 2);
  add_shard(1, 3, 5);
  const CorpusIndex built = CorpusIndex::build(folder_);
  const CorpusIndex corpus = CorpusIndex::open(folder_);
  EXPECT_EQ(corpus.identity(), built.identity());
  ASSERT_EQ(corpus.clips().size(), 5U);
  ASSERT_EQ(corpus.shards().size(), 2U);
  EXPECT_EQ(corpus.shards()[0].file, "shard-00001.h5");
  EXPECT_EQ(corpus.clips_of("train"), (std::vector<std::int64_t>{0, 2, 3}));
  EXPECT_EQ(corpus.clips_of("validation"), (std::vector<std::int64_t>{1, 4}));
  EXPECT_EQ(corpus.clips()[2].frames, 7);
  EXPECT_EQ(corpus.record(4).caption, "caption 4 1");
  EXPECT_EQ(corpus.name_of_clip(4), "shard-00004.h5 clip 1");
  EXPECT_EQ(read_clip(corpus, 2), std::string(7 * 4 * 6 * 3, 12));
  EXPECT_EQ(read_clip(corpus, 3), std::string(1 * 4 * 6 * 3, 40));
  corpus.verify();
}

TEST_F(Corpus, IsHeldOutAsAWholeWhenAskedFor) {
  add_shard(0, 3);
  CorpusIndex::build(folder_);
  const CorpusIndex corpus = CorpusIndex::open_held_out(folder_);
  EXPECT_EQ(corpus.clips_of("validation"), (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_TRUE(corpus.clips_of("train").empty());
  EXPECT_EQ(corpus.identity(), CorpusIndex::open(folder_).identity());
}

TEST_F(Corpus, GrowsAndKeepsTheHashesItKnows) {
  add_shard(0, 2);
  const CorpusIndex before = CorpusIndex::build(folder_);
  EXPECT_EQ(CorpusIndex::build(folder_).identity(), before.identity());
  add_shard(1, 2);
  const CorpusIndex after = CorpusIndex::build(folder_);
  EXPECT_NE(after.identity(), before.identity());
  EXPECT_EQ(after.shards()[0].hash, before.shards()[0].hash);
  EXPECT_EQ(after.shards()[1].hash, hash_file(folder_ / after.shards()[1].file));
}

TEST_F(Corpus, RefusesShardsOfDifferentSettings) {
  add_shard(0, 1, 1, R"({"fps": 8})");
  add_shard(1, 1, 1, R"({"fps": 16})");
  expect_error(ExitCode::kUsage, R"(shard-00001.h5: u8 {"fps":16})",
               [&] { CorpusIndex::build(folder_); });
  EXPECT_FALSE(fs::exists(folder_ / "index.json"));
}

TEST_F(Corpus, ThatIsNotThereSaysHowToMakeIt) {
  expect_error(ExitCode::kIo, "muybridge prepare", [&] { CorpusIndex::open(folder_); });
  EXPECT_TRUE(CorpusIndex::build(folder_).clips().empty());
  expect_error(ExitCode::kUsage, "no clips", [&] { CorpusIndex::open(folder_); });
}

TEST_F(Corpus, SeesAnyChangeOfItsIndex) {
  add_shard(0, 3);
  const std::string identity = CorpusIndex::build(folder_).identity();
  const fs::path path = folder_ / "index.json";
  const std::string content = read_file(path);
  int refused = 0;
  for (std::size_t i = 0; i + 1 < content.size(); ++i) {
    std::string changed = content;
    changed[i] = static_cast<char>(changed[i] ^ 0x01);
    std::fstream(path, std::ios::binary | std::ios::in | std::ios::out) << changed;
    try {
      // White space and the like may change without harm.
      EXPECT_EQ(CorpusIndex::open(folder_).identity(), identity) << "byte " << i;
    } catch (const Error& error) {
      EXPECT_EQ(static_cast<int>(error.code()), 65) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, static_cast<int>(content.size()) - 10);
}

TEST_F(Corpus, FindsADamagedIndexWorthlessAndListsAnew) {
  add_shard(0, 3);
  const std::string identity = CorpusIndex::build(folder_).identity();
  std::ofstream(folder_ / "index.json") << "{}";
  expect_error(ExitCode::kCorrupt, "index.json", [&] { CorpusIndex::open(folder_); });
  EXPECT_EQ(CorpusIndex::build(folder_).identity(), identity);
}

TEST_F(Corpus, HoldsAShardAgainstTheIndexBeforeItsFirstUse) {
  add_shard(0, 2);
  add_shard(1, 2);
  CorpusIndex::build(folder_);
  const fs::path path = shard_path(folder_, 1);

  // Another shard of the same size in its place.
  fs::remove(path);
  add_shard(1, 2, 2);
  fs::resize_file(path, CorpusIndex::open(folder_).shards()[1].bytes);
  const CorpusIndex swapped = CorpusIndex::open(folder_);
  read_clip(swapped, 0);
  EXPECT_THROW(read_clip(swapped, 2), Error);

  fs::resize_file(path, 1000);
  const CorpusIndex cut = CorpusIndex::open(folder_);
  read_clip(cut, 1);
  expect_error(ExitCode::kCorrupt, "shard-00001.h5", [&] { read_clip(cut, 2); });

  fs::remove(path);
  expect_error(ExitCode::kIo, "shard-00001.h5", [&] { read_clip(cut, 2); });
}

TEST_F(Corpus, VerifyFindsAByteThatNoClipUses) {
  add_shard(0, 2);
  const CorpusIndex corpus = CorpusIndex::build(folder_);
  corpus.verify();
  const fs::path path = shard_path(folder_, 0);
  const std::string content = read_file(path);
  for (std::size_t i = 0; i < content.size(); i += 41) {
    flip(path, i);
    expect_error(ExitCode::kCorrupt, path.string(), [&] { corpus.verify(); });
    flip(path, i);
  }
  corpus.verify();
}

TEST_F(Corpus, IsSharedByThreads) {
  for (int number = 0; number < 8; ++number) add_shard(number, 4);
  const CorpusIndex corpus = CorpusIndex::build(folder_);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::int64_t i = 0; i < 32; ++i) {
        const std::int64_t clip = (i * 5 + t) % 32;
        const auto value = static_cast<char>(10 * (clip / 4) + clip % 4);
        wrong += read_clip(corpus, clip) != std::string(corpus.clip_bytes(clip), value);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace muybridge
