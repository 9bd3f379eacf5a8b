#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "parallel/activity.h"
#include "parallel/group.h"

namespace muybridge {

class NcclGroups;
class Stream;

// For commands whose ranks may work apart for hours before they meet: a rank that dies or is
// stopped is found all the same.
inline constexpr double kNoTimeLimit = 1e9;  // seconds

struct WorldOptions {
  double time_limit_seconds = 600;  // of an operation of which nothing moves: see Stream
  double liveness_seconds = 60;     // of a rank that gives no sign of life: the same
};

// Whether mpirun, srun or another launcher of MPI started this process as one of several.
bool started_by_launcher();

// This process's place in the job. Under a launcher it owns MPI, which it initialises here and
// finalises on destruction; alone it is rank 0 of 1 and MPI is not touched. One at a time per
// process, and one that uses MPI per process for good.
//
// Destroyed because of an exception, or after a rank was lost, it leaves MPI as it is: when the
// process then returns a code other than 0, the launcher stops all other ranks and returns it, too.
class World {
 public:
  explicit World(const WorldOptions& options = {});
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  int rank() const { return group_->rank(); }
  int size() const { return group_->size(); }
  const std::shared_ptr<Group>& group() const { return group_; }

  const std::string& host() const { return host_; }
  const std::vector<std::string>& host_of_rank() const { return host_of_rank_; }
  int hosts() const { return hosts_; }            // machines in the job
  int local_rank() const { return local_rank_; }  // among the ranks of this machine
  int local_size() const { return local_size_; }
  // How many threads this rank shall compute with: its share of the machine's cores, or what
  // OMP_NUM_THREADS says.
  int threads() const { return threads_; }

  // From now on tensors on this rank's device go to the other ranks over NCCL, in group() and in
  // all that is split from it. For all ranks, each with a device of its own, once it was chosen.
  // Throws Error(kUsage) where there is no NCCL.
  void use_nccl();

  // What this rank is at, for the others to know.
  Activity& activity() const { return *activity_; }

  // Ends all ranks of the job at once; the launcher returns `code`.
  [[noreturn]] void abort(ExitCode code);

 private:
  void find_neighbours();

  std::shared_ptr<Stream> stream_;  // null when alone
  std::shared_ptr<Activity> activity_;
  std::unique_ptr<NcclGroups> nccl_;  // null when alone
  std::shared_ptr<Group> group_;
  std::string host_;
  std::vector<std::string> host_of_rank_;
  int hosts_ = 1;
  int local_rank_ = 0;
  int local_size_ = 1;
  int threads_ = 1;
  int exceptions_at_start_ = 0;
};

}  // namespace muybridge
