#include "data/prepare/source_queue.h"

#include <mutex>
#include <thread>

#include "tests/data/media_folder.h"

namespace muybridge {
namespace {

class SourceQueues : public MediaFolder {};

// Whose clips are made, and whose name they have, must not depend on which thread was faster.
TEST_F(SourceQueues, OfSourcesThatAreTheSameTheFirstCountsWhateverTheThreads) {
  std::vector<ClipSource> sources(16);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    sources[i].name = fmt::format("{:02}.mp4", i);
    sources[i].file = path(sources[i].name);
    write(sources[i].name, std::string(1'000'000, i % 3 == 0 ? 'o' : 'v'));
  }
  const std::string settings;
  for (int round = 0; round < 10; ++round) {
    SourceQueue queue(sources, settings, folder_);
    std::mutex mutex;
    std::map<std::size_t, bool> twice;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&] {
        while (const auto source = queue.next()) {
          const std::scoped_lock lock(mutex);
          EXPECT_EQ(source->problem, "");
          twice[source->number] = source->twice;
        }
      });
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(twice.size(), sources.size());
    for (const auto& [number, again] : twice) EXPECT_EQ(again, number > 1) << number;
  }
}

}  // namespace
}  // namespace muybridge
