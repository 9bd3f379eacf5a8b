#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/tensor.h"

namespace muybridge {

enum class Reduce : std::uint8_t { kSum, kMax };

// The backend's half of a Work: an operation under way.
class Completion {
 public:
  virtual ~Completion() = default;
  virtual void wait() = 0;
  virtual bool done() const = 0;
};

// A handle to one operation of a group. Dropping it neither waits nor cancels.
class Work {
 public:
  Work() = default;  // an operation that is over
  explicit Work(std::shared_ptr<Completion> completion) : completion_(std::move(completion)) {}

  // Returns when the operation's tensors may be used again: its result is there for what the
  // calling thread does next. Throws Error(kRankLost) when another rank did not take part within
  // the time limit, Error(kInternal) when the ranks did not ask for the same operation. May be
  // called again, and by several threads.
  void wait() const {
    if (completion_) completion_->wait();
  }
  // Whether wait() would return, or throw, at once.
  bool done() const { return !completion_ || completion_->done(); }

 private:
  std::shared_ptr<Completion> completion_;
};

// What a rank exchanges, each half by itself: what has been received may be read while what was
// sent still waits for its receiver. A backend may end both together.
struct Messages {
  Work received, sent;

  void wait() const {
    received.wait();
    sent.wait();
  }
};

// A tensor that goes to a rank of the group, or comes from it.
struct Parcel {
  int peer;
  Tensor tensor;
};

// Ranks that exchange tensors. Every operation is asynchronous: it is queued, and the group keeps
// its tensors alive; from the call until wait() returns nobody may write to them, nor read those
// that the operation writes.
//
// Order. The collectives of a group run one after another in the order of the calls, which must be
// the same on every rank of the group, with tensors of the same size and element type. Groups do
// not wait for each other, nor do collectives and exchanges; yet ranks that share groups of a
// device should ask them in the same order, since NCCL may have no room on the device for two at a
// time.
//
// Sums. All ranks hold the same bits, and the same layout gives the same bits in every run. The
// order in which a sum is taken, and what becomes of NaN in a kMax, is the backend's.
//
// Tensors lie in memory the backend can reach. A tensor that is not fit for an operation (shape,
// element type or rank out of range) throws std::invalid_argument at once.
//
// A backend for tensors of a device may want all ranks together for what its operations need:
// before the first collective of such tensors every rank of the group calls prepare(), before the
// first exchange expect_messages(), while nothing else is under way. Both may block; again, they do
// nothing. On CPU tensors they are not needed.
class Group {
 public:
  Group(std::string name, int rank, int size);
  virtual ~Group() = default;
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  const std::string& name() const { return name_; }
  int rank() const { return rank_; }
  int size() const { return size_; }
  // The number in the whole job, by which people know it, of a rank of this group.
  virtual int job_rank(int rank) const { return rank; }

  // x of each rank becomes the sum, or the largest, over ranks, element by element. f32, f64,
  // bf16, i64.
  Work all_reduce(const Tensor& x, Reduce how = Reduce::kSum);
  // x of rank `root` replaces x of all others.
  Work broadcast(const Tensor& x, int root);
  // all [size * n] = mine [n] of rank 0, of rank 1, ... `mine` may be its own part of `all`.
  Work all_gather(const Tensor& mine, const Tensor& all);
  // mine [n] = this rank's part of the reduction of all [size * n] over ranks. `mine` may be its
  // own part of `all`.
  Work reduce_scatter(const Tensor& all, const Tensor& mine, Reduce how = Reduce::kSum);
  // Part q of `from` [size * n] goes to rank q, whose `to` [size * n] takes it as part `rank()`.
  Work all_to_all(const Tensor& from, const Tensor& to);
  // Messages between pairs of ranks, all under way together. What a rank sends to another meets
  // what that one receives from it in the order in which each of the two called, and within a call
  // in the order of the lists; both give tensors of the same bytes. A rank that is no party to a
  // message need not call. An exchange may wait for the ones that its rank called before: what has
  // to travel both ways at once stands in one call. No received tensor may share memory with
  // another tensor of the call; a rank never sends to itself.
  Messages exchange(const std::vector<Parcel>& sends, const std::vector<Parcel>& receives);
  // Over when every rank has called it.
  Work barrier();

  virtual void prepare(Device device);
  virtual void expect_messages(Device device);

  // A new group of the ranks that gave the same color >= 0, ordered by (key, rank). Blocks; a
  // collective of this group. A color below zero takes part and gets nullptr.
  std::shared_ptr<Group> split(int color, int key, const std::string& name);

 protected:
  // What a backend writes: arguments are checked, tensors are not empty.
  virtual Work do_all_reduce(const Tensor& x, Reduce how) = 0;
  virtual Work do_broadcast(const Tensor& x, int root) = 0;
  virtual Work do_all_gather(const Tensor& mine, const Tensor& all) = 0;
  virtual Work do_reduce_scatter(const Tensor& all, const Tensor& mine, Reduce how) = 0;
  virtual Work do_all_to_all(const Tensor& from, const Tensor& to) = 0;
  virtual Messages do_exchange(const std::vector<Parcel>& sends,
                               const std::vector<Parcel>& receives) = 0;
  virtual Work do_barrier() = 0;
  virtual std::shared_ptr<Group> do_split(int color, int key, const std::string& name) = 0;

 private:
  void require_rank(const char* what, int rank) const;
  void require_pieces(const char* what, const Tensor& whole, std::int64_t expected,
                      const Tensor& part) const;
  std::vector<Parcel> checked(const std::vector<Parcel>& parcels) const;

  std::string name_;
  int rank_;
  int size_;
};

// The group of one: every collective is the identity, done when the call returns.
std::shared_ptr<Group> solo_group(const std::string& name = "solo");

}  // namespace muybridge
