#include "data/shards/shard.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <ctime>
#include <fstream>
#include <functional>
#include <limits>
#include <thread>

#include "core/error.h"
#include "core/system/file.h"
#include "tests/data/test_folder.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

using Shard = TestFolder;

constexpr const char* kSettings = R"({"fps": 8, "size": [16, 16]})";

ClipRecord record_of(int index, int frames, int height, int width) {
  ClipRecord record;
  record.caption = fmt::format("clip {} of a \"red\" ball\nü", index);
  record.source = fmt::format("train/{}.mp4", index);
  record.start_seconds = 0.1 * index;
  record.content_hash = hash_bytes(&index, sizeof index);
  record.split = index % 3 == 2 ? "validation" : "train";
  record.frames = frames;
  record.height = height;
  record.width = width;
  record.fps = 30000.0 / 1001.0;
  return record;
}

std::vector<std::uint8_t> data_of(const ClipRecord& record, int seed) {
  std::vector<std::uint8_t> data(record.bytes());
  std::uint32_t state = static_cast<std::uint32_t>(seed) * 2654435761U + 1;
  for (std::uint8_t& value : data) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<std::uint8_t>(state >> 24);
  }
  return data;
}

std::vector<std::uint8_t> read_clip(const ShardReader& reader, int clip) {
  std::vector<std::uint8_t> data(reader.records().at(static_cast<std::size_t>(clip)).bytes());
  reader.read(clip, std::as_writable_bytes(std::span(data)));
  return data;
}

// In place: some file systems flush a file that was truncated and written again.
void overwrite(const fs::path& path, const std::string& content) {
  if (!fs::exists(path)) std::ofstream(path).flush();
  std::fstream(path, std::ios::binary | std::ios::in | std::ios::out) << content;
  fs::resize_file(path, content.size());
}

std::vector<ClipRecord> tiny_records() {
  return {record_of(0, 2, 5, 7), record_of(1, 1, 3, 4), record_of(2, 3, 4, 4)};
}

ShardSummary write_shard(const fs::path& folder, int number,
                         const std::vector<ClipRecord>& records) {
  ShardWriter writer(folder, number, kSettings);
  for (std::size_t i = 0; i < records.size(); ++i)
    writer.add(records[i], data_of(records[i], static_cast<int>(i)).data());
  return writer.commit();
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

TEST_F(Shard, GivesBackWhatWasWritten) {
  const std::vector<ClipRecord> records = tiny_records();
  const ShardSummary summary = write_shard(folder_, 7, records);
  EXPECT_EQ(summary.file, "shard-00007.h5");
  EXPECT_EQ(summary.bytes, fs::file_size(folder_ / summary.file));
  EXPECT_EQ(summary.hash, hash_file(folder_ / summary.file));

  const ShardReader reader(folder_ / summary.file);
  EXPECT_EQ(reader.records(), records);
  EXPECT_EQ(reader.records(), summary.records);
  EXPECT_EQ(reader.settings(), R"({"fps":8,"size":[16,16]})");
  for (std::size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(read_clip(reader, static_cast<int>(i)), data_of(records[i], static_cast<int>(i)));
  }
}

TEST_F(Shard, IsTheSameFileWheneverItIsWritten) {
  const std::string hash = write_shard(folder_, 0, tiny_records()).hash;
  const std::time_t then = std::time(nullptr);  // HDF5 knows times in seconds
  while (std::time(nullptr) == then) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(write_shard(folder_, 1, tiny_records()).hash, hash);
}

TEST_F(Shard, HoldsClipsThatSpanChunks) {
  // 5.4 MB, then a few bytes, then 7.3 MB: clips begin and end inside chunks of 4 MiB.
  const std::vector<ClipRecord> records = {record_of(0, 27, 256, 260), record_of(1, 1, 1, 1),
                                           record_of(2, 24, 320, 316)};
  write_shard(folder_, 0, records);
  const ShardReader reader(shard_path(folder_, 0));
  for (const int i : {2, 0, 1}) {
    EXPECT_EQ(read_clip(reader, i), data_of(records[static_cast<std::size_t>(i)], i));
  }
}

TEST_F(Shard, HoldsLatents) {
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    ClipRecord record = record_of(0, 3, 4, 5);
    record.channels = 16;
    record.dtype = dtype;
    const int number = static_cast<int>(dtype);
    const std::vector<std::uint8_t> data = data_of(record, 3);
    {
      ShardWriter writer(folder_, number, kSettings);
      writer.add(record, data.data());
      writer.commit();
    }
    const ShardReader reader(shard_path(folder_, number));
    EXPECT_EQ(reader.records().at(0), record);
    EXPECT_EQ(read_clip(reader, 0), data);
  }
}

TEST_F(Shard, IsReadByManyThreadsAtOnce) {
  std::vector<ClipRecord> records;
  records.reserve(40);
  for (int i = 0; i < 40; ++i) records.push_back(record_of(i, 3, 64, 64 + i));
  write_shard(folder_, 0, records);
  const ShardReader reader(shard_path(folder_, 0));
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 40; ++i) {
        const int clip = (i * 7 + t) % 40;
        wrong += read_clip(reader, clip) != data_of(records[static_cast<std::size_t>(clip)], clip);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Shard, OfADroppedWriterIsNotThere) {
  {
    ShardWriter writer(folder_, 0, kSettings);
    const ClipRecord record = record_of(0, 27, 256, 260);
    writer.add(record, data_of(record, 0).data());
    EXPECT_TRUE(list_shards(folder_).empty());
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(Shard, OfAKilledWriterIsNotTrusted) {
  const pid_t child = ::fork();
  if (child == 0) {
    ShardWriter writer(folder_, 0, kSettings);
    const ClipRecord record = record_of(0, 27, 256, 260);
    writer.add(record, data_of(record, 0).data());
    ::raise(SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_TRUE(list_shards(folder_).empty());
  const fs::path left = shard_path(folder_, 0).string() + ".tmp";
  ASSERT_TRUE(fs::exists(left));
  expect_error(ExitCode::kCorrupt, left.string(), [&] { ShardReader reader(left); });
  // The next writer of that number replaces it.
  write_shard(folder_, 0, tiny_records());
  EXPECT_EQ(list_shards(folder_), std::vector<fs::path>{shard_path(folder_, 0)});
  EXPECT_FALSE(fs::exists(left));
}

// A limit on the size of files stands for a full disk: writes fail with EFBIG for ENOSPC.
TEST_F(Shard, OnAFullDiskFailsWithIoAndLeavesTheOthersWhole) {
  write_shard(folder_, 0, tiny_records());
  for (const rlim_t room : {rlim_t{100}, rlim_t{3000}, rlim_t{1} << 20, rlim_t{9} << 20}) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{room, room};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      int code = 0;
      try {
        ShardWriter writer(folder_, 1, kSettings);
        for (int i = 0; i < 3; ++i) {
          const ClipRecord record = record_of(i, 27, 256, 260);
          writer.add(record, data_of(record, i).data());
        }
        writer.commit();
      } catch (const Error& error) {
        code = static_cast<int>(error.code());
      }
      std::exit(code);  // runs the handlers of exit, where HDF5 used to crash
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 74) << "with room for " << room << " bytes";
    EXPECT_EQ(list_shards(folder_), std::vector<fs::path>{shard_path(folder_, 0)});
    EXPECT_FALSE(fs::exists(shard_path(folder_, 1).string() + ".tmp"));
    ShardReader(shard_path(folder_, 0)).verify();
  }
}

TEST_F(Shard, WritersRefuseWhatCannotBeStored) {
  write_shard(folder_, 0, tiny_records());
  expect_error(ExitCode::kUsage, "exists already",
               [&] { ShardWriter writer(folder_, 0, kSettings); });
  expect_error(ExitCode::kUsage, "JSON object", [&] { ShardWriter writer(folder_, 1, "{fps"); });
  ShardWriter writer(folder_, 1, kSettings);
  const std::vector<std::uint8_t> data(1000);
  ClipRecord record = record_of(0, 1, 2, 0);
  expect_error(ExitCode::kUsage, "train/0.mp4", [&] { writer.add(record, data.data()); });
  record = record_of(0, 1, 2, 2);
  record.split = "test";
  expect_error(ExitCode::kUsage, "'test'", [&] { writer.add(record, data.data()); });
  record = record_of(0, 1, 2, 2);
  record.fps = std::numeric_limits<double>::infinity();
  expect_error(ExitCode::kUsage, "frame rate", [&] { writer.add(record, data.data()); });
  writer.add(record_of(0, 1, 2, 2), data.data());
  record = record_of(1, 1, 2, 2);
  record.dtype = DType::kF32;
  expect_error(ExitCode::kUsage, "one type", [&] { writer.add(record, data.data()); });
}

TEST_F(Shard, ListsAreOrderedByNumberAndHoldShardsOnly) {
  for (const int number : {100000, 12, 3}) write_shard(folder_, number, tiny_records());
  for (const char* name : {"shard-00001.h5.tmp", "shard-4.h5", "shard--0001.h5", "index.json"})
    std::ofstream(folder_ / name) << "x";
  EXPECT_EQ(list_shards(folder_),
            (std::vector<fs::path>{shard_path(folder_, 3), shard_path(folder_, 12),
                                   shard_path(folder_, 100000)}));
}

// Reads all of a shard whose bytes were tampered with: it may throw kCorrupt, or be right.
enum class Outcome { kRefused, kRight, kWrong };

Outcome read_tampered(const fs::path& path, const std::vector<ClipRecord>& records) {
  try {
    const ShardReader reader(path);
    if (reader.records() != records || reader.settings() != R"({"fps":8,"size":[16,16]})")
      return Outcome::kWrong;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const int clip = static_cast<int>(i);
      if (read_clip(reader, clip) != data_of(records[i], clip)) return Outcome::kWrong;
    }
  } catch (const Error& error) {
    const bool names_file = std::string(error.what()).find(path.string()) != std::string::npos;
    return error.code() == ExitCode::kCorrupt && names_file ? Outcome::kRefused : Outcome::kWrong;
  }
  return Outcome::kRight;
}

// In a child process, so that a crash of the library is seen as one. Exits with the count of
// outcomes that are wrong, at most 100; 101 if nothing was ever refused.
int count_wrong(const std::string& content, const fs::path& path,
                const std::vector<ClipRecord>& records, std::size_t stride,
                const std::function<std::string(std::size_t)>& tampered) {
  const pid_t child = ::fork();
  if (child == 0) {
    int wrong = 0;
    int refused = 0;
    for (std::size_t i = 0; i < content.size(); i += stride) {
      overwrite(path, tampered(i));
      const Outcome outcome = read_tampered(path, records);
      wrong += outcome == Outcome::kWrong;
      refused += outcome == Outcome::kRefused;
    }
    ::_exit(refused == 0 ? 101 : std::min(wrong, 100));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST_F(Shard, CutShortAtAnyLengthIsRefused) {
  const std::vector<ClipRecord> records = tiny_records();
  const std::string content = read_file(folder_ / write_shard(folder_, 0, records).file);
  const fs::path path = shard_path(folder_, 1);
  EXPECT_EQ(count_wrong(content, path, records, 7,
                        [&](std::size_t length) { return content.substr(0, length); }),
            0);
}

TEST_F(Shard, WithAnyByteChangedIsRefusedOrRight) {
  const std::vector<ClipRecord> records = tiny_records();
  const std::string content = read_file(folder_ / write_shard(folder_, 0, records).file);
  const fs::path path = shard_path(folder_, 1);
  ASSERT_GT(content.size(), 1000U);
  for (const int mask : {0x01, 0xFF}) {
    EXPECT_EQ(count_wrong(content, path, records, 1,
                          [&](std::size_t position) {
                            std::string changed = content;
                            changed[position] = static_cast<char>(changed[position] ^ mask);
                            return changed;
                          }),
              0)
        << "mask " << mask;
  }
}

TEST_F(Shard, WithDamagedPixelsNamesTheClip) {
  const std::vector<ClipRecord> records = tiny_records();
  std::string content = read_file(folder_ / write_shard(folder_, 0, records).file);
  const std::vector<std::uint8_t> last = data_of(records[2], 2);
  const auto begin = content.find(std::string(last.begin(), last.end()));
  ASSERT_NE(begin, std::string::npos);
  content[begin + 5] = static_cast<char>(content[begin + 5] ^ 4);
  const fs::path path = shard_path(folder_, 1);
  std::ofstream(path, std::ios::binary) << content;
  const ShardReader reader(path);
  EXPECT_EQ(read_clip(reader, 0), data_of(records[0], 0));
  expect_error(ExitCode::kCorrupt, "clip 2 (train/2.mp4", [&] { read_clip(reader, 2); });
  expect_error(ExitCode::kCorrupt, path.string(), [&] { reader.verify(); });
}

// Fletcher32 cannot tell 0x0000 from 0xFFFF; the hash of the clip can.
TEST_F(Shard, SeesZerosTurnedIntoOnes) {
  ClipRecord record = record_of(0, 1, 8, 8);
  record.dtype = DType::kBF16;
  const std::vector<std::uint8_t> zeros(record.bytes());
  {
    ShardWriter writer(folder_, 0, kSettings);
    writer.add(record, zeros.data());
    writer.commit();
  }
  std::string content = read_file(shard_path(folder_, 0));
  const auto begin = content.find(std::string(record.bytes(), '\0'));
  ASSERT_NE(begin, std::string::npos);
  // The run of zeros may begin before the clip; its middle is within.
  const auto middle = (begin + record.bytes() / 2) & ~std::size_t{1};
  content[middle] = content[middle + 1] = static_cast<char>(0xFF);
  std::ofstream(shard_path(folder_, 1), std::ios::binary) << content;
  const ShardReader reader(shard_path(folder_, 1));
  expect_error(ExitCode::kCorrupt, "clip 0", [&] { read_clip(reader, 0); });
}

TEST_F(Shard, ThatIsAbsentOrNotHdf5IsAnErrorWithItsPath) {
  expect_error(ExitCode::kIo, "shard-00009.h5",
               [&] { ShardReader reader(shard_path(folder_, 9)); });
  std::ofstream(shard_path(folder_, 9)) << "not HDF5 at all";
  expect_error(ExitCode::kCorrupt, "shard-00009.h5",
               [&] { ShardReader reader(shard_path(folder_, 9)); });
}

}  // namespace
}  // namespace muybridge
