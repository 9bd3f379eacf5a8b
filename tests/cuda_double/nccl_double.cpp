// NCCL over files in memory, between threads and processes of one machine. An operation is done by
// the thread of its stream some time after it was asked for: until then its result is NaN, and what
// it reads may still be overwritten by who does not wait. One whose
// stream does not wait for what core has issued is refused.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/dtype.h"
#include "parallel/nccl/calls.h"
#include "tests/cuda_double/device_memory.h"
#include "tests/cuda_double/stream.h"

namespace fs = std::filesystem;
using muybridge::bf16;
using muybridge::emulator::DeviceAccess;
using muybridge::emulator::Stream;
using Bytes = std::vector<std::byte>;

// The ranks' messages are files; the n-th from one rank to another has its number.
struct ncclComm {
  fs::path folder;
  int rank = 0, size = 0;
  std::atomic<ncclResult_t> error{ncclSuccess};
  std::atomic<bool> aborted{false};
  std::atomic<int> under_way{0};
  std::map<int, int> sent, received;  // by peer; after the start by the stream's thread alone

  fs::path next_to(int peer) { return folder / fmt::format("{}-{}-{}", rank, peer, sent[peer]++); }
  fs::path next_from(int peer) {
    return folder / fmt::format("{}-{}-{}", peer, rank, received[peer]++);
  }
};

namespace {

constexpr std::chrono::microseconds kBetweenLooks(50);
constexpr int kMostDelay = 500;  // microseconds until an operation begins

std::size_t size_of(ncclDataType_t type) {
  switch (type) {
    case ncclFloat64:
    case ncclInt64:
      return 8;
    case ncclFloat32:
    case ncclInt32:
      return 4;
    case ncclBfloat16:
      return 2;
    default:
      return 1;
  }
}

struct Transfer {
  bool outgoing;
  void* memory;
  std::size_t bytes;
  int peer;
};
struct Issued {
  ncclComm* communicator;
  Stream* stream;
  std::vector<Transfer> transfers;
};
thread_local int group_depth = 0;
thread_local std::vector<Issued> group_issued;

Bytes read_device(const void* from, std::size_t bytes) {
  const DeviceAccess access;
  Bytes copy(bytes);
  std::memcpy(copy.data(), from, bytes);
  return copy;
}
void write_device(void* to, const Bytes& bytes) {
  const DeviceAccess access;
  std::memcpy(to, bytes.data(), bytes.size());
}
void poison(void* memory, std::size_t bytes) {
  write_device(memory, Bytes(bytes, std::byte{0xFF}));
}

void send(ncclComm& comm, int peer, const Bytes& bytes) {
  const fs::path path = comm.next_to(peer);
  const fs::path unfinished = path.string() + ".part";
  std::ofstream(unfinished, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  fs::rename(unfinished, path);
}

// Nothing where the communicator was aborted, or another number of bytes came.
Bytes receive(ncclComm& comm, int peer, std::size_t bytes) {
  const fs::path path = comm.next_from(peer);
  while (!fs::exists(path)) {
    if (comm.aborted || comm.error != ncclSuccess) return {};
    std::this_thread::sleep_for(kBetweenLooks);
  }
  Bytes got(fs::file_size(path));
  std::ifstream(path, std::ios::binary)
      .read(reinterpret_cast<char*>(got.data()), static_cast<std::streamsize>(got.size()));
  fs::remove(path);
  if (got.size() == bytes) return got;
  comm.error = ncclInvalidUsage;
  return {};
}

// What all ranks give, in their order; nothing where that fails.
std::vector<Bytes> all_of(ncclComm& comm, const Bytes& mine) {
  for (int q = 0; q < comm.size; ++q)
    if (q != comm.rank) send(comm, q, mine);
  std::vector<Bytes> all;
  for (int q = 0; q < comm.size; ++q) {
    all.push_back(q == comm.rank ? mine : receive(comm, q, mine.size()));
    if (all.back().size() != mine.size()) return {};
  }
  return all;
}

template <class T, class A>
void reduce(const std::vector<Bytes>& all, ncclRedOp_t how, std::size_t begin, Bytes& to) {
  for (std::size_t i = 0; i < to.size() / sizeof(T); ++i) {
    A total{};
    for (std::size_t q = 0; q < all.size(); ++q) {
      T item;
      std::memcpy(&item, all[q].data() + begin + i * sizeof(T), sizeof item);
      const A value = static_cast<A>(item);
      total = q == 0 ? value : how == ncclSum ? total + value : value > total ? value : total;
    }
    const T result = static_cast<T>(total);
    std::memcpy(to.data() + i * sizeof(T), &result, sizeof result);
  }
}

// The reduction of `count` numbers from `begin` on.
Bytes reduced(const std::vector<Bytes>& all, ncclDataType_t type, ncclRedOp_t how,
              std::size_t begin, std::size_t count) {
  Bytes to(count * size_of(type));
  const std::size_t first = begin * size_of(type);
  if (type == ncclFloat32) reduce<float, float>(all, how, first, to);
  if (type == ncclFloat64) reduce<double, double>(all, how, first, to);
  if (type == ncclBfloat16) reduce<bf16, float>(all, how, first, to);
  if (type == ncclInt64) reduce<std::int64_t, std::int64_t>(all, how, first, to);
  return to;
}

void push(ncclComm& comm, Stream& stream, std::function<void()> work) {
  thread_local std::minstd_rand draw(std::random_device{}());
  const int delay = std::uniform_int_distribution<int>(0, kMostDelay)(draw);
  ++comm.under_way;
  stream.push([delay, &comm, work = std::move(work)] {
    std::this_thread::sleep_for(std::chrono::microseconds(delay));
    work();
    --comm.under_way;
  });
}

void issue(const Issued& issued) {
  for (const Transfer& each : issued.transfers)
    if (!each.outgoing) poison(each.memory, each.bytes);
  push(*issued.communicator, *issued.stream, [issued] {
    ncclComm& comm = *issued.communicator;
    for (const Transfer& each : issued.transfers)
      if (each.outgoing) send(comm, each.peer, read_device(each.memory, each.bytes));
    for (const Transfer& each : issued.transfers)
      if (!each.outgoing)
        if (const Bytes got = receive(comm, each.peer, each.bytes); got.size() == each.bytes)
          write_device(each.memory, got);
  });
}

bool may_touch(const void* memory, std::size_t bytes) {
  return muybridge::emulator::is_device_memory(memory) &&
         muybridge::emulator::is_one_block(memory, bytes);
}

ncclResult_t transfer(bool outgoing, const void* memory, std::size_t count, ncclDataType_t type,
                      int peer, ncclComm_t comm, cudaStream_t stream) {
  const std::size_t bytes = count * size_of(type);
  if (!may_touch(memory, bytes) || peer < 0 || peer >= comm->size) return ncclInvalidArgument;
  if (!Stream::of(stream).is_behind_all()) return ncclInvalidUsage;
  const Transfer one{outgoing, const_cast<void*>(memory), bytes, peer};
  Stream& of = Stream::of(stream);
  if (group_depth == 0) {
    issue({comm, &of, {one}});
    return ncclSuccess;
  }
  for (Issued& each : group_issued)
    if (each.communicator == comm && each.stream == &of) {
      each.transfers.push_back(one);
      return ncclSuccess;
    }
  group_issued.push_back({comm, &of, {one}});
  return ncclSuccess;
}

// f(what all ranks give) is what this rank gets.
template <class F>
ncclResult_t collective(const void* from, std::size_t bytes, void* to, std::size_t result_bytes,
                        ncclComm_t comm, cudaStream_t stream, const F& f) {
  if (!may_touch(from, bytes) || !may_touch(to, result_bytes)) return ncclInvalidArgument;
  if (!Stream::of(stream).is_behind_all()) return ncclInvalidUsage;
  const auto* const begin = static_cast<const std::byte*>(from);
  auto* const result = static_cast<std::byte*>(to);
  if (begin + bytes <= result || result + result_bytes <= begin) poison(to, result_bytes);
  push(*comm, Stream::of(stream), [=] {
    const std::vector<Bytes> all = all_of(*comm, read_device(from, bytes));
    if (!all.empty()) write_device(to, f(all));
  });
  return ncclSuccess;
}

}  // namespace

extern "C" {

ncclResult_t ncclGetVersion(int* version) {
  *version = NCCL_VERSION_CODE;
  return ncclSuccess;
}
const char* ncclGetErrorString(ncclResult_t result) {
  return result == ncclInvalidUsage ? "invalid usage" : "an error";
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  std::random_device random;
  const std::string name = fmt::format("/dev/shm/muybridge-nccl-{:08x}{:08x}", random(), random());
  fs::create_directory(name);
  std::memset(id->internal, 0, sizeof id->internal);
  std::strcpy(id->internal, name.c_str());
  return ncclSuccess;
}

ncclResult_t ncclCommInitRank(ncclComm_t* comm, int size, ncclUniqueId id, int rank) {
  *comm = new ncclComm{.folder = id.internal, .rank = rank, .size = size};
  return all_of(**comm, Bytes(1)).empty() ? ncclInvalidUsage : ncclSuccess;
}
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  if (comm->under_way > 0) {
    std::fputs("a communicator was destroyed while something was under way\n", stderr);
    std::abort();
  }
  std::error_code still_in_use;
  fs::remove(comm->folder, still_in_use);
  delete comm;
  return ncclSuccess;
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  comm->aborted = true;  // its stream's thread may be in it: never freed
  std::error_code ignored;
  fs::remove_all(comm->folder, ignored);
  return ncclSuccess;
}
ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* error) {
  *error = comm->error;
  return ncclSuccess;
}

ncclResult_t ncclAllReduce(const void* from, void* to, std::size_t count, ncclDataType_t type,
                           ncclRedOp_t how, ncclComm_t comm, cudaStream_t stream) {
  const std::size_t bytes = count * size_of(type);
  return collective(from, bytes, to, bytes, comm, stream,
                    [=](const auto& all) { return reduced(all, type, how, 0, count); });
}
ncclResult_t ncclBroadcast(const void* from, void* to, std::size_t count, ncclDataType_t type,
                           int root, ncclComm_t comm, cudaStream_t stream) {
  const std::size_t bytes = count * size_of(type);
  return collective(from, bytes, to, bytes, comm, stream,
                    [=](const auto& all) { return all[static_cast<std::size_t>(root)]; });
}
ncclResult_t ncclAllGather(const void* from, void* to, std::size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t stream) {
  const std::size_t bytes = count * size_of(type);
  return collective(from, bytes, to, bytes * static_cast<std::size_t>(comm->size), comm, stream,
                    [](const auto& all) {
                      Bytes joined;
                      for (const Bytes& part : all)
                        joined.insert(joined.end(), part.begin(), part.end());
                      return joined;
                    });
}
ncclResult_t ncclReduceScatter(const void* from, void* to, std::size_t count, ncclDataType_t type,
                               ncclRedOp_t how, ncclComm_t comm, cudaStream_t stream) {
  const std::size_t bytes = count * size_of(type);
  const std::size_t begin = count * static_cast<std::size_t>(comm->rank);
  return collective(from, bytes * static_cast<std::size_t>(comm->size), to, bytes, comm, stream,
                    [=](const auto& all) { return reduced(all, type, how, begin, count); });
}

ncclResult_t ncclSend(const void* from, std::size_t count, ncclDataType_t type, int peer,
                      ncclComm_t comm, cudaStream_t stream) {
  return transfer(/*outgoing=*/true, from, count, type, peer, comm, stream);
}
ncclResult_t ncclRecv(void* to, std::size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  return transfer(/*outgoing=*/false, to, count, type, peer, comm, stream);
}
ncclResult_t ncclGroupStart() {
  ++group_depth;
  return ncclSuccess;
}
ncclResult_t ncclGroupEnd() {
  if (--group_depth > 0) return ncclSuccess;
  for (const Issued& each : group_issued) issue(each);
  group_issued.clear();
  return ncclSuccess;
}

}  // extern "C"

namespace muybridge::nccl {

const Calls& calls() {
#define MUY_TAKE(name) .name = &::name,
  static constexpr Calls kCalls{MUY_NCCL_CALLS(MUY_TAKE)};
#undef MUY_TAKE
  return kCalls;
}

}  // namespace muybridge::nccl
