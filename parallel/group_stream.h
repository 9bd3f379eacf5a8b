#pragma once

#include <memory>

#include "parallel/stream.h"

namespace muybridge {

// A group whose operations are plans that the rank's stream carries out: over MPI between
// processes, over shared memory between threads of a test. CPU tensors.
//
// Sums are taken in the order of ranks, in f32 for bf16 (rounded once). NaN is larger than any
// number.
class StreamGroup final : public Group {
 public:
  StreamGroup(std::shared_ptr<Stream> stream, GroupMembers members);

  // All ranks of the stream's job.
  static std::shared_ptr<Group> world(std::shared_ptr<Stream> stream);

 protected:
  Work do_all_reduce(const Tensor& x, Reduce how) override;
  Work do_broadcast(const Tensor& x, int root) override;
  Work do_all_gather(const Tensor& mine, const Tensor& all) override;
  Work do_reduce_scatter(const Tensor& all, const Tensor& mine, Reduce how) override;
  Work do_all_to_all(const Tensor& from, const Tensor& to) override;
  Work do_exchange(const std::vector<Parcel>& sends, const std::vector<Parcel>& receives) override;
  Work do_barrier() override;
  std::shared_ptr<Group> do_split(int color, int key, const std::string& name) override;

 private:
  Work collective(const char* what, const Tensor& x, Plan plan);

  std::shared_ptr<Stream> stream_;
  std::shared_ptr<const GroupMembers> members_;
};

}  // namespace muybridge
