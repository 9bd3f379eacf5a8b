#include "parallel/group.h"

#include <algorithm>
#include <functional>
#include <stdexcept>

namespace muybridge {
namespace {

void require_reducible(const char* what, const Tensor& x) {
  switch (x.dtype()) {
    case DType::kF32:
    case DType::kF64:
    case DType::kBF16:
    case DType::kI64:
      return;
    default:
      fail_dtype(x.dtype(), what);
  }
}

void require_defined(const char* what, const Tensor& x) {
  if (!x.defined()) throw std::invalid_argument(fmt::format("{}: the tensor is empty", what));
}

bool overlap(const Tensor& a, const Tensor& b) {
  const auto* first = static_cast<const std::byte*>(a.raw());
  const auto* second = static_cast<const std::byte*>(b.raw());
  const std::less<> before;
  return before(first, second + b.bytes()) && before(second, first + a.bytes());
}

template <class Iterator>
bool overlaps_any(const Parcel& parcel, Iterator begin, Iterator end) {
  return std::any_of(begin, end,
                     [&](const Parcel& other) { return overlap(parcel.tensor, other.tensor); });
}

class SoloGroup final : public Group {
 public:
  explicit SoloGroup(const std::string& name) : Group(name, 0, 1) {}

 protected:
  Work do_all_reduce(const Tensor&, Reduce) override { return {}; }
  Work do_broadcast(const Tensor&, int) override { return {}; }
  Work do_all_gather(const Tensor& mine, const Tensor& all) override { return copy(mine, all); }
  Work do_reduce_scatter(const Tensor& all, const Tensor& mine, Reduce) override {
    return copy(all, mine);
  }
  Work do_all_to_all(const Tensor& from, const Tensor& to) override { return copy(from, to); }
  Messages do_exchange(const std::vector<Parcel>&, const std::vector<Parcel>&) override {
    return {};  // never reached: there is no other rank
  }
  Work do_barrier() override { return {}; }
  std::shared_ptr<Group> do_split(int color, int, const std::string& name) override {
    return color < 0 ? nullptr : solo_group(name);
  }

 private:
  static Work copy(const Tensor& from, const Tensor& to) {
    if (from.raw() != to.raw()) to.copy_from(from.reshape(to.shape()));
    return {};
  }
};

}  // namespace

Group::Group(std::string name, int rank, int size)
    : name_(std::move(name)), rank_(rank), size_(size) {}

Work Group::all_reduce(const Tensor& x, Reduce how) {
  require_defined("all_reduce", x);
  require_reducible("all_reduce", x);
  return x.numel() == 0 ? Work() : do_all_reduce(x, how);
}

Work Group::broadcast(const Tensor& x, int root) {
  require_defined("broadcast", x);
  require_rank("broadcast", root);
  return x.numel() == 0 ? Work() : do_broadcast(x, root);
}

Work Group::all_gather(const Tensor& mine, const Tensor& all) {
  require_pieces("all_gather", all, mine.numel() * size_, mine);
  return mine.numel() == 0 ? Work() : do_all_gather(mine, all);
}

Work Group::reduce_scatter(const Tensor& all, const Tensor& mine, Reduce how) {
  require_pieces("reduce_scatter", all, mine.numel() * size_, mine);
  require_reducible("reduce_scatter", all);
  return mine.numel() == 0 ? Work() : do_reduce_scatter(all, mine, how);
}

Work Group::all_to_all(const Tensor& from, const Tensor& to) {
  require_pieces("all_to_all", from, to.numel(), to);
  if (from.numel() % size_ != 0)
    throw std::invalid_argument(
        fmt::format("all_to_all: {} does not split into {} equal parts", from.shape(), size_));
  if (size_ > 1 && from.raw() == to.raw() && from.numel() > 0)
    throw std::invalid_argument("all_to_all: 'from' and 'to' must not share memory");
  return from.numel() == 0 ? Work() : do_all_to_all(from, to);
}

Messages Group::exchange(const std::vector<Parcel>& sends, const std::vector<Parcel>& receives) {
  const std::vector<Parcel> out = checked(sends);
  const std::vector<Parcel> in = checked(receives);
  for (auto parcel = in.begin(); parcel != in.end(); ++parcel)
    if (overlaps_any(*parcel, out.begin(), out.end()) || overlaps_any(*parcel, in.begin(), parcel))
      throw std::invalid_argument(
          fmt::format("exchange: what comes from rank {} of group '{}' shares memory with another "
                      "tensor of the call",
                      parcel->peer, name_));
  return out.empty() && in.empty() ? Messages() : do_exchange(out, in);
}

void Group::prepare(Device) {}
void Group::expect_messages(Device) {}

Work Group::barrier() { return do_barrier(); }

std::shared_ptr<Group> Group::split(int color, int key, const std::string& name) {
  return do_split(color, key, name);
}

void Group::require_rank(const char* what, int rank) const {
  if (rank < 0 || rank >= size_)
    throw std::invalid_argument(
        fmt::format("{}: rank {} is not in group '{}' of {}", what, rank, name_, size_));
}

void Group::require_pieces(const char* what, const Tensor& whole, std::int64_t expected,
                           const Tensor& part) const {
  require_defined(what, whole);
  require_defined(what, part);
  require_same_kind(what, {&whole, &part});
  if (whole.numel() != expected)
    throw std::invalid_argument(
        fmt::format("{}: {} and {} do not fit together in group '{}' of {}: {} elements expected",
                    what, whole.shape(), part.shape(), name_, size_, expected));
}

// Without those that have no elements, which need no message.
std::vector<Parcel> Group::checked(const std::vector<Parcel>& parcels) const {
  std::vector<Parcel> full;
  for (const Parcel& parcel : parcels) {
    require_defined("exchange", parcel.tensor);
    require_rank("exchange", parcel.peer);
    if (parcel.peer == rank_)
      throw std::invalid_argument(
          fmt::format("exchange: rank {} of group '{}' names itself", rank_, name_));
    if (parcel.tensor.numel() > 0) full.push_back(parcel);
  }
  return full;
}

std::shared_ptr<Group> solo_group(const std::string& name) {
  return std::make_shared<SoloGroup>(name);
}

}  // namespace muybridge
