#include "parallel/world.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <set>
#include <sstream>
#include <vector>

#include "core/log.h"
#include "core/system/host_name.h"
#include "parallel/cores.h"
#include "parallel/host/group_stream.h"
#include "parallel/host/transport_mpi.h"
#include "parallel/nccl_groups.h"
#include "parallel/values.h"

namespace muybridge {
namespace {

int integer_from_environment(const char* name) {
  const char* text = std::getenv(name);
  return text ? std::atoi(text) : 0;
}

// "host 0 1 2": what a rank tells the others about where it runs.
std::string describe_place(const std::string& host, const std::vector<int>& cores) {
  return fmt::format("{} {}", host, fmt::join(cores, " "));
}

}  // namespace

bool started_by_launcher() {
  for (const char* size : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"})
    if (std::getenv(size)) return integer_from_environment(size) > 1;
  if (std::getenv("PMIX_RANK")) {
    const char* tasks = std::getenv("SLURM_NTASKS");
    return !tasks || std::atoi(tasks) > 1;
  }
  return false;
}

World::World(const WorldOptions& options)
    : host_(host_name()), exceptions_at_start_(std::uncaught_exceptions()) {
  if (started_by_launcher()) {
    stream_ =
        Stream::start(make_mpi_transport, options.time_limit_seconds, options.liveness_seconds);
    activity_ = stream_->activity();
    nccl_ = make_nccl_groups(
        {.time_limit_seconds = options.time_limit_seconds, .lost = [this](const std::string& what) {
           log_error("{}", what);
           abort(ExitCode::kRankLost);
         }});
    group_ = nccl_->over(StreamGroup::world(stream_));
  } else {
    activity_ = std::make_shared<Activity>();
    group_ = solo_group("world");
  }
  find_neighbours();
}

World::~World() {
  if (!stream_) return;
  bool orderly = std::uncaught_exceptions() == exceptions_at_start_ && !stream_->failed();
  try {
    if (orderly) group_->barrier().wait();
  } catch (const std::exception& error) {
    log_error("at the end of the job: {}", error.what());
    orderly = false;
  }
  stream_->close(orderly);
}

void World::use_nccl() {
  if (nccl_ && size() > 1) nccl_->use();
}

void World::abort(ExitCode code) {
  std::fflush(nullptr);
  if (stream_) stream_->abort(static_cast<int>(code));
  std::_Exit(static_cast<int>(code));  // a launcher that saw no MPI_Finalize ends the other ranks
}

void World::find_neighbours() {
  const std::vector<std::string> places =
      all_gather_text(*group_, describe_place(host_, cores_of_process()));
  std::set<std::string> hosts;
  std::vector<std::vector<int>> cores;  // of the ranks of this machine
  local_size_ = 0;
  for (int q = 0; q < size(); ++q) {
    std::istringstream words(places[static_cast<std::size_t>(q)]);
    std::string host;
    words >> host;
    hosts.insert(host);
    host_of_rank_.push_back(host);
    if (host != host_) continue;
    if (q == rank()) local_rank_ = local_size_;
    ++local_size_;
    std::vector<int>& of_rank = cores.emplace_back();
    for (int core = 0; words >> core;) of_rank.push_back(core);
  }
  hosts_ = static_cast<int>(hosts.size());
  if (stream_) stream_->name_hosts(host_of_rank_);
  const int wanted = integer_from_environment("OMP_NUM_THREADS");
  threads_ = wanted > 0 ? wanted : threads_for_rank(cores, local_rank_, cores_granted());
}

}  // namespace muybridge
