#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "parallel/activity.h"
#include "parallel/mesh.h"

namespace muybridge {

// What one step took a rank by itself, without what it waited for others.
struct OwnTimes {
  SectionSeconds seconds{};
  double operations = 0;    // of its micro-batches; 0: it had none
  double step_seconds = 0;  // waiting included
};

// What a rank says of its last steps, for the typical one.
struct RankTimes {
  SectionSeconds seconds{};  // a step; of kCompute for one operation
  double operations = 0;     // a step
  double step_seconds = 0;
};

// A rank that is slower than those that do the same.
struct SlowRank {
  int rank;
  Section section;
  double ratio;   // of its time to theirs; infinite where they need none
  double excess;  // seconds a step
};

// Judges the ranks' times, a report after the other. A rank is slow when it took kRatio times as
// long as the typical one of the others of its kind, by more than kShare of a step and kLeast, in
// two of the last three reports. It is named once, and again only after kWell or less in two of
// three.
class SlowRankJudge {
 public:
  static constexpr double kRatio = 1.25;
  static constexpr double kWell = 1.15;
  static constexpr double kShare = 0.05;
  static constexpr double kLeast = 0.01;  // seconds a step: less is the machine's own unrest

  // By section, by rank: ranks of one kind have the same to do there, in kCompute for an operation.
  // One that is alone of its kind is held against what it needed when it first needed any.
  using Kinds = std::array<std::vector<int>, kSections>;
  explicit SlowRankJudge(Kinds kinds);

  std::vector<SlowRank> judge(const std::vector<RankTimes>& reports);

 private:
  struct Record {
    std::uint32_t slow = 0, well = 0;  // a bit a report, the last one lowest
    bool named = false;
  };
  std::optional<SlowRank> compare(const std::vector<RankTimes>& reports, int rank,
                                  Section section) const;

  Kinds kinds_;
  std::vector<SectionSeconds> first_;  // by rank, the first that are not 0
  std::vector<std::array<Record, kSections>> records_;
};

// Has all ranks report every kSteps steps, behind the step that follows, and rank 0 warn of slow
// ones. All ranks make one and add the same steps.
class SlowRanks {
 public:
  static constexpr int kSteps = 10;

  SlowRanks(const Mesh& mesh, std::vector<std::string> hosts);
  // Collective in every kSteps-th call.
  void add(const OwnTimes& times);

 private:
  void report();
  void hear();

  std::shared_ptr<Group> world_;
  std::vector<std::string> hosts_;  // by rank
  SlowRankJudge judge_;
  std::vector<OwnTimes> times_;
  Tensor reports_;
  std::optional<Work> under_way_;
};

// The middle of a step's times, and of what is not there in every step (commits) the mean.
RankTimes typical_of(const std::vector<OwnTimes>& times);

// Stages of a pipeline differ in what they compute; the first rank of a replica reads for all of
// it; the first of all keeps the run's records.
SlowRankJudge::Kinds kinds_of(const MeshSizes& sizes);

// "rank 3 on node-b takes 1.52 times as long as the others in ..."
std::string describe(const SlowRank& slow, const std::string& host);

}  // namespace muybridge
