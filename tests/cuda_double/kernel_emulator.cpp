#include "tests/cuda_double/kernel_emulator.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <array>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tests/cuda_double/device_memory.h"

// void muybridge_switch_stack(void** left, void* entered): saves what a call must keep (System V
// ABI) on this stack and its pointer to *left, and returns on the other one.
asm(R"(
.text
.globl muybridge_switch_stack
.type muybridge_switch_stack, @function
muybridge_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size muybridge_switch_stack, .-muybridge_switch_stack
)");
extern "C" void muybridge_switch_stack(void** left, void* entered);

namespace muybridge::emulator {
namespace {

constexpr unsigned kMostThreads = 1024;
constexpr std::size_t kMostShared = 48 << 10;  // without opting in
constexpr std::size_t kStackBytes = 64 << 10;
constexpr unsigned kKeptRegisters = 6;

Order order_of_environment() {
  const char* const name = std::getenv("MUYBRIDGE_EMULATED_ORDER");
  return name && std::string_view(name) == "reverse" ? Order::kReverse : Order::kForward;
}

Order order_of_all = order_of_environment();

enum class State { kReady, kAtBarrier, kInExchange, kDone };

struct Fiber {
  State state = State::kDone;
  void* stack_pointer = nullptr;
  unsigned exchanges = 0;
};

// Values handed over within a warp. Two sets: who is quick begins the next exchange while others
// still read this one.
using Slots = std::array<std::array<std::array<std::byte, 8>, kWarpLanes>, 2>;

// The stacks and the shared memory of a block, used for one block after the other.
class Block {
 public:
  Block() {
    void* const stacks = mmap(nullptr, kMostThreads * kStackBytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stacks == MAP_FAILED) throw std::bad_alloc();
    stacks_ = static_cast<std::byte*>(stacks);
  }
  ~Block() { munmap(stacks_, kMostThreads * kStackBytes); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  void run(const Grid& grid, uint3 block, const std::function<void()>& thread) {
    grid_ = &grid;
    refused_ = nullptr;
    thread_ = &thread;
    place_.block = block;
    place_.blocks = grid.blocks;
    place_.threads = dim3(grid.threads);
    // As a device leaves it: with whatever was there.
    shared_.assign(grid.shared_bytes / sizeof(double) + 1, -1e300);
    fibers_.assign(grid.threads, {});
    for (unsigned i = 0; i < grid.threads; ++i) prepare(i);
    while (!is_over()) {
    }
  }

  const Place& place() const { return place_; }
  void* shared() { return shared_.data(); }

  void wait(State state) {
    fiber().state = state;
    muybridge_switch_stack(&fiber().stack_pointer, scheduler_);
  }

  void exchange(void* value, std::size_t bytes, unsigned step) {
    const unsigned lane = running_ % kWarpLanes;
    auto& slots = slots_[running_ / kWarpLanes][fiber().exchanges++ % 2];
    std::memcpy(slots[lane].data(), value, bytes);
    wait(State::kInExchange);
    std::memcpy(value, slots[(lane ^ step) % kWarpLanes].data(), bytes);
  }

  [[noreturn]] void refuse(const char* what) {
    refused_ = what;
    wait(State::kDone);
    std::abort();  // nobody enters it again
  }

  // Where a fiber begins.
  [[noreturn]] void run_thread() {
    (*thread_)();
    wait(State::kDone);
    std::abort();  // nobody enters it again
  }

 private:
  Fiber& fiber() { return fibers_[running_]; }

  // A stack that muybridge_switch_stack returns from to `begin`, as if that had been called.
  void prepare(unsigned thread) {
    auto* const top = reinterpret_cast<void**>(stacks_ + (thread + 1) * kStackBytes);
    top[-1] = nullptr;
    top[-2] = reinterpret_cast<void*>(&begin);
    for (unsigned i = 0; i < kKeptRegisters; ++i) top[-3 - static_cast<int>(i)] = nullptr;
    fibers_[thread].stack_pointer = top - 2 - kKeptRegisters;
    fibers_[thread].state = State::kReady;
  }
  static void begin();

  void enter(unsigned thread) {
    running_ = thread;
    place_.thread = {thread, 0, 0};
    muybridge_switch_stack(&scheduler_, fibers_[thread].stack_pointer);
  }

  bool all_are(State state, unsigned begin, unsigned end) const {
    for (unsigned i = begin; i < end; ++i)
      if (fibers_[i].state != state) return false;
    return true;
  }
  void make_ready(unsigned begin, unsigned end) {
    for (unsigned i = begin; i < end; ++i) fibers_[i].state = State::kReady;
  }

  // Runs every thread until it is done or stands at a barrier of the block.
  bool is_over() {
    const auto threads = static_cast<unsigned>(fibers_.size());
    const unsigned warps = threads / kWarpLanes;
    for (unsigned i = 0; i < warps; ++i) run_warp(in_order(i, warps) * kWarpLanes);
    if (refused_)
      throw std::logic_error(fmt::format("{}: {} is not emulated", grid_->name, refused_));
    if (all_are(State::kDone, 0, threads)) return true;
    if (!all_are(State::kAtBarrier, 0, threads)) fail_parted();
    make_ready(0, threads);
    return false;
  }

  void run_warp(unsigned first) {
    const unsigned end = first + kWarpLanes;
    do {
      for (unsigned i = 0; i < kWarpLanes; ++i) {
        const unsigned thread = first + in_order(i, kWarpLanes);
        if (fibers_[thread].state == State::kReady) enter(thread);
      }
      if (!all_are(State::kInExchange, first, end)) return;
      make_ready(first, end);
    } while (true);
  }

  static unsigned in_order(unsigned i, unsigned count) {
    return order_of_all == Order::kForward ? i : count - 1 - i;
  }

  [[noreturn]] void fail_parted() const {
    std::array<unsigned, 4> counts{};
    for (const Fiber& each : fibers_) ++counts[static_cast<std::size_t>(each.state)];
    throw std::logic_error(fmt::format(
        "{}, block {} {} {}: {} threads wait at a barrier, {} in an exchange of their warp, and {} "
        "have ended",
        grid_->name, place_.block.x, place_.block.y, place_.block.z, counts[1], counts[2],
        counts[3]));
  }

  std::byte* stacks_ = nullptr;
  const Grid* grid_ = nullptr;
  const char* refused_ = nullptr;
  const std::function<void()>* thread_ = nullptr;
  Place place_{};
  std::vector<double> shared_;
  std::vector<Fiber> fibers_;
  std::array<Slots, kMostThreads / kWarpLanes> slots_{};
  unsigned running_ = 0;
  void* scheduler_ = nullptr;
};

// One a thread of the system, since `__shared__` is too.
Block& block() {
  thread_local Block of_thread;
  return of_thread;
}

void Block::begin() { block().run_thread(); }

void require_valid(const Grid& grid) {
  const auto refuse = [&](const std::string& what) {
    throw std::logic_error(fmt::format("{}: a device refuses {}", grid.name, what));
  };
  const auto [x, y, z] = std::tuple(grid.blocks.x, grid.blocks.y, grid.blocks.z);
  if (x == 0 || y == 0 || z == 0 || x > 0x7FFFFFFFU || y > 65535 || z > 65535)
    refuse(fmt::format("{} x {} x {} blocks", x, y, z));
  if (grid.threads == 0 || grid.threads > kMostThreads || grid.threads % kWarpLanes != 0)
    refuse(fmt::format("blocks of {} threads", grid.threads));
  if (grid.shared_bytes > kMostShared)
    refuse(fmt::format("{} bytes of shared memory that were not opted in", grid.shared_bytes));
}

}  // namespace

void set_order(Order order) { order_of_all = order; }

void run(const Grid& grid, cudaStream_t /*stream*/, const std::function<void()>& thread) {
  require_valid(grid);
  const DeviceAccess access;
  const std::uint64_t count = std::uint64_t{grid.blocks.x} * grid.blocks.y * grid.blocks.z;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t number = order_of_all == Order::kForward ? i : count - 1 - i;
    block().run(grid,
                {static_cast<unsigned>(number % grid.blocks.x),
                 static_cast<unsigned>(number / grid.blocks.x % grid.blocks.y),
                 static_cast<unsigned>(number / grid.blocks.x / grid.blocks.y)},
                thread);
  }
}

const Place& place() { return block().place(); }
void barrier() { block().wait(State::kAtBarrier); }
void refuse(const char* what) { block().refuse(what); }
void* dynamic_shared() { return block().shared(); }
void exchange(void* value, std::size_t bytes, unsigned step) {
  block().exchange(value, bytes, step);
}

}  // namespace muybridge::emulator
