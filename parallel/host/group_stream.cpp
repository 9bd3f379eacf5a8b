#include "parallel/host/group_stream.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "parallel/host/staged.h"

namespace muybridge {

StreamGroup::StreamGroup(std::shared_ptr<Stream> stream, GroupMembers members)
    : Group(members.name, members.rank, static_cast<int>(members.ranks.size())),
      stream_(std::move(stream)),
      members_(std::make_shared<const GroupMembers>(std::move(members))) {
  find_neighbours();
}

void StreamGroup::find_neighbours() {
  const Neighbours& neighbours = stream_->neighbours();
  const std::size_t offset =
      Bell::kBytes + static_cast<std::size_t>(members_->context) * Window::kBytes;
  if (offset + Window::kBytes > neighbours.bytes) return;
  // The group's ranks by machine, in the order of the machines' first ranks.
  std::vector<std::pair<int, std::vector<int>>> machines;
  int own = 0;
  for (int q = 0; q < size(); ++q) {
    const int machine = neighbours.machines[static_cast<std::size_t>(job_rank(q))];
    auto place = std::find_if(machines.begin(), machines.end(),
                              [&](const auto& entry) { return entry.first == machine; });
    if (place == machines.end()) place = machines.insert(place, {machine, {}});
    place->second.push_back(q);
    if (q == rank()) own = static_cast<int>(place - machines.begin());
  }
  const std::vector<int>& local = machines[static_cast<std::size_t>(own)].second;
  if (local.size() == 1) return;
  std::vector<std::byte*> segments;
  std::vector<Bell> bells;
  for (const int q : local) {
    std::byte* segment = neighbours.segments[static_cast<std::size_t>(job_rank(q))];
    if (!segment) return;
    segments.push_back(segment + offset);
    if (q != rank()) bells.push_back(neighbours.bell(job_rank(q)));
  }
  const auto place = std::find(local.begin(), local.end(), rank()) - local.begin();
  const auto window =
      std::make_shared<Window>(static_cast<int>(place), std::move(segments), std::move(bells));
  if (machines.size() == 1) {
    window_ = window;
    return;
  }
  Levels levels{.window = window, .local = local, .machine = own, .across = {}, .all = {}};
  for (const auto& [machine, ranks] : machines) {
    if (ranks.size() != local.size()) return;
    levels.across.push_back(ranks[static_cast<std::size_t>(place)]);
    levels.all.insert(levels.all.end(), ranks.begin(), ranks.end());
  }
  levels_ = std::move(levels);
}

int StreamGroup::job_rank(int rank) const {
  return members_->ranks[static_cast<std::size_t>(rank)];
}

std::shared_ptr<Group> StreamGroup::world(std::shared_ptr<Stream> stream) {
  GroupMembers members{.name = "world", .rank = stream->rank(), .ranks = {}, .context = 0};
  members.ranks.resize(static_cast<std::size_t>(stream->size()));
  std::iota(members.ranks.begin(), members.ranks.end(), 0);
  return std::make_shared<StreamGroup>(std::move(stream), std::move(members));
}

Work StreamGroup::collective(const char* what, std::size_t bytes, Plan plan) {
  return stream_->push({.what = what,
                        .bytes = bytes,
                        .members = members_,
                        .ordered = true,
                        .plan = std::move(plan),
                        .result = {}});
}

Work StreamGroup::do_all_reduce(const Tensor& device_x, Reduce how) {
  Staged staged;
  const Tensor x = staged.update(device_x);
  const bool in_levels = levels_ && x.dtype() != DType::kBF16 && x.bytes() >= kLevelsFrom;
  return staged.finish(collective("all_reduce", x.bytes(),
                                  window_     ? plan_all_reduce(window_, x, how)
                                  : in_levels ? plan_all_reduce(*levels_, x, how)
                                              : plan_all_reduce(rank(), size(), x, how)));
}

Work StreamGroup::do_broadcast(const Tensor& device_x, int root) {
  Staged staged;
  const Tensor x = rank() == root ? staged.read(device_x) : staged.write(device_x);
  return staged.finish(collective(
      "broadcast", x.bytes(),
      window_ ? plan_broadcast(window_, x, root) : plan_broadcast(rank(), size(), x, root)));
}

Work StreamGroup::do_all_gather(const Tensor& device_mine, const Tensor& device_all) {
  Staged staged;
  const Tensor mine = staged.read(device_mine), all = staged.write(device_all);
  const bool in_levels = levels_ && all.bytes() >= kLevelsFrom;
  return staged.finish(collective("all_gather", all.bytes(),
                                  window_     ? plan_all_gather(window_, mine, all)
                                  : in_levels ? plan_all_gather(*levels_, mine, all)
                                              : plan_all_gather(rank(), size(), mine, all)));
}

Work StreamGroup::do_reduce_scatter(const Tensor& device_all, const Tensor& device_mine,
                                    Reduce how) {
  Staged staged;
  const Tensor all = staged.read(device_all), mine = staged.write(device_mine);
  return staged.finish(collective("reduce_scatter", all.bytes(),
                                  window_ ? plan_reduce_scatter(window_, all, mine, how)
                                          : plan_reduce_scatter(rank(), size(), all, mine, how)));
}

Work StreamGroup::do_all_to_all(const Tensor& device_from, const Tensor& device_to) {
  Staged staged;
  const Tensor from = staged.read(device_from), to = staged.write(device_to);
  return staged.finish(collective(
      "all_to_all", from.bytes(),
      window_ ? plan_all_to_all(window_, from, to) : plan_all_to_all(rank(), size(), from, to)));
}

Messages StreamGroup::do_exchange(const std::vector<Parcel>& sends,
                                  const std::vector<Parcel>& receives) {
  // First the room, so that nothing that arrives has to wait for it.
  const Work received = messages("receive", /*outgoing=*/false, receives);
  return {.received = received, .sent = messages("send", /*outgoing=*/true, sends)};
}

Work StreamGroup::messages(const char* what, bool outgoing, const std::vector<Parcel>& parcels) {
  if (parcels.empty()) return {};
  Staged staged;
  std::size_t bytes = 0;
  std::vector<Parcel> here;
  here.reserve(parcels.size());
  for (const auto& [peer, tensor] : parcels) {
    here.push_back({peer, outgoing ? staged.read(tensor) : staged.write(tensor)});
    bytes += tensor.bytes();
  }
  return staged.finish(stream_->push({.what = what,
                                      .bytes = bytes,
                                      .members = members_,
                                      .ordered = false,
                                      .plan = plan_messages(outgoing, here),
                                      .result = {}}));
}

Work StreamGroup::do_barrier() {
  return collective("barrier", 0, window_ ? plan_barrier(window_) : plan_barrier(rank(), size()));
}

std::shared_ptr<Group> StreamGroup::do_split(int color, int key, const std::string& name) {
  struct Entry {
    std::int64_t color, key, context;
  };
  constexpr std::int64_t kWidth = sizeof(Entry) / sizeof(std::int64_t);
  const Tensor mine = Tensor::of<std::int64_t>(
      {1, kWidth}, std::vector<std::int64_t>{color, key, stream_->next_context()});
  const Tensor all = Tensor::empty({size(), kWidth}, DType::kI64);
  all_gather(mine, all).wait();

  // The smallest context that none of these ranks has had. Groups of different colors share it, for
  // they share no rank.
  std::int64_t context = 0;
  std::vector<std::pair<std::int64_t, int>> chosen;  // (key, rank)
  for (int q = 0; q < size(); ++q) {
    const std::int64_t* entry = all.data<std::int64_t>() + q * kWidth;
    context = std::max(context, entry[2]);
    if (entry[0] == color) chosen.emplace_back(entry[1], q);
  }
  if (context > stream_->largest_context())
    fail(ExitCode::kInternal, "group '{}': more than {} groups in one run", name,
         stream_->largest_context());
  stream_->take_context(static_cast<int>(context));
  if (color < 0) return nullptr;
  std::sort(chosen.begin(), chosen.end());
  if (chosen.size() == 1) return solo_group(name);

  GroupMembers members{.name = name, .rank = 0, .ranks = {}, .context = static_cast<int>(context)};
  for (const auto& [order, q] : chosen) {
    if (q == rank()) members.rank = static_cast<int>(members.ranks.size());
    members.ranks.push_back(members_->ranks[static_cast<std::size_t>(q)]);
  }
  return std::make_shared<StreamGroup>(stream_, std::move(members));
}

}  // namespace muybridge
