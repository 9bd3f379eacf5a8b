// How fast shards are read, next to read(2) of the same files in one thread: medians of rounds in
// turns, a line a comparison that ends in the ratio. The goal is 0.8 for the shards.
//   shards   every clip in shuffled order, its hash checked
//   loader   the same, turned into packed floats: four bytes written for each that is read
//   disk     raw and loader again, after the page cache was told to forget the files
//
//   loader_bench [FOLDER [MEGABYTES [THREADS]]]
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include "core/error.h"
#include "data/loader/epoch_order.h"
#include "data/loader/loader.h"
#include "data/shards/corpus_index.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Clips of 16 frames of 128x128, 768 KiB each, in shards of 128 MiB.
CorpusIndex make_corpus(const fs::path& folder, int megabytes) {
  fs::create_directories(folder);
  ClipRecord record;
  record.frames = 16;
  record.height = record.width = 128;
  record.caption = "noise";
  std::vector<std::uint8_t> pixels(record.bytes());
  for (std::size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<std::uint8_t>(i * 2654435761U >> 16);
  const auto clips = static_cast<int>((std::size_t(megabytes) << 20) / record.bytes());
  constexpr int kClipsAShard = 170;
  for (int first = 0; first < clips; first += kClipsAShard) {
    if (fs::exists(shard_path(folder, first / kClipsAShard))) continue;
    ShardWriter writer(folder, first / kClipsAShard, "{}");
    for (int i = first; i < std::min(first + kClipsAShard, clips); ++i) {
      record.source = fmt::format("{}.mp4", i);
      writer.add(record, pixels.data());
    }
    writer.commit();
  }
  return CorpusIndex::build(folder);
}

void forget(const CorpusIndex& corpus) {
  for (const CorpusShard& shard : corpus.shards()) {
    const int fd = ::open((corpus.folder() / shard.file).c_str(), O_RDONLY);
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    ::close(fd);
  }
}

// These give bytes a second.

double read_raw(const CorpusIndex& corpus) {
  std::vector<char> block(1 << 20);
  std::size_t bytes = 0;
  const double begin = now();
  for (const CorpusShard& shard : corpus.shards()) {
    const int fd = ::open((corpus.folder() / shard.file).c_str(), O_RDONLY);
    if (fd < 0) fail_errno("open(" + shard.file + ")", errno);
    for (ssize_t got; (got = ::read(fd, block.data(), block.size())) > 0;)
      bytes += static_cast<std::size_t>(got);
    ::close(fd);
  }
  return static_cast<double>(bytes) / (now() - begin);
}

double read_shards(const CorpusIndex& corpus, int threads) {
  const auto clips = std::ssize(corpus.clips());
  std::atomic<std::int64_t> next = 0;
  std::atomic<std::size_t> bytes = 0;
  const double begin = now();
  std::vector<std::thread> workers;
  workers.reserve(static_cast<std::size_t>(threads));
  for (int t = 0; t < threads; ++t)
    workers.emplace_back([&] {
      std::vector<std::byte> buffer;
      for (std::int64_t i = next++; i < clips; i = next++) {
        const std::int64_t clip = shuffled(0, 0, i, clips);
        buffer.resize(corpus.clip_bytes(clip));
        corpus.read(clip, buffer);
        bytes += buffer.size();
      }
    });
  for (std::thread& worker : workers) worker.join();
  return static_cast<double>(bytes) / (now() - begin);
}

double read_loader(const CorpusIndex& corpus, int threads) {
  LoaderOptions options;
  options.patch = {1, 2, 2};
  options.token_budget = 16 * 64 * 64;  // one clip
  options.threads = threads;
  Loader loader(corpus, options, 0, 1);
  std::size_t bytes = 0;
  const double begin = now();
  for (std::size_t i = 0; i < corpus.clips().size(); ++i)
    for (const std::int64_t clip : loader.next().clip_ids) bytes += corpus.clip_bytes(clip);
  return static_cast<double>(bytes) / (now() - begin);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int run(int argc, char** argv) {
  const fs::path folder =
      argc > 1 ? fs::path(argv[1]) : fs::temp_directory_path() / "muybridge-loader-bench";
  const int megabytes = argc > 2 ? std::atoi(argv[2]) : 512;
  const int threads = argc > 3 ? std::atoi(argv[3]) : 2;
  const CorpusIndex corpus = make_corpus(folder, megabytes);
  std::vector<double> raw, shards, loader, disk_raw, disk_loader;
  for (int round = 0; round < 8; ++round) {
    raw.push_back(read_raw(corpus));
    shards.push_back(read_shards(corpus, threads));
    loader.push_back(read_loader(corpus, threads));
    if (round == 0) raw.clear(), shards.clear(), loader.clear();  // it warmed all up
  }
  for (int round = 0; round < 5; ++round) {
    forget(corpus);
    disk_raw.push_back(read_raw(corpus));
    forget(corpus);
    disk_loader.push_back(read_loader(corpus, threads));
  }
  const auto line = [&](const char* what, double ours, const char* peer, double theirs) {
    fmt::print("{}, {} threads: {:.2f} GB/s, {} {:.2f} GB/s  {:.2f}x\n", what, threads, ours / 1e9,
               peer, theirs / 1e9, ours / theirs);
  };
  line("shards", median(shards), "read(2)", median(raw));
  line("loader", median(loader), "read(2)", median(raw));
  line("loader from disk", median(disk_loader), "read(2) from disk", median(disk_raw));
  if (argc <= 1) fs::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace muybridge

int main(int argc, char** argv) {
  try {
    return muybridge::run(argc, argv);
  } catch (const muybridge::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return static_cast<int>(error.code());
  }
}
