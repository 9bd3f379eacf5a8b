#include "parallel/nccl_groups.h"

#include <atomic>
#include <utility>

#include "core/cuda/runtime.h"
#include "core/error.h"
#include "parallel/nccl/check.h"
#include "parallel/nccl/communicator.h"

namespace muybridge {
namespace {

using nccl::Communicator;
using nccl::Watch;

ncclDataType_t type_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return ncclFloat32;
    case DType::kBF16:
      return ncclBfloat16;
    case DType::kF64:
      return ncclFloat64;
    case DType::kI32:
      return ncclInt32;
    case DType::kI64:
      return ncclInt64;
    case DType::kU8:
      return ncclUint8;
    case DType::kF8E4M3:
    case DType::kF8E5M2:
      break;  // nobody sends them
  }
  throw std::invalid_argument("NCCL: an element type that it does not know");
}

ncclRedOp_t operation_of(Reduce how) { return how == Reduce::kSum ? ncclSum : ncclMax; }

std::size_t count_of(const Tensor& x) { return static_cast<std::size_t>(x.numel()); }

// What the groups of a process share.
struct Job {
  explicit Job(NcclOptions chosen) : options(std::move(chosen)) {}

  void use() {
    nccl::calls();
    watch = std::make_shared<Watch>(options.time_limit_seconds, options.lost);
    used = true;
  }

  const NcclOptions options;
  std::atomic<bool> used = false;
  std::shared_ptr<Watch> watch;
};

class NcclGroup final : public Group {
 public:
  NcclGroup(std::shared_ptr<Group> host, std::shared_ptr<const Job> job)
      : Group(host->name(), host->rank(), host->size()),
        host_(std::move(host)),
        job_(std::move(job)) {}

  int job_rank(int rank) const override { return host_->job_rank(rank); }

  // With a first operation each: NCCL connects ranks only then, and lets the host wait for it.
  void prepare(Device device) override {
    if (!job_->used || device != Device::kCuda || collectives_) return;
    collectives_ = std::make_unique<Communicator>(*host_, job_->watch);
    all_reduce(Tensor::zeros({1}, DType::kF32, Device::kCuda)).wait();
    cuda::synchronize();
  }
  void expect_messages(Device device) override {
    if (!job_->used || device != Device::kCuda || messages_) return;
    messages_ = std::make_unique<Communicator>(*host_, job_->watch);
    std::vector<Parcel> sends, receives;
    for (int q = 0; q < size(); ++q) {
      if (q == rank()) continue;
      sends.push_back({q, Tensor::zeros({1}, DType::kF32, Device::kCuda)});
      receives.push_back({q, Tensor::zeros({1}, DType::kF32, Device::kCuda)});
    }
    exchange(sends, receives).wait();
    cuda::synchronize();
  }

 protected:
  Work do_all_reduce(const Tensor& x, Reduce how) override {
    if (!goes(x)) return host_->all_reduce(x, how);
    return collectives().run("all_reduce", {x}, [&](ncclComm_t comm, cudaStream_t stream) {
      CHECK_NCCL(ncclAllReduce, x.raw(), x.raw(), count_of(x), type_of(x.dtype()),
                 operation_of(how), comm, stream);
    });
  }

  Work do_broadcast(const Tensor& x, int root) override {
    if (!goes(x)) return host_->broadcast(x, root);
    return collectives().run("broadcast", {x}, [&](ncclComm_t comm, cudaStream_t stream) {
      CHECK_NCCL(ncclBroadcast, x.raw(), x.raw(), count_of(x), type_of(x.dtype()), root, comm,
                 stream);
    });
  }

  Work do_all_gather(const Tensor& mine, const Tensor& all) override {
    if (!goes(all)) return host_->all_gather(mine, all);
    return collectives().run("all_gather", {mine, all}, [&](ncclComm_t comm, cudaStream_t stream) {
      CHECK_NCCL(ncclAllGather, mine.raw(), all.raw(), count_of(mine), type_of(mine.dtype()), comm,
                 stream);
    });
  }

  Work do_reduce_scatter(const Tensor& all, const Tensor& mine, Reduce how) override {
    if (!goes(all)) return host_->reduce_scatter(all, mine, how);
    return collectives().run("reduce_scatter", {all, mine},
                             [&](ncclComm_t comm, cudaStream_t stream) {
                               CHECK_NCCL(ncclReduceScatter, all.raw(), mine.raw(), count_of(mine),
                                          type_of(mine.dtype()), operation_of(how), comm, stream);
                             });
  }

  Work do_all_to_all(const Tensor& from, const Tensor& to) override {
    if (!goes(from)) return host_->all_to_all(from, to);
    return collectives().run("all_to_all", {from, to}, [&](ncclComm_t comm, cudaStream_t stream) {
      const std::size_t bytes = from.bytes() / static_cast<std::size_t>(size());
      nccl::CallGroup calls;
      for (int q = 0; q < size(); ++q) {
        const std::size_t part = static_cast<std::size_t>(q) * bytes;
        CHECK_NCCL(ncclSend, static_cast<const std::byte*>(from.raw()) + part, bytes, ncclUint8, q,
                   comm, stream);
        CHECK_NCCL(ncclRecv, static_cast<std::byte*>(to.raw()) + part, bytes, ncclUint8, q, comm,
                   stream);
      }
      calls.end();
    });
  }

  Messages do_exchange(const std::vector<Parcel>& sends,
                       const std::vector<Parcel>& receives) override {
    const Tensor& first = sends.empty() ? receives.front().tensor : sends.front().tensor;
    if (!goes(first)) return host_->exchange(sends, receives);
    Communicator& messages = made(messages_, "expect_messages");
    std::vector<Tensor> tensors;
    for (const auto* parcels : {&sends, &receives})
      for (const Parcel& parcel : *parcels) tensors.push_back(parcel.tensor);
    const Work both =
        messages.run("exchange", std::move(tensors), [&](ncclComm_t comm, cudaStream_t stream) {
          nccl::CallGroup calls;
          for (const auto& [peer, tensor] : sends)
            CHECK_NCCL(ncclSend, tensor.raw(), tensor.bytes(), ncclUint8, peer, comm, stream);
          for (const auto& [peer, tensor] : receives)
            CHECK_NCCL(ncclRecv, tensor.raw(), tensor.bytes(), ncclUint8, peer, comm, stream);
          calls.end();
        });
    return {.received = both, .sent = both};
  }

  Work do_barrier() override { return host_->barrier(); }

  std::shared_ptr<Group> do_split(int color, int key, const std::string& name) override {
    std::shared_ptr<Group> part = host_->split(color, key, name);
    if (!part || part->size() == 1) return part;
    return std::make_shared<NcclGroup>(std::move(part), job_);
  }

 private:
  bool goes(const Tensor& x) const { return job_->used && x.device() == Device::kCuda; }

  Communicator& collectives() const { return made(collectives_, "prepare"); }
  Communicator& made(const std::unique_ptr<Communicator>& communicator, const char* by) const {
    if (!communicator)
      throw std::logic_error(
          fmt::format("group '{}': {} was not called before a device's tensors", name(), by));
    return *communicator;
  }

  const std::shared_ptr<Group> host_;
  const std::shared_ptr<const Job> job_;
  // Messages have one of their own: they do not wait for collectives.
  std::unique_ptr<Communicator> collectives_, messages_;
};

class Groups final : public NcclGroups {
 public:
  explicit Groups(NcclOptions options) : job_(std::make_shared<Job>(std::move(options))) {}

  void use() override { job_->use(); }
  std::shared_ptr<Group> over(std::shared_ptr<Group> host) override {
    if (host->size() == 1) return host;
    return std::make_shared<NcclGroup>(std::move(host), job_);
  }

 private:
  const std::shared_ptr<Job> job_;
};

}  // namespace

std::unique_ptr<NcclGroups> make_nccl_groups(const NcclOptions& options) {
  return std::make_unique<Groups>(options);
}

std::string nccl_summary() {
  try {
    int version = 0;
    CHECK_NCCL(ncclGetVersion, &version);
    return fmt::format("NCCL {}.{}.{}", version / 10000, version / 100 % 100, version % 100);
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace muybridge
