#include "train/replica_loader.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>

#include "core/error.h"
#include "core/system/file.h"
#include "parallel/host/local_ranks.h"
#include "tests/data/temporary_corpus.h"

namespace muybridge {
namespace {

class ReplicaLoaderTest : public TemporaryCorpus {
 protected:
  void SetUp() override {
    TemporaryCorpus::SetUp();
    corpus_ = std::make_unique<CorpusIndex>(make(mixed(20)));
    options_.patch = {.frames = 1, .height = 4, .width = 4};
    options_.token_budget = 160;
    options_.micro_batches = 3;
    options_.caption_drop_rate = 0.4F;
  }

  // Changes a byte of the clip where it lies.
  void damage(std::int64_t clip) const {
    std::string pixels;
    for (std::size_t place = 0; place < corpus_->clip_bytes(clip); ++place)
      pixels.push_back(static_cast<char>(pixel(clip, place)));
    const std::filesystem::path shard = shard_path(folder_, 0);
    const std::size_t place = read_file(shard).find(pixels);
    ASSERT_NE(place, std::string::npos);
    std::fstream(shard, std::ios::in | std::ios::out | std::ios::binary)
            .seekp(static_cast<std::streamoff>(place))
        << static_cast<char>(~pixels.front());
  }

  std::unique_ptr<CorpusIndex> corpus_;
  LoaderOptions options_;
};

TEST_F(ReplicaLoaderTest, EveryRankOfAReplicaGetsWhatItsOneReaderReads) {
  const MeshSizes sizes{.data = 2, .tensor = 2};
  run_local_ranks(4, [&](const std::shared_ptr<Group>& world) {
    const Mesh mesh(sizes, world);
    ReplicaLoader shared(*corpus_, options_, mesh);
    Loader alone(*corpus_, options_, mesh.coordinate().data, 2);
    EXPECT_EQ(shared.clips(), alone.clips());
    for (int step = 0; step < 4; ++step) {
      const int count = alone.begin_step();
      ASSERT_EQ(shared.begin_step(), count);
      for (int i = 0; i < count; ++i) {
        const Batch want = alone.next(), got = shared.next();
        EXPECT_EQ(got.packing.offsets, want.packing.offsets);
        EXPECT_EQ(got.packing.grids, want.packing.grids);
        EXPECT_EQ(got.packing.rows, want.packing.rows);
        EXPECT_EQ(got.tokens.to_vector<float>(), want.tokens.to_vector<float>());
        EXPECT_EQ(got.text_packing.offsets, want.text_packing.offsets);
        EXPECT_EQ(got.text_packing.rows, want.text_packing.rows);
        EXPECT_EQ(got.text_ids.to_vector<std::int32_t>(), want.text_ids.to_vector<std::int32_t>());
        EXPECT_EQ(got.clip_ids, want.clip_ids);
        EXPECT_EQ(got.samples, want.samples);
        EXPECT_EQ(got.captions, want.captions);
      }
    }
    if (mesh.replica()->rank() == 0) {
      EXPECT_EQ(shared.position(), alone.position());
    }
  });
}

TEST_F(ReplicaLoaderTest, WhatOneCannotReadIsAnErrorOfAll) {
  options_.token_budget = 1;
  run_local_ranks(2, [&](const std::shared_ptr<Group>& world) {
    const Mesh mesh({.tensor = 2}, world);
    try {
      const ReplicaLoader loader(*corpus_, options_, mesh);
      ADD_FAILURE() << "no error on rank " << world->rank();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
    }
  });
}

// The reader of each replica comes to the clip in its own time; no rank waits for one that gave up.
TEST_F(ReplicaLoaderTest, AClipThatCannotBeReadIsAnErrorOfTheWholeReplicaAfterTheSameStep) {
  damage(3);
  std::array<int, 4> steps{};
  std::array<std::string, 4> messages;
  run_local_ranks(
      4,
      [&](const std::shared_ptr<Group>& world) {
        const Mesh mesh({.data = 2, .tensor = 2}, world);
        ReplicaLoader loader(*corpus_, options_, mesh);
        const auto rank = static_cast<std::size_t>(world->rank());
        try {
          for (; steps[rank] < 1000; ++steps[rank])
            for (int left = loader.begin_step(); left > 0; --left) loader.next();
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ExitCode::kCorrupt);
          messages[rank] = error.what();
        }
      },
      /*time_limit_seconds=*/10);
  for (const std::size_t reader : {0U, 2U}) {
    EXPECT_NE(messages[reader].find("shard-00000.h5: clip 3 "), std::string::npos)
        << messages[reader];
    EXPECT_EQ(messages[reader + 1], fmt::format("rank {}: {}", reader, messages[reader]));
    EXPECT_EQ(steps[reader + 1], steps[reader]);
  }
}

}  // namespace
}  // namespace muybridge
