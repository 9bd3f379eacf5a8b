#include "train/records/progress.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/core/system/printed.h"

namespace muybridge {
namespace {

StepMetrics metrics(std::int64_t step) {
  return {.step = step,
          .loss = 0.12345,
          .grad_norm = 1.02,
          .learning_rate = 1e-4,
          .tokens = 22550,
          .seconds = 0.5,
          .tflops = 0.31,
          .data_wait = 0.002};
}

TEST(TrainingProgress, QuantitiesHaveThreeDigitsAndAUnit) {
  EXPECT_EQ(format_quantity(0), "0");
  EXPECT_EQ(format_quantity(999), "999");
  EXPECT_EQ(format_quantity(999.7), "1k");
  EXPECT_EQ(format_quantity(45100), "45.1k");
  EXPECT_EQ(format_quantity(4.56e9), "4.56G");
}

TEST(TrainingProgress, TheLineSaysWhatMatters) {
  EXPECT_EQ(progress_text(metrics(300), 2000, 45100),
            "step 300/2000  loss 0.1235  grad 1.02  45.1k tokens/s  0.31 TFLOP/s  data wait 0.2%");
}

// What a process prints on a terminal, or on a pipe, while steps 1 to 20 of 20 pass.
std::string output(bool terminal) {
  return testing::printed(terminal, {.columns = 160}, [](int) {
    TrainingProgress progress(0, 20, 10);
    for (int step = 1; step <= 20; ++step) progress.update(metrics(step));
  });
}

TEST(TrainingProgress, ATerminalGetsABarInOneLine) {
  const std::string text = output(/*terminal=*/true);
  EXPECT_NE(text.find("=\x1b[0m] 100%  step 20/20"), std::string::npos) << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 0) << text;
}

TEST(TrainingProgress, AFileGetsAPlainLineEveryFewSteps) {
  const std::string text = output(/*terminal=*/false);
  EXPECT_EQ(std::ranges::count(text, '\n'), 2) << text;
  EXPECT_NE(text.find("step 10/20"), std::string::npos) << text;
  EXPECT_EQ(text.find('\r'), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
}

}  // namespace
}  // namespace muybridge
