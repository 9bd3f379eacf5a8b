#include "eval/run_record.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace muybridge {
namespace {

namespace fs = std::filesystem;

class ReadRunRecord : public ::testing::Test {
 protected:
  void SetUp() override {
    run_ = fs::path(::testing::TempDir()) / fmt::format("run-record-{}", ::getpid());
    fs::create_directories(run_);
  }
  void TearDown() override { fs::remove_all(run_); }
  void metrics(const std::string& text) { std::ofstream(run_ / "metrics.jsonl") << text; }
  fs::path run_;
};

TEST_F(ReadRunRecord, ReadsCurvesAndTheMeanOfValidationQuantiles) {
  metrics(R"({"step":1,"loss":2.0,"grad_norm":0.5}
{"step":2,"loss":1.0,"grad_norm":0.25}
{"step":2,"validation_loss":[1.0,2.0,6.0]}
)");
  const RunRecord record = read_run_record(run_);
  ASSERT_EQ(record.loss.points.size(), 2U);
  EXPECT_EQ(record.loss.points[1].step, 2);
  EXPECT_EQ(record.loss.points[1].value, 1.0);
  EXPECT_EQ(record.grad_norm.points[0].value, 0.5);
  ASSERT_EQ(record.validation_loss.points.size(), 1U);
  EXPECT_EQ(record.validation_loss.points[0].value, 3.0);
}

TEST_F(ReadRunRecord, PassesOverWhatIsNoMetric) {
  metrics(
      "{\"step\":1,\"loss\":2.0}\n\nnoise\n[1]\n{\"loss\":1}\n{\"step\":2,\"loss\":null}\n"
      "{\"step\":3,\"validation_loss\":[1,null]}\n{\"step\":4,\"lo");
  const RunRecord record = read_run_record(run_);
  EXPECT_EQ(record.loss.points.size(), 1U);
  EXPECT_TRUE(record.validation_loss.points.empty());
}

TEST_F(ReadRunRecord, OrdersRenderedSetsByStepAndLeavesDamagedOnesOut) {
  for (const std::int64_t step : {1200, 200, 400}) {
    const fs::path folder = run_ / "samples" / fmt::format("step-{:08}", step);
    fs::create_directories(folder);
    write_sample_set(folder, {.step = step, .checkpoint{}, .settings{}, .clips{}});
  }
  std::ofstream(run_ / "samples/step-00000400/samples.json") << "{";
  fs::create_directories(run_ / "samples/step-00000800");  // nothing committed yet
  const RunRecord record = read_run_record(run_);
  ASSERT_EQ(record.rendered.size(), 2U);
  EXPECT_EQ(record.rendered[0].set.step, 200);
  EXPECT_EQ(record.rendered[1].folder, "samples/step-00001200");
}

TEST_F(ReadRunRecord, OfAnEmptyOrMissingFolderIsEmpty) {
  for (const fs::path& run : {run_, run_ / "missing"}) {
    const RunRecord record = read_run_record(run);
    EXPECT_TRUE(record.loss.points.empty());
    EXPECT_TRUE(record.rendered.empty());
  }
}

}  // namespace
}  // namespace muybridge
