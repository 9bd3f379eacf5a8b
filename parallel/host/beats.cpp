#include "parallel/host/beats.h"

#include <fmt/format.h>

#include <algorithm>

namespace muybridge {
namespace {

constexpr int kBranches = 4;
constexpr double kBeatsInLimit = 8;
constexpr double kLongestInterval = 1;  // seconds
constexpr double kLongestPeriod = 0.1;

}  // namespace

std::string describe(const Loss& loss, const std::vector<std::string>& hosts) {
  const auto named = [&](std::int32_t rank) {
    const auto index = static_cast<std::size_t>(rank);
    return index < hosts.size() ? fmt::format("rank {} on {}", rank, hosts[index])
                                : fmt::format("rank {}", rank);
  };
  switch (loss.kind) {
    case Loss::Kind::kNone:
      return "no rank is lost";
    case Loss::Kind::kSilent:
      return fmt::format(
          "{}: no sign of life for {:.3g} s: its process is stopped, or its machine or network is "
          "gone. Start the same command again, on what is left",
          named(loss.rank), loss.seconds);
    case Loss::Kind::kHung:
      return fmt::format(
          "{}: it hangs in {}, {:.3g} s without a word, while others wait for it; its log has the "
          "calls that it is in. Start the same command again",
          named(loss.rank), name_of(loss.section), loss.seconds);
    case Loss::Kind::kStalled:
      return fmt::format(
          "nothing from rank {} of the job for {:.3g} s, says {}; the logs of all ranks have the "
          "calls that they are in. Start the same command again",
          loss.rank, loss.seconds, named(loss.reporter));
  }
  return "";
}

std::vector<int> watched_by(int rank, int size) {
  std::vector<int> ranks;
  if (rank > 0) ranks.push_back((rank - 1) / kBranches);
  for (int child = kBranches * rank + 1; child <= kBranches * rank + kBranches; ++child)
    if (child < size) ranks.push_back(child);
  return ranks;
}

Beats::Beats(Transport& transport, double limit_seconds, Time now)
    : transport_(transport),
      tag_(transport.largest_tag()),
      limit_(limit_seconds),
      interval_(std::min(kLongestInterval, limit_seconds / kBeatsInLimit)),
      tended_(now) {
  period_ = std::chrono::milliseconds(
      std::max(1, static_cast<int>(1e3 * std::min(kLongestPeriod, interval_.count() / 2))));
  for (const int rank : watched_by(transport.rank(), transport.size())) {
    neighbours_.push_back(std::make_unique<Neighbour>(Neighbour{.rank = rank, .heard = now}));
    take(*neighbours_.back(), now);
  }
}

const std::optional<Loss>& Beats::tend(Time now, const Busy& own) {
  transport_.progress();
  // A process that was stopped itself has not listened.
  const bool was_away = now - tended_ > limit_ / 2;
  tended_ = now;
  busiest_ = own;
  for (const auto& neighbour : neighbours_) {
    if (was_away) neighbour->heard = now;
    take(*neighbour, now);
    if (neighbour->busy.share() > busiest_.share()) busiest_ = neighbour->busy;
    if (!neighbour->gone && now - neighbour->heard > limit_)
      spread({.kind = Loss::Kind::kSilent,
              .rank = neighbour->rank,
              .reporter = transport_.rank(),
              .seconds = limit_.count()});
  }
  for (const auto& neighbour : neighbours_) send(*neighbour, now, own);
  return loss_;
}

void Beats::take(Neighbour& neighbour, Time now) {
  while (!neighbour.gone) {
    if (neighbour.arriving) {
      if (!neighbour.arriving->done()) return;
      neighbour.heard = now;
      neighbour.busy = neighbour.incoming.busy;
      neighbour.gone = neighbour.incoming.last;
      if (neighbour.incoming.loss.kind != Loss::Kind::kNone) spread(neighbour.incoming.loss);
      neighbour.arriving.reset();
    } else {
      neighbour.arriving =
          transport_.post({false, neighbour.rank, tag_,
                           reinterpret_cast<std::byte*>(&neighbour.incoming), sizeof(Beat)});
    }
  }
}

void Beats::send(Neighbour& neighbour, Time now, const Busy& own) {
  if (neighbour.left || (neighbour.leaving && !neighbour.leaving->done())) return;
  const bool has_news = leaving_ || (loss_ && !neighbour.told);
  if (!has_news && now - neighbour.sent < interval_) return;
  Busy busy = own;
  for (const auto& other : neighbours_)
    if (other->rank != neighbour.rank && other->busy.share() > busy.share()) busy = other->busy;
  neighbour.outgoing = {.busy = busy, .loss = loss_.value_or(Loss()), .last = leaving_};
  neighbour.leaving =
      transport_.post({true, neighbour.rank, tag_,
                       reinterpret_cast<std::byte*>(&neighbour.outgoing), sizeof(Beat)});
  neighbour.sent = now;
  neighbour.left = leaving_;
  neighbour.told = loss_.has_value();
}

void Beats::spread(const Loss& loss) {
  if (!loss_) loss_ = loss;
}

bool Beats::over() const {
  return std::all_of(neighbours_.begin(), neighbours_.end(), [](const auto& neighbour) {
    return neighbour->gone && neighbour->left && neighbour->leaving->done();
  });
}

}  // namespace muybridge
