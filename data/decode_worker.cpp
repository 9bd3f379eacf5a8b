#include "data/decode_worker.h"

#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "data/decode_protocol.h"

namespace muybridge {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kFirstFreeDescriptor = 16;  // ours stay clear of those the child gets

// A descriptor the child's fixed numbers cannot collide with; closes the old one.
FileHandle moved_up(int descriptor, const char* what) {
  if (descriptor < 0) fail_errno(what, errno);
  const FileHandle old(descriptor);
  FileHandle result(::fcntl(descriptor, F_DUPFD_CLOEXEC, kFirstFreeDescriptor));
  if (!result) fail_errno(what, errno);
  return result;
}

// Shared memory of a fixed size: a child that shrank it could crash its parent.
FileHandle make_ring(std::size_t bytes) {
  FileHandle ring =
      moved_up(::memfd_create("muybridge-frames", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create");
  if (::ftruncate(ring.get(), static_cast<off_t>(bytes)) != 0) fail_errno("ftruncate", errno);
  if (::fcntl(ring.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    fail_errno("fcntl(F_ADD_SEALS)", errno);
  }
  return ring;
}

class Mapping {
 public:
  Mapping() = default;
  Mapping(int descriptor, std::size_t bytes)
      : data_(::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor, 0)), bytes_(bytes) {
    if (data_ == MAP_FAILED) fail_errno("mmap", errno);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Mapping() {
    if (bytes_ > 0) ::munmap(data_, bytes_);
  }
  const std::uint8_t* data() const { return static_cast<const std::uint8_t*>(data_); }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

pid_t spawn_child(int socket, int ring) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int stream : {0, 1, 2}) {
    posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0);
  }
  posix_spawn_file_actions_adddup2(&actions, socket, kDecodeSocket);
  posix_spawn_file_actions_adddup2(&actions, ring, kDecodeRing);
  posix_spawn_file_actions_addclosefrom_np(&actions, kDecodeRing + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);

  std::string program = "muybridge";
  std::string command = kDecodeCommand;
  std::string variable = std::string(kDecodeVariable) + "=1";
  char* const arguments[] = {program.data(), command.data(), nullptr};
  std::vector<char*> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
  environment.push_back(variable.data());
  environment.push_back(nullptr);

  pid_t child = 0;
  const int error =
      ::posix_spawn(&child, "/proc/self/exe", &actions, &attributes, arguments, environment.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) fail_errno("starting a decoder process", error);
  return child;
}

std::string describe_end(int status) {
  if (!WIFSIGNALED(status)) {
    return fmt::format("the decoder ended with status {}", WEXITSTATUS(status));
  }
  const int signal = WTERMSIG(status);
  if (signal == SIGXCPU) return "the decoder used up its CPU time";
  return fmt::format("the decoder crashed: {}", ::strsignal(signal));
}

bool plausible(const DecodeReply& reply, std::size_t slot_bytes) {
  constexpr int kMaxSide = 1 << 16;
  if (reply.width < 1 || reply.height < 1 || reply.width > kMaxSide || reply.height > kMaxSide) {
    return false;
  }
  const std::size_t bytes =
      std::size_t{3} * static_cast<unsigned>(reply.width) * static_cast<unsigned>(reply.height);
  return bytes <= slot_bytes && std::isfinite(reply.fps) && reply.fps > 0 && reply.fps < 1e5 &&
         reply.expected >= 0 && std::isfinite(reply.source_fps) &&
         std::isfinite(reply.source_seconds);
}

DecodedStream stream_of(const DecodeReply& reply) {
  DecodedStream stream;
  stream.width = reply.width;
  stream.height = reply.height;
  stream.fps = reply.fps;
  stream.expected_frames = reply.expected;
  stream.source.width = reply.source_width;
  stream.source.height = reply.source_height;
  stream.source.fps = reply.source_fps;
  stream.source.seconds = reply.source_seconds;
  stream.source.image = reply.image != 0;
  return stream;
}

// The child's words, made fit for a report.
std::string printable(const char* text, std::size_t capacity) {
  std::string result(text, ::strnlen(text, capacity));
  for (char& letter : result) {
    if (static_cast<unsigned char>(letter) < 0x20 || static_cast<unsigned char>(letter) > 0x7E) {
      letter = '?';
    }
  }
  return result;
}

}  // namespace

struct DecodeWorker::State {
  State(const DecodeLimits& decode_limits, const std::atomic<bool>* stop_flag)
      : limits(decode_limits), stop(stop_flag) {
    constexpr std::size_t kPage = 4096;
    slot_bytes = (limits.frame_bytes + VideoReader::kSlack + kPage - 1) / kPage * kPage;
  }
  ~State() { end_child(); }

  void start() {
    if (child != 0) return;
    if (std::getenv(kDecodeVariable) != nullptr) {
      fail(ExitCode::kInternal, "a decoder process cannot start decoders; main() must serve {}",
           kDecodeCommand);
    }
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
      fail_errno("socketpair", errno);
    }
    socket = moved_up(pair[0], "socketpair");
    const FileHandle other = moved_up(pair[1], "socketpair");
    const std::size_t bytes = slot_bytes * kRingSlots;
    const FileHandle ring = make_ring(bytes);
    mapping = Mapping(ring.get(), bytes);
    child = spawn_child(other.get(), ring.get());
  }

  // Says how the child ended.
  std::string end_child() {
    socket.reset();
    if (child == 0) return {};
    ::kill(child, SIGKILL);
    return reap();
  }

  std::string reap() {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    child = 0;
    socket.reset();
    return describe_end(status);
  }

  DecodeOrder order_of(const ReadOptions& options, bool probe_only) {
    DecodeOrder order;
    order.order = ++orders;
    order.slot_bytes = slot_bytes;
    order.cpu_seconds = static_cast<std::uint64_t>(std::ceil(limits.total_seconds));
    order.memory_bytes = limits.memory_bytes + slot_bytes * kRingSlots;
    order.probe_only = probe_only ? 1 : 0;
    order.resize = static_cast<std::int32_t>(options.size.resize);
    order.width = options.size.width;
    order.height = options.size.height;
    order.multiple = options.size.multiple;
    order.has_crop = options.size.crop ? 1 : 0;
    order.crop = options.size.crop.value_or(CropBox{});
    order.fps = options.fps;
    order.first = options.first;
    order.count = options.count;
    order.cut_first = options.cut_first;
    order.cut_end = options.cut_end;
    order.max_pixels = options.max_pixels;
    return order;
  }

  bool send_order(const DecodeOrder& order, int file) const {
    iovec part{const_cast<DecodeOrder*>(&order), sizeof(order)};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &file, sizeof(file));
    return ::sendmsg(socket.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(order);
  }

  // Waits for a reply. Returns why there is none; the child is then gone.
  std::string receive(DecodeReply& reply, Clock::time_point deadline) {
    const auto stall = std::chrono::duration<double>(limits.stall_seconds);
    const auto until =
        std::min(deadline, Clock::now() + std::chrono::duration_cast<Clock::duration>(stall));
    for (;;) {
      const ssize_t got = ::recv(socket.get(), &reply, sizeof(reply), MSG_DONTWAIT | MSG_TRUNC);
      if (got == sizeof(reply)) return {};
      if (got == 0 || (got < 0 && errno == ECONNRESET)) return reap();
      if (got > 0 || (errno != EAGAIN && errno != EINTR)) {
        end_child();
        return "the decoder sent nonsense";
      }
      if (stop != nullptr && stop->load(std::memory_order_relaxed)) {
        end_child();
        return "stopped";
      }
      if (Clock::now() >= until) {
        end_child();
        return until == deadline
                   ? fmt::format("decoding took longer than {:g} s", limits.total_seconds)
                   : fmt::format("the decoder hung for {:g} s", limits.stall_seconds);
      }
      pollfd waiting{socket.get(), POLLIN, 0};
      ::poll(&waiting, 1, 100);
    }
  }

  DecodeOutcome run(const FileHandle& file, const ReadOptions& options, bool probe_only,
                    const OnFrame& on_frame) {
    start();
    const DecodeOrder order = order_of(options, probe_only);
    const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                             std::chrono::duration<double>(limits.total_seconds));
    if (!send_order(order, file.get())) {  // the child died while it had nothing to do
      end_child();
      start();
      if (!send_order(order, file.get())) fail_errno("talking to a decoder process", errno);
    }
    DecodeOutcome outcome;
    try {
      follow(order, deadline, on_frame, outcome);
    } catch (...) {
      end_child();
      throw;
    }
    return outcome;
  }

  void follow(const DecodeOrder& order, Clock::time_point deadline, const OnFrame& on_frame,
              DecodeOutcome& outcome) {
    DecodeReply reply;
    for (;;) {
      outcome.problem = receive(reply, deadline);
      outcome.lost = !outcome.problem.empty();
      if (outcome.lost) return;
      if (reply.magic != kDecodeMagic || reply.order != order.order) break;
      if (reply.kind == DecodeReplyKind::kEnd) {
        outcome.problem = printable(reply.text, sizeof(reply.text));
        outcome.finished = reply.finished != 0;
        if (!outcome.opened && outcome.problem.empty()) break;
        return;
      }
      if (reply.kind == DecodeReplyKind::kStream) {
        if (outcome.opened || !plausible(reply, slot_bytes)) break;
        outcome.opened = true;
        outcome.stream = stream_of(reply);
        continue;
      }
      const bool expected = reply.kind == DecodeReplyKind::kFrame && outcome.opened &&
                            order.probe_only == 0 && reply.number == outcome.frames &&
                            reply.slot == reply.number % kRingSlots &&
                            (order.count < 0 || outcome.frames < order.count);
      if (!expected) break;
      on_frame(outcome.stream, mapping.data() + reply.slot * slot_bytes);
      ++outcome.frames;
      const DecodeRelease release{kDecodeMagic, order.order};
      const ssize_t sent =
          ::send(socket.get(), &release, sizeof(release), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno != EPIPE && errno != ECONNRESET) break;
    }
    end_child();
    outcome.lost = true;
    outcome.problem = "the decoder sent nonsense";
  }

  DecodeLimits limits;
  const std::atomic<bool>* stop;
  std::size_t slot_bytes = 0;
  FileHandle socket;
  Mapping mapping;
  pid_t child = 0;
  std::uint32_t orders = 0;
};

DecodeWorker::DecodeWorker(const DecodeLimits& limits, const std::atomic<bool>* stop)
    : state_(std::make_unique<State>(limits, stop)) {}
DecodeWorker::~DecodeWorker() = default;

DecodeOutcome DecodeWorker::decode(const FileHandle& file, const ReadOptions& options,
                                   const OnFrame& on_frame) {
  return state_->run(file, options, false, on_frame);
}

DecodeOutcome DecodeWorker::probe(const FileHandle& file, const ReadOptions& options) {
  return state_->run(file, options, true, [](const DecodedStream&, const std::uint8_t*) {});
}

int DecodeWorker::process_id() const { return state_->child; }

}  // namespace muybridge
