#pragma once

#include <cstdint>
#include <vector>

namespace muybridge {

// The run is an endless stream of samples: sample s is place s % clips of epoch s / clips. The
// packer cuts it into steps of micro-batches with a fixed budget of tokens. It is pure arithmetic
// on sizes: every rank computes the whole plan alike, and none of it depends on how many there are.

// Work that a clip of n tokens makes: linear * n + quadratic * n^2.
struct CostModel {
  double linear = 1.0;
  double quadratic = 1e-4;  // attention costs as much as all else at 10,000 tokens

  double operator()(std::int64_t tokens) const {
    const auto n = static_cast<double>(tokens);
    return linear * n + quadratic * n * n;
  }
};

struct PackerOptions {
  std::int64_t token_budget = 4096;  // of a micro-batch
  int micro_batches = 1;             // of a step, over all ranks
  std::uint64_t seed = 0;
  CostModel cost;
};

struct Draw {
  std::int64_t sample = 0;  // ordinal in the run
  std::int64_t item = 0;    // which of the packer's clips
  bool operator==(const Draw&) const = default;
};

struct MicroBatch {
  std::vector<Draw> draws;  // by sample; never empty
  std::int64_t tokens = 0;
  double cost = 0;
  bool operator==(const MicroBatch&) const = default;
};

// Where the stream stands between two steps.
struct PackerPosition {
  std::int64_t next_sample = 0;
  std::vector<std::int64_t> pending;  // samples before it that no step has had yet, rising
  bool operator==(const PackerPosition&) const = default;
};

// Throws Error(kCorrupt) if no packer was ever there.
void check_position(const PackerPosition& position);

class Packer {
 public:
  // `tokens[i]` is the size of clip i. Throws Error(kUsage) if there are none, or one is larger
  // than the budget or empty: the caller sorts these out, for it knows their names.
  Packer(std::vector<std::int64_t> tokens, const PackerOptions& options);

  // options.micro_batches of them, alike in cost, so that ranks need not wait for each other
  // whichever has which: the most alike of a larger number that might be next. A sample may be
  // passed over, but not for ever; each is in exactly one step.
  std::vector<MicroBatch> next_step();

  const PackerPosition& position() const { return position_; }
  void restore(const PackerPosition& position);

 private:
  std::int64_t item_of(std::int64_t sample) const;
  // Draws samples until there is enough to choose from; the one that waits longest is the first,
  // then large clips come before small ones.
  std::vector<Draw> candidates();
  // All that find room in the micro-batches to choose from, as many as there are.
  std::vector<MicroBatch> pack(const std::vector<Draw>& draws) const;

  std::vector<std::int64_t> tokens_;
  PackerOptions options_;
  PackerPosition position_;
};

// Which micro-batches of a step each rank works on: balanced by cost, the dearest first, none of
// the ranks more than an even share rounded up. With fewer micro-batches than ranks some have none.
std::vector<std::vector<int>> assign_to_ranks(const std::vector<MicroBatch>& step, int ranks);

}  // namespace muybridge
