#include "train/checkpoint/state_pieces.h"

#include <algorithm>
#include <stdexcept>

namespace muybridge {
namespace {

FlatRange share_of(const ParameterRange& range, int rank, int ranks) {
  const FlatRange share = even_share(range.count, rank, ranks);
  return {range.begin + share.begin, range.begin + share.end};
}

std::string to_string(FlatRange range) { return fmt::format("[{}, {})", range.begin, range.end); }

void require_ascending(const FlatRanges& ranges, std::int64_t size) {
  std::int64_t end = 0;
  for (const FlatRange& range : ranges) {
    if (range.begin < end || range.end < range.begin || range.end > size)
      throw std::invalid_argument(
          fmt::format("checkpoint: flat elements {} after {} of {}: ranges ascend and stay apart",
                      to_string(range), end, size));
    end = range.end;
  }
}

// Where the flat ranges begin in a tensor that holds one after another; its size at the end.
std::vector<std::int64_t> places_of(const FlatRanges& held) {
  std::vector<std::int64_t> places{0};
  for (const FlatRange& range : held) places.push_back(places.back() + range.end - range.begin);
  return places;
}

// The parameters of flat elements `range`, whose values begin at element `place` of the tensor.
// `order` are the parameters by offset.
void add_pieces(const std::vector<const Parameter*>& order, const FlatTensor& tensor,
                FlatRange range, std::int64_t place, std::vector<StatePiece>& pieces) {
  const auto after = std::ranges::upper_bound(order, range.begin, {}, &Parameter::offset);
  for (auto at = after == order.begin() ? after : after - 1; at != order.end(); ++at) {
    const Parameter& parameter = **at;
    if (parameter.offset >= range.end) break;
    const std::int64_t begin = std::max(range.begin, parameter.offset);
    const std::int64_t end = std::min(range.end, parameter.offset + parameter.shape.numel());
    if (begin >= end) continue;
    std::int64_t from = place + begin - range.begin;
    for (const Slice& slice : part_of(parameter.slice(), begin - parameter.offset, end - begin)) {
      StatePiece piece;
      piece.kind = tensor.kind;
      piece.name = parameter.spec.name;
      piece.slice = slice;
      piece.elements = tensor.elements.flat_view(from, {slice.numel()});
      from += slice.numel();
      pieces.push_back(std::move(piece));
    }
  }
}

}  // namespace

FlatRange even_share(std::int64_t size, int rank, int ranks) {
  const auto cut = [&](std::int64_t r) { return size / ranks * r + size % ranks * r / ranks; };
  return {cut(rank), cut(rank + 1)};
}

FlatRanges shared_out(const Parameters& parameters, const CopiesGroup& group_of) {
  FlatRanges shares;
  for (const ParameterRange& range : parameters.ranges()) {
    const Group& group = group_of(range.copies);
    const FlatRange share = share_of(range, group.rank(), group.size());
    if (share.begin < share.end) shares.push_back(share);
  }
  return shares;
}

std::vector<StatePiece> state_pieces(const Parameters& parameters, const FlatTensor& tensor,
                                     const FlatRanges& wanted) {
  const std::int64_t size = parameters.flat_size();
  const FlatRanges held = tensor.held.value_or(FlatRanges{{0, size}});
  require_ascending(held, size);
  require_ascending(wanted, size);
  const std::vector<std::int64_t> places = places_of(held);
  if (tensor.elements.numel() != places.back())
    throw std::invalid_argument(fmt::format("checkpoint: {} has {} elements, its ranges have {}",
                                            name_of(tensor.kind), tensor.elements.numel(),
                                            places.back()));
  std::vector<const Parameter*> order;
  for (const Parameter& parameter : parameters.list())
    if (!parameter.frozen && parameter.shape.numel() > 0) order.push_back(&parameter);
  std::ranges::sort(order, {}, &Parameter::offset);
  std::vector<StatePiece> pieces;
  for (const FlatRange& range : wanted) {
    if (range.begin == range.end) continue;
    const auto after = std::ranges::upper_bound(held, range.begin, {}, &FlatRange::begin);
    const auto holder = after - held.begin() - 1;
    if (holder < 0 || held[static_cast<std::size_t>(holder)].end < range.end)
      throw std::invalid_argument(
          fmt::format("checkpoint: {} of flat elements {} is wanted of a rank that does not hold "
                      "them in one range",
                      name_of(tensor.kind), to_string(range)));
    const auto index = static_cast<std::size_t>(holder);
    add_pieces(order, tensor, range, places[index] + range.begin - held[index].begin, pieces);
  }
  return pieces;
}

std::vector<StatePiece> state_pieces(const Parameters& parameters, const FlatTensor& tensor) {
  return state_pieces(parameters, tensor,
                      tensor.held.value_or(FlatRanges{{0, parameters.flat_size()}}));
}

void spread_shares(const Parameters& parameters, const Tensor& flat, const CopiesGroup& group_of) {
  std::vector<Work> works;
  for (const ParameterRange& range : parameters.ranges()) {
    Group& group = group_of(range.copies);
    for (int rank = 0; rank < group.size(); ++rank) {
      const FlatRange share = share_of(range, rank, group.size());
      if (share.begin < share.end)
        works.push_back(group.broadcast(flat.rows(share.begin, share.end - share.begin), rank));
    }
  }
  for (const Work& work : works) work.wait();
}

}  // namespace muybridge
