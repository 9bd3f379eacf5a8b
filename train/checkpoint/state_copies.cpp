#include "train/checkpoint/state_copies.h"

#include <cstring>
#include <stdexcept>

#include "core/parallel_for.h"

namespace muybridge {
namespace {

constexpr std::int64_t kCopiedBytes = 1 << 20;

// As fast as all threads together can.
void copy_on_host(const Tensor& from, const Tensor& to) {
  const auto* const source = static_cast<const char*>(from.raw());
  auto* const target = static_cast<char*>(to.raw());
  parallel_for(
      static_cast<std::int64_t>(from.bytes()),
      [&](std::int64_t begin, std::int64_t end) {
        std::memcpy(target + begin, source + begin, static_cast<std::size_t>(end - begin));
      },
      kCopiedBytes);
}

const void* end_of(const cuda::CopyOut::Run& run) {
  return static_cast<const std::byte*>(run.from) + run.bytes;
}

}  // namespace

StateCopies::StateCopies(std::int64_t elements, DType dtype, Device from)
    : from_(from), room_(Tensor::empty({elements}, dtype)) {
  if (from == Device::kCpu || elements == 0) return;
  pinned_.emplace(room_.raw(), room_.bytes());
  copy_out_.emplace();
}

bool StateCopies::fits(std::int64_t elements, DType dtype, Device from) const {
  return room_.numel() == elements && room_.dtype() == dtype && from_ == from;
}

std::vector<Tensor> StateCopies::make(std::span<const StatePiece> pieces) {
  std::vector<Tensor> copies;
  std::vector<cuda::CopyOut::Run> runs;
  std::optional<StateKind> kind;  // of the last run: those of one kind lie in one block
  std::int64_t used = 0;
  for (const StatePiece& piece : pieces) {
    const Tensor& x = piece.elements;
    if (x.dtype() != room_.dtype() || x.device() != from_)
      throw std::invalid_argument(fmt::format("state_copies: {} {} among {}", name_of(x.dtype()),
                                              x.shape(), name_of(room_.dtype())));
    copies.push_back(room_.flat_view(used, {x.numel()}));
    used += x.numel();
    if (x.numel() == 0) continue;
    if (from_ == Device::kCpu)
      copy_on_host(x, copies.back());
    else if (kind == piece.kind && end_of(runs.back()) == x.raw())  // the copies, too
      runs.back().bytes += x.bytes();
    else
      runs.push_back({copies.back().raw(), x.raw(), x.bytes()});
    kind = piece.kind;
  }
  if (copy_out_) copy_out_->begin(runs);
  return copies;
}

void StateCopies::before_change() const {
  if (copy_out_) copy_out_->hold_back();
}

void StateCopies::wait() const {
  if (copy_out_) copy_out_->wait();
}

}  // namespace muybridge
