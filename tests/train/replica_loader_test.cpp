#include "train/replica_loader.h"

#include <gtest/gtest.h>

#include "core/error.h"
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

}  // namespace
}  // namespace muybridge
