#pragma once

#include <memory>
#include <optional>

#include "parallel/host/plan_levels.h"
#include "parallel/host/stream.h"

namespace muybridge {

// A group whose operations are plans that the rank's stream carries out: over MPI between
// processes, through memory between threads of a test. Ranks of one machine meet in memory that
// they share, as far as there is some. Tensors of a device go through host memory (staged.h).
//
// Sums are taken in the order of ranks, in f32 for bf16 (rounded once); large ones of f32, f64 and
// i64 over machines with the same number of ranks first inside each machine, then over machines.
// NaN is larger than any number.
class StreamGroup final : public Group {
 public:
  StreamGroup(std::shared_ptr<Stream> stream, GroupMembers members);

  // From this size on tensors go over machines in levels, smaller ones as if all ranks were alike.
  static constexpr std::size_t kLevelsFrom = 64 << 10;

  // All ranks of the stream's job.
  static std::shared_ptr<Group> world(std::shared_ptr<Stream> stream);

  int job_rank(int rank) const override;

 protected:
  Work do_all_reduce(const Tensor& x, Reduce how) override;
  Work do_broadcast(const Tensor& x, int root) override;
  Work do_all_gather(const Tensor& mine, const Tensor& all) override;
  Work do_reduce_scatter(const Tensor& all, const Tensor& mine, Reduce how) override;
  Work do_all_to_all(const Tensor& from, const Tensor& to) override;
  Messages do_exchange(const std::vector<Parcel>& sends,
                       const std::vector<Parcel>& receives) override;
  Work do_barrier() override;
  std::shared_ptr<Group> do_split(int color, int key, const std::string& name) override;

 private:
  void find_neighbours();
  Work collective(const char* what, std::size_t bytes, Plan plan);
  Work messages(const char* what, bool outgoing, const std::vector<Parcel>& parcels);

  std::shared_ptr<Stream> stream_;
  std::shared_ptr<const GroupMembers> members_;
  SharedWindow window_;           // when all ranks of the group share a machine
  std::optional<Levels> levels_;  // when they lie alike on several
};

}  // namespace muybridge
