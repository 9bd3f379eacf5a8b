#include "parallel/ring_attention.h"

#include <algorithm>
#include <stdexcept>

#include "core/ops/accumulate.h"
#include "core/ops/attention/attention_part.h"
#include "core/ops/regroup.h"

namespace muybridge {
namespace {

// The rows of a clip within a segment, counted from its first.
Slice rows_in(const Packing& packing, int clip, int rank, int ranks) {
  const std::int64_t rows = packing.rows / ranks;
  const auto inside = [&](std::int32_t offset) {
    return std::clamp<std::int64_t>(offset - rank * rows, 0, rows);
  };
  const std::int64_t first = inside(packing.offsets[clip]);
  return Slice::range(first, inside(packing.offsets[clip + 1]) - first);
}

// Keys and values, or their gradients; none where nothing is shared.
struct Pair {
  Tensor k, v;

  explicit operator bool() const { return k.defined(); }
  Pair rows(const Slice& rows) const {
    return {k.rows(rows.begin, rows.length), v.rows(rows.begin, rows.length)};
  }
};

struct Arriving {
  Pair pair;
  Work work;
};

// q, k and v [R, D] apart, so that rows of k and of v can be sent.
struct Blocks {
  Tensor q;
  Pair keys;
};

Tensor block(const Tensor& apart, int number) {
  return apart.rows(number, 1).reshape({apart.shape()[1], apart.shape()[2]});
}

Blocks blocks_of(const Tensor& qkv) {
  const Tensor apart = parts_apart(qkv, 1, 3);
  return {block(apart, 0), {block(apart, 1), block(apart, 2)}};
}

// One attention over the ranks of a group.
class Ring {
 public:
  Ring(const Packing& packing, std::int64_t heads, std::shared_ptr<Group> group)
      : packing_(packing), heads_(heads), group_(std::move(group)) {
    for (int clip = 0; clip < packing.clips(); ++clip) {
      const Slice mine = rows_in(packing, clip, group_->rank(), ranks());
      own_.push_back(static_cast<std::int32_t>(mine.begin + mine.length));
    }
  }

  AttentionOutput forward(const Tensor& qkv) const {
    const Blocks x = blocks_of(qkv);
    Arriving next = fetch_keys(1, x.keys);
    const AttentionOutput sums = attend_part(part(x.q, x.keys, own_));
    for (int step = 1; step < ranks(); ++step) {
      const Pair keys = arrived(next);
      if (step + 1 < ranks()) next = fetch_keys(step + 1, x.keys);
      if (!keys) continue;
      const Slice mine = shared(ahead(step));
      merge_attention(sums, attend_part(part(of(x.q, mine), keys)), mine.begin);
    }
    return sums;
  }

  // `out` is of qkv's type; the gradient of qkv is of its accumulator.
  Tensor backward(const Tensor& qkv, const Tensor& out, const Tensor& log_sum_exp,
                  const Tensor& dout) const {
    const Blocks x = blocks_of(qkv);
    Arriving next = fetch_keys(1, x.keys);
    const Tensor all = Tensor::empty({3, out.shape()[0], out.shape()[1]}, log_sum_exp.dtype(),
                                     log_sum_exp.device());
    const Tensor dq = block(all, 0);
    const Pair sums{block(all, 1), block(all, 2)};
    attend_part_backward(part(x.q, x.keys, own_), out, log_sum_exp, dout, {dq, sums.k, sums.v});
    Arriving home;
    for (int step = 1; step < ranks(); ++step) {
      const Pair keys = arrived(next);
      if (step + 1 < ranks()) next = fetch_keys(step + 1, x.keys);
      Pair theirs;
      if (keys) {
        const Slice mine = shared(ahead(step));
        const PartGradients grads = attend_part_backward(
            part(of(x.q, mine), keys), of(out, mine),
            log_sum_exp_of(log_sum_exp, mine.begin, mine.length), of(dout, mine));
        accumulate(of(dq, mine), grads.dq);
        theirs = {grads.dk, grads.dv};
      }
      if (step > 1) add(arrived(home), sums, shared(behind(step - 1)));
      home = exchange(ahead(step), theirs, behind(step), shared(behind(step)).length, sums.k);
    }
    add(arrived(home), sums, shared(behind(ranks() - 1)));
    return parts_together(all, 1);
  }

 private:
  int ranks() const { return group_->size(); }
  int ahead(int steps) const { return (group_->rank() + steps) % ranks(); }
  int behind(int steps) const { return (group_->rank() + ranks() - steps) % ranks(); }
  // This rank's rows of what it shares with another.
  Slice shared(int other) const { return shared_rows(packing_, group_->rank(), other, ranks()); }

  static Tensor of(const Tensor& x, const Slice& rows) { return x.rows(rows.begin, rows.length); }

  // Of the clips that end at `ends`.
  AttentionPart part(const Tensor& q, const Pair& keys,
                     const std::vector<std::int32_t>& ends) const {
    std::vector<std::int32_t> offsets{0};
    offsets.insert(offsets.end(), ends.begin(), ends.end());
    return {heads_, {q, 0}, {keys.k, 0}, {keys.v, 0}, q.shape()[1], offsets, offsets};
  }
  // Of one clip.
  AttentionPart part(const Tensor& q, const Pair& keys) const {
    const auto rows = [](const Tensor& x) { return static_cast<std::int32_t>(x.shape()[0]); };
    return {heads_,       {q, 0},       {keys.k, 0},      {keys.v, 0},
            q.shape()[1], {0, rows(q)}, {0, rows(keys.k)}};
  }

  // The keys of the rank so many steps ahead set out to here, and ours to the one behind.
  Arriving fetch_keys(int step, const Pair& own) const {
    const Slice wanted = shared(behind(step));
    return exchange(behind(step), wanted.length > 0 ? own.rows(wanted) : Pair(), ahead(step),
                    shared_rows(packing_, ahead(step), group_->rank(), ranks()).length, own.k);
  }

  // `rows` rows of the kind of `like` come.
  Arriving exchange(int to, const Pair& sent, int from, std::int64_t rows,
                    const Tensor& like) const {
    std::vector<Parcel> sends, receives;
    if (sent) sends = {{to, sent.k}, {to, sent.v}};
    Arriving arriving;
    if (rows > 0) {
      const auto room = [&] {
        return Tensor::empty({rows, like.shape()[1]}, like.dtype(), like.device());
      };
      arriving.pair = {room(), room()};
      receives = {{from, arriving.pair.k}, {from, arriving.pair.v}};
    }
    if (!sends.empty() || !receives.empty())
      arriving.work = group_->exchange(sends, receives).received;
    return arriving;
  }
  static Pair arrived(const Arriving& arriving) {
    arriving.work.wait();
    return arriving.pair;
  }
  static void add(const Pair& arrived, const Pair& sums, const Slice& rows) {
    if (!arrived) return;
    accumulate(of(sums.k, rows), arrived.k);
    accumulate(of(sums.v, rows), arrived.v);
  }

  Packing packing_;
  std::int64_t heads_;
  std::shared_ptr<Group> group_;
  std::vector<std::int32_t> own_;  // where each clip ends in this rank's rows
};

}  // namespace

Slice shared_rows(const Packing& packing, int rank, int other, int ranks) {
  for (int clip = 0; clip < packing.clips(); ++clip) {
    const Slice mine = rows_in(packing, clip, rank, ranks);
    if (mine.length > 0 && rows_in(packing, clip, other, ranks).length > 0) return mine;
  }
  return Slice::range(0, 0);
}

Var ring_attention(const Var& qkv, std::int64_t heads, const Packing& packing,
                   const std::shared_ptr<Group>& group, const KeptAttention& kept) {
  if (group->size() == 1) return self_attention(qkv, heads, packing, kept);
  const Tensor& x = qkv.value();
  if (x.shape().rank() != 2 || x.shape().back() % 3 || x.shape()[0] * group->size() != packing.rows)
    throw std::invalid_argument(fmt::format(
        "ring_attention: qkv is {} on each of {} ranks of group '{}', the packing has {} "
        "rows; [rows / ranks, 3 D] expected",
        x.shape(), group->size(), group->name(), packing.rows));
  const auto ring = std::make_shared<const Ring>(packing, heads, group);
  const AttentionOutput output = attend_once(kept, [&] {
    const AttentionOutput sums = ring->forward(x);
    return AttentionOutput{sums.out.to(x.dtype()), sums.log_sum_exp};
  });
  return Var::op(
      output.out, {qkv},
      [ring, out = output.out, log_sum_exp = output.log_sum_exp](Inputs in, const Tensor& dout) {
        in[0].add_grad(ring->backward(in[0].value(), out, log_sum_exp, dout));
      });
}

}  // namespace muybridge
