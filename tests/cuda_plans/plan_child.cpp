// plan_child FOLDER: makes three small plans with the files of a folder, and prints how many of
// them were compiled.
#include <fmt/format.h>

#include "tests/cuda_plans/small_plans.h"

int main(int, char** arguments) {
  using namespace muybridge::cuda;
  const muybridge::PlanFiles files(arguments[1]);
  const bool from_file[] = {AttentionGraph(kForward, h100(), files).from_file(),
                            AttentionGraph(kBackward, h100(), files).from_file(),
                            ConvolutionGraph(kConvolution, h100(), files).from_file()};
  int compiled = 0;
  for (const bool each : from_file) compiled += each ? 0 : 1;
  fmt::print("compiled {}\n", compiled);
}
