#include "train/slow_ranks.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/log.h"

namespace muybridge {
namespace {

constexpr std::array kJudged = {Section::kData, Section::kCompute, Section::kOptimizer,
                                Section::kCommit};
constexpr std::uint32_t kLastReports = 0b111;
constexpr int kOfThem = 2;
static_assert(sizeof(RankTimes) % sizeof(double) == 0);
constexpr std::int64_t kNumbers = sizeof(RankTimes) / sizeof(double);

std::size_t index_of(Section section) { return static_cast<std::size_t>(section); }

// The lower of two middle ones; 0 of none.
double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

RankTimes typical_of(const std::vector<OwnTimes>& times) {
  RankTimes typical;
  const auto middle = [&](auto value) {
    std::vector<double> values;
    for (const OwnTimes& each : times)
      if (const std::optional<double> one = value(each)) values.push_back(*one);
    return median(std::move(values));
  };
  const auto had_work = [](const OwnTimes& each) { return each.operations > 0; };
  for (const Section section : kJudged)
    typical.seconds[index_of(section)] = middle([&](const OwnTimes& each) {
      const double seconds = each.seconds[index_of(section)];
      if (section != Section::kCompute) return std::optional(seconds);
      return had_work(each) ? std::optional(seconds / each.operations) : std::nullopt;
    });
  double commits = 0;
  for (const OwnTimes& each : times) commits += each.seconds[index_of(Section::kCommit)];
  typical.seconds[index_of(Section::kCommit)] = commits / static_cast<double>(times.size());
  typical.operations = middle([&](const OwnTimes& each) {
    return had_work(each) ? std::optional(each.operations) : std::nullopt;
  });
  typical.step_seconds =
      middle([](const OwnTimes& each) { return std::optional(each.step_seconds); });
  return typical;
}

SlowRankJudge::Kinds kinds_of(const MeshSizes& sizes) {
  SlowRankJudge::Kinds kinds;
  for (int rank = 0; rank < sizes.ranks(); ++rank) {
    const Coordinate at = coordinate_of(rank, sizes);
    const bool reads = at.tensor == 0 && at.context == 0 && at.pipeline == 0;
    for (std::vector<int>& of_section : kinds) of_section.push_back(at.pipeline);
    kinds[index_of(Section::kData)].back() = reads ? 1 : 0;
    kinds[index_of(Section::kCommit)].back() = rank == 0 ? -1 : at.pipeline;
  }
  return kinds;
}

SlowRankJudge::SlowRankJudge(Kinds kinds)
    : kinds_(std::move(kinds)), first_(kinds_.front().size()), records_(kinds_.front().size()) {}

// Nothing where there is nothing to compare: a rank had no work, or nobody committed.
std::optional<SlowRank> SlowRankJudge::compare(const std::vector<RankTimes>& reports, int rank,
                                               Section section) const {
  const auto own = static_cast<std::size_t>(rank);
  const std::size_t part = index_of(section);
  const double seconds = reports[own].seconds[part];
  const std::vector<int>& kinds = kinds_[part];
  std::vector<double> others;
  for (std::size_t other = 0; other < reports.size(); ++other) {
    if (other == own || kinds[other] != kinds[own]) continue;
    const bool idle = section == Section::kCompute && reports[other].operations == 0;
    if (!idle) others.push_back(reports[other].seconds[part]);
  }
  if (std::ranges::count(kinds, kinds[own]) == 1 && first_[own][part] > 0)
    others.push_back(first_[own][part]);
  if (others.empty() || seconds == 0) return std::nullopt;
  const double typical = median(std::move(others));
  const double times = section == Section::kCompute ? reports[own].operations : 1;
  return SlowRank{
      .rank = rank,
      .section = section,
      .ratio = typical > 0 ? seconds / typical : std::numeric_limits<double>::infinity(),
      .excess = (seconds - typical) * times};
}

std::vector<SlowRank> SlowRankJudge::judge(const std::vector<RankTimes>& reports) {
  std::vector<SlowRank> slow;
  for (std::size_t rank = 0; rank < reports.size(); ++rank)
    for (const Section section : kJudged) {
      const std::optional<SlowRank> found = compare(reports, static_cast<int>(rank), section);
      if (!found) continue;
      Record& record = records_[rank][index_of(section)];
      const bool is_slow = found->ratio > kRatio &&
                           found->excess > std::max(kLeast, kShare * reports[rank].step_seconds);
      const bool is_well = !is_slow && found->ratio <= kWell;
      record.slow = (record.slow << 1 | std::uint32_t{is_slow}) & kLastReports;
      record.well = (record.well << 1 | std::uint32_t{is_well}) & kLastReports;
      if (std::popcount(record.well) >= kOfThem) record.named = false;
      if (std::popcount(record.slow) < kOfThem || record.named) continue;
      record.named = true;
      slow.push_back(*found);
    }
  for (std::size_t rank = 0; rank < reports.size(); ++rank)
    for (std::size_t part = 0; part < kSections; ++part)
      if (first_[rank][part] == 0) first_[rank][part] = reports[rank].seconds[part];
  return slow;
}

SlowRanks::SlowRanks(const Mesh& mesh, std::vector<std::string> hosts)
    : world_(mesh.world()), hosts_(std::move(hosts)), judge_(kinds_of(mesh.sizes())) {}

void SlowRanks::add(const OwnTimes& times) {
  if (world_->size() == 1) return;
  if (under_way_ && under_way_->done()) hear();
  times_.push_back(times);
  if (std::ssize(times_) == kSteps) report();
}

void SlowRanks::report() {
  if (under_way_) hear();
  const RankTimes typical = typical_of(times_);
  times_.clear();
  const Tensor mine = Tensor::empty({1, kNumbers}, DType::kF64);
  std::memcpy(mine.raw(), &typical, sizeof typical);
  reports_ = Tensor::empty({world_->size(), kNumbers}, DType::kF64);
  under_way_ = world_->all_gather(mine, reports_);
}

void SlowRanks::hear() {
  under_way_->wait();
  under_way_.reset();
  if (world_->rank() > 0) return;
  std::vector<RankTimes> reports(static_cast<std::size_t>(world_->size()));
  std::memcpy(reports.data(), reports_.raw(), reports_.bytes());
  for (const SlowRank& slow : judge_.judge(reports))
    log_warning("{}", describe(slow, hosts_[static_cast<std::size_t>(slow.rank)]));
}

std::string describe(const SlowRank& slow, const std::string& host) {
  const std::string ratio =
      std::isinf(slow.ratio) ? "needs time where the others need none"
                             : fmt::format("takes {:.2f} times as long as the others", slow.ratio);
  return fmt::format(
      "rank {} on {} {} in {}, {:.3g} s a step: all wait for it. See what else runs on that "
      "machine, "
      "whether it is hot, and how its disks and network do; 'muybridge doctor' on it may tell",
      slow.rank, host, ratio, name_of(slow.section), slow.excess);
}

}  // namespace muybridge
