// What a commit costs the steps beside it:
//   build/release/bench/commit_bench FOLDER [GB of state] [rounds]
// A step multiplies matrices for a while. Windows of steps with a commit at their beginning and
// windows without take turns. Prints a line of JSON: the median step without a commit, how long the
// copy took, how long the commit was under way, and by how much it lengthened a step of its window,
// copy not counted: the mean, and the largest step over the largest without.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "core/ops/product/matmul.h"
#include "core/system/file.h"
#include "train/checkpoint/checkpoint_folder.h"
#include "train/checkpoint/committer.h"

using namespace muybridge;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

class Step {
 public:
  double run() const {
    const auto begin = Clock::now();
    for (int i = 0; i < 8; ++i) matmul(a_, b_, c_);
    return seconds_since(begin);
  }

 private:
  Tensor a_ = Tensor::full({1024, 2048}, 0.5), b_ = Tensor::full({2048, 2048}, 0.5),
         c_ = Tensor::zeros({1024, 2048});
};

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path folder = argc > 1 ? argv[1] : "commit-bench";
  const double gigabytes = argc > 2 ? std::atof(argv[2]) : 1;
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 6;
  constexpr int kSteps = 20;

  Parameters parameters;
  const auto rows = static_cast<std::int64_t>(gigabytes * 1e9 / 16 / 1024 / 16);
  for (int i = 0; i < 16; ++i)
    parameters.add({.name = "w" + std::to_string(i), .shape = {rows, 1024}});
  parameters.allocate(DType::kF32, 1);
  TrainState state{.catalogue = catalogue_of(parameters)};
  for (const StateKind kind : kStateKinds)
    for (const StatePiece& piece :
         state_pieces(parameters, {kind, Tensor::full({parameters.flat_size()}, 0.25)}))
      state.pieces.push_back(piece);

  const std::shared_ptr<Group> group = solo_group();
  Committer committer({.checkpoints = folder}, *group);
  committer.commit(state);  // the first takes the memory of the copy
  committer.wait();
  const Step step;
  step.run();
  std::vector<double> without, beside, copies, under_way;
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < kSteps; ++i) without.push_back(step.run());
    ++state.step;
    const auto begin = Clock::now();
    committer.commit(state);
    copies.push_back(seconds_since(begin));
    while (read_file(folder / "latest") != commit_name(state.step) + "\n") {
      beside.push_back(step.run());
      committer.look();
    }
    under_way.push_back(seconds_since(begin));
    committer.wait();
  }
  std::printf(
      "{\"state_gb\": %.2f, \"step_ms\": %.2f, \"copy_ms\": %.1f, \"under_way_s\": %.2f, "
      "\"steps_beside\": %zu, \"delay_ms_mean\": %.2f, \"ratio_median\": %.4f, "
      "\"ratio_largest\": %.3f}\n",
      gigabytes, 1e3 * median(without), 1e3 * median(copies), median(under_way), beside.size(),
      1e3 * (mean(beside) - mean(without)), median(beside) / median(without),
      *std::ranges::max_element(beside) / *std::ranges::max_element(without));
}
