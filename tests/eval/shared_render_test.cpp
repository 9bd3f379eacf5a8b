#include "eval/shared_render.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/error.h"
#include "model/dit_parallel.h"
#include "parallel/host/local_ranks.h"
#include "tests/model/tiny_dit.h"
#include "tests/train/scratch_folder.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

DitOptions pixels() {
  DitOptions options = tiny_dit_options();
  options.channels = 3;
  options.heads = options.text_heads = 2;
  return options;
}

RenderOptions two_steps() {
  RenderOptions options{.frames = 2, .width = 4, .height = 4, .upscale = 1};
  options.sampler.steps = 2;
  return options;
}

std::vector<RenderRequest> requests(std::size_t count) {
  std::vector<RenderRequest> all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back(
        {.prompt = fmt::format("clip {}", i), .seed = i, .file = fmt::format("clip-{}.mp4", i)});
  return all;
}

// Whoever draws them, and in whatever order ranks are: all learn all, in the order that was asked.
TEST(SharedRender, AllRanksLearnTheRecordsInTheOrderOfTheRequests) {
  for (const char* order : {"tensor-context-data-pipeline", "data-tensor-context-pipeline"})
    for (const MeshSizes& layout : {MeshSizes{.data = 4}, MeshSizes{.data = 2, .tensor = 2},
                                    MeshSizes{.data = 1, .tensor = 2, .pipeline = 2}})
      for (const std::size_t count : {0U, 1U, 5U}) {
        const testing::ScratchFolder folder;
        MeshSizes sizes = layout;
        sizes.order = axis_order_from(order).value();
        run_local_ranks(4, [&](const std::shared_ptr<Group>& world) {
          const Mesh mesh(sizes, world);
          Parameters parameters;
          const Dit dit = make_dit(parameters, pixels(), mesh, {.stages = sizes.pipeline});
          parameters.allocate(DType::kF32, 5);
          const std::vector<SampleRecord> records =
              render_shared(dit, mesh, requests(count), two_steps(), folder.path(), {});
          ASSERT_EQ(records.size(), count);
          for (std::size_t i = 0; i < count; ++i) {
            EXPECT_EQ(records[i].prompt, fmt::format("clip {}", i));
            EXPECT_EQ(records[i].seed, i);
            EXPECT_TRUE(fs::exists(folder / records[i].file));
          }
        });
      }
}

// What was written before the stop is told, on all ranks; a replica that was stopped while it drew
// tells nothing.
TEST(SharedRender, AStopKeepsTheClipsThatAreDone) {
  for (const bool in_drawing : {false, true}) {
    const testing::ScratchFolder folder;
    run_local_ranks(2, [&](const std::shared_ptr<Group>& world) {
      const Mesh mesh(world);
      Parameters parameters;
      const Dit dit = make_dit(parameters, pixels(), mesh);
      parameters.allocate(DType::kF32, 5);
      int asked = 0;
      const RenderHooks hooks{.progress =
                                  [&](int, int) {
                                    if (in_drawing && world->rank() == 1)
                                      fail(ExitCode::kPreempted, "stopped");
                                  },
                              .stop = [&] { return world->rank() == 0 && ++asked > 2; }};
      const std::vector<SampleRecord> records =
          render_shared(dit, mesh, requests(6), two_steps(), folder.path(), {}, hooks);
      std::string done;  // rank 0 has 0, 2 and 4
      for (const SampleRecord& record : records) done += record.file.empty() ? '-' : '+';
      EXPECT_EQ(done, in_drawing ? "+-+---" : "++++-+") << in_drawing;
    });
  }
}

// Folders that are not there for one replica.
TEST(SharedRender, WhatCannotBeWrittenIsAnErrorOfAll) {
  const testing::ScratchFolder folder;
  run_local_ranks(4, [&](const std::shared_ptr<Group>& world) {
    const Mesh mesh({.data = 2, .tensor = 2}, world);
    Parameters parameters;
    const Dit dit = make_dit(parameters, pixels(), mesh);
    parameters.allocate(DType::kF32, 5);
    const fs::path there = mesh.coordinate().data == 0 ? folder.path() : folder / "gone";
    EXPECT_THROW(render_shared(dit, mesh, requests(4), two_steps(), there, {}), Error);
  });
}

// One that throws while its replica draws would leave the others waiting: all of the job ends.
TEST(SharedRender, ARankThatFailsInDrawingIsLost) {
  const testing::ScratchFolder folder;
  int lost = 0;
  EXPECT_ANY_THROW(run_local_ranks(
      2,
      [&](const std::shared_ptr<Group>& world) {
        const Mesh mesh({.data = 1, .tensor = 2}, world);
        Parameters parameters;
        const Dit dit = make_dit(parameters, pixels(), mesh);
        parameters.allocate(DType::kF32, 5);
        const auto fail_on_one = [&](int, int) {
          if (world->rank() == 1) throw std::bad_alloc();
        };
        try {
          render_shared(dit, mesh, requests(1), two_steps(), folder.path(), {},
                        {.progress = fail_on_one});
        } catch (const Error& error) {
          if (world->rank() == 1) {
            EXPECT_EQ(error.code(), ExitCode::kRankLost);
            ++lost;
          }
          throw;
        }
      },
      /*time_limit_seconds=*/3));
  EXPECT_EQ(lost, 1);
}

}  // namespace
}  // namespace muybridge
