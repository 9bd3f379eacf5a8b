#include "train/checkpoint/committer.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "core/error.h"
#include "core/log.h"
#include "core/system/machine.h"
#include "parallel/together.h"
#include "parallel/values.h"

namespace muybridge {
namespace {

constexpr double kOfFreeMemory = 0.9;  // that the copy may take

std::int64_t elements_of(const TrainState& state) {
  std::int64_t sum = 0;
  for (const StatePiece& piece : state.pieces) sum += piece.elements.numel();
  return sum;
}

DType dtype_of_pieces(const TrainState& state) {
  return state.pieces.empty() ? DType::kF32 : state.pieces.front().elements.dtype();
}

// Threads that compute wait for each other, so one that is held up holds up all.
void give_way_to_others() { ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 19); }

// What one rank of the group says to all: the largest is the answer.
enum class Status : std::uint8_t { kOver, kRunning, kFailed };

Status agree(Group& group, Status mine) {
  return static_cast<Status>(all_reduce_value(group, static_cast<double>(mine), Reduce::kMax));
}

}  // namespace

Committer::Committer(CommitterOptions options, Group& group)
    : options_(std::move(options)),
      group_(group),
      behind_(group.split(0, group.rank(), "commits")) {}

Committer::~Committer() {
  if (!thread_.joinable()) return;
  thread_.join();
  try {
    if (failure_) std::rethrow_exception(failure_);
  } catch (const std::exception& error) {
    log_error("the commit of step {} failed: {}", step_, error.what());
  }
}

void Committer::commit(const TrainState& state) {
  wait();
  step_ = state.step;
  if (!options_.behind || !make_room(state)) {
    save_checkpoint(options_.checkpoints, state, group_, options_.keep);
    return;
  }
  TrainState copy = copy_of(state);
  under_way_ = running_ = true;
  thread_ = std::thread([this, copy = std::move(copy)] {
    give_way_to_others();
    try {
      together(*behind_, [&] {
        copies_->wait();
        return std::string();
      });
      save_checkpoint(options_.checkpoints, copy, *behind_, options_.keep);
    } catch (const Error& error) {
      failure_ = std::current_exception();
      is_lost_ = error.code() == ExitCode::kRankLost;
    } catch (...) {
      failure_ = std::current_exception();
    }
    running_ = false;
  });
}

void Committer::look() {
  if (!under_way_) return;
  const Status mine = running_ ? Status::kRunning : failure_ ? Status::kFailed : Status::kOver;
  if (agree(group_, mine) != Status::kRunning) finish();
}

void Committer::wait() {
  if (under_way_) finish();
}

// A failure on one rank is one on all (save_checkpoint), so that the threads of all end; but where
// it is the loss of a rank those of the others may wait for this one, which ends alone.
void Committer::finish() {
  thread_.join();
  under_way_ = false;
  if (is_lost_) std::rethrow_exception(std::exchange(failure_, nullptr));
  const Status all = agree(group_, failure_ ? Status::kFailed : Status::kOver);
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  if (all == Status::kFailed)
    fail(ExitCode::kInternal, "the commit of step {} failed on another rank, whose log says why",
         step_);
}

bool Committer::make_room(const TrainState& state) {
  if (has_room_) return *has_room_;
  const auto bytes = static_cast<double>(elements_of(state)) *
                     static_cast<double>(size_of(dtype_of_pieces(state)));
  const double free = options_.memory
                          ? static_cast<double>(*options_.memory)
                          : kOfFreeMemory * static_cast<double>(this_machine().memory_available) /
                                options_.ranks_here;
  const double lacking = all_reduce_value(group_, bytes > free ? bytes : 0, Reduce::kMax);
  has_room_ = lacking == 0;
  if (!*has_room_ && group_.rank() == 0)
    log_warning(
        "a copy of the state takes {:.0f} MB a rank, which a machine has not left: training waits "
        "for each commit. Start fewer ranks on a machine, or say train.commit=wait",
        lacking / 1e6);
  return *has_room_;
}

// The state with elements that nobody changes.
TrainState Committer::copy_of(const TrainState& state) {
  const std::int64_t elements = elements_of(state);
  const DType dtype = dtype_of_pieces(state);
  const Device device =
      state.pieces.empty() ? Device::kCpu : state.pieces.front().elements.device();
  if (!copies_ || !copies_->fits(elements, dtype, device)) copies_.emplace(elements, dtype, device);
  const std::vector<Tensor> copies = copies_->make(state.pieces);
  TrainState copy = state;
  for (std::size_t i = 0; i < copies.size(); ++i) copy.pieces[i].elements = copies[i];
  return copy;
}

void Committer::before_change() const {
  if (copies_) copies_->before_change();
}

}  // namespace muybridge
