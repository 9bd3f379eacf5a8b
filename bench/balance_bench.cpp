// How evenly the packer's steps load data ranks: of corpora of images and clips of mixed length,
// the cost of the slowest rank over the mean of all, by the model of cost of a 1.3B model.
// Arithmetic on sizes; no clip is read.

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "core/random.h"
#include "data/loader/packer.h"

namespace {

using namespace muybridge;

constexpr int kClips = 20000, kSteps = 200;
constexpr std::int64_t kImage = 1560;           // tokens of a picture of 480 x 832
constexpr std::int64_t kLongest = 21 * kImage;  // of 81 frames
constexpr CostModel kCost{1.0, 8.6e-5};         // width 1536, MLP 8960

struct Corpus {
  const char* name;
  std::function<std::int64_t(const RandomStream& random, std::uint64_t i)> tokens;
};

const std::vector<Corpus> kCorpora = {
    {"half images, clips of 5 to 81 frames",
     [](const RandomStream& random, std::uint64_t i) {
       return kImage * (i % 2 == 0 ? 1 : random.integer(i, 2, 21));
     }},
    {"1 to 81 frames alike",
     [](const RandomStream& random, std::uint64_t i) { return kImage * random.integer(i, 1, 21); }},
    {"four images on a clip of 81 frames",
     [](const RandomStream& random, std::uint64_t i) {
       return kImage * (random.integer(i, 0, 4) > 0 ? 1 : 21);
     }},
    {"three sizes, a third images",
     [](const RandomStream& random, std::uint64_t i) {
       constexpr std::int64_t kAreas[] = {390, 900, kImage};
       return kAreas[i % 3] *
              (random.integer(2 * i, 0, 2) == 0 ? 1 : random.integer(2 * i + 1, 2, 21));
     }},
};

struct Balance {
  double mean = 0, worst = 0;  // over steps, of the slowest rank over the mean of all
  double fill = 0;             // of the budget
};

Balance measure(const Corpus& corpus, std::int64_t budget, int ranks, int each) {
  const RandomStream random(1, Purpose::kTest);
  std::vector<std::int64_t> sizes;
  for (std::uint64_t i = 0; i < kClips; ++i) sizes.push_back(corpus.tokens(random, i));
  Packer packer(sizes,
                {.token_budget = budget, .micro_batches = ranks * each, .seed = 3, .cost = kCost});
  Balance balance;
  for (int n = 0; n < kSteps; ++n) {
    const std::vector<MicroBatch> step = packer.next_step();
    double slowest = 0, total = 0;
    for (const std::vector<int>& share : assign_to_ranks(step, ranks)) {
      double cost = 0;
      for (const int batch : share) {
        const MicroBatch& micro_batch = step[static_cast<std::size_t>(batch)];
        cost += micro_batch.cost;
        balance.fill += static_cast<double>(micro_batch.tokens);
      }
      slowest = std::max(slowest, cost);
      total += cost;
    }
    const double ratio = slowest / (total / ranks);
    balance.mean += ratio / kSteps;
    balance.worst = std::max(balance.worst, ratio);
  }
  balance.fill /= static_cast<double>(budget) * kSteps * ranks * each;
  return balance;
}

}  // namespace

int main() {
  fmt::print("slowest rank's cost over the mean, over {} steps\n", kSteps);
  for (const Corpus& corpus : kCorpora)
    for (const std::int64_t budget : {kLongest, 2 * kLongest})
      for (const int each : {1, 2, 4})
        for (const int ranks : {2, 8, 64}) {
          const Balance balance = measure(corpus, budget, ranks, each);
          fmt::print(
              "{:38s} {} tokens, {:2} ranks of {}: mean {:.3f}, worst {:.3f}, filled {:.3f}\n",
              corpus.name, budget, ranks, each, balance.mean, balance.worst, balance.fill);
        }
}
