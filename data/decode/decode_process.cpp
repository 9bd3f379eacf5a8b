#include "data/decode/decode_process.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/log.h"
#include "data/decode/decode_protocol.h"

namespace muybridge {
namespace {

constexpr int kFirstFreeDescriptor = 16;  // ours stay clear of those the child gets

// A descriptor the child's fixed numbers cannot collide with; closes the old one.
FileHandle moved_up(int descriptor, const char* what) {
  if (descriptor < 0) fail_errno(what, errno);
  const FileHandle old(descriptor);
  FileHandle result(::fcntl(descriptor, F_DUPFD_CLOEXEC, kFirstFreeDescriptor));
  // EINVAL: the limit of open files is below the number asked for.
  if (!result) fail_errno(what, errno == EINVAL ? EMFILE : errno);
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

// What a decoder's environment keeps: where libraries lie, what sanitizers are told, and what is
// meant for it.
bool is_kept(std::string_view entry) {
  constexpr std::array<std::string_view, 6> kKept = {
      "LD_LIBRARY_PATH=", "ASAN_OPTIONS=",  "LSAN_OPTIONS=",
      "TSAN_OPTIONS=",    "UBSAN_OPTIONS=", kDecodeVariable};
  return std::any_of(kKept.begin(), kKept.end(),
                     [&](std::string_view name) { return entry.substr(0, name.size()) == name; });
}

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
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (is_kept(*entry)) environment.push_back(*entry);
  }
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

// Sets a soft limit, as far as the hard one that somebody gave this process lets it.
void limit_softly(pid_t process, __rlimit_resource resource, rlim_t amount) {
  rlimit limits{};
  if (::prlimit(process, resource, nullptr, &limits) != 0) fail_errno("prlimit", errno);
  limits.rlim_cur = std::min(amount, limits.rlim_max);
  if (::prlimit(process, resource, &limits, nullptr) != 0) fail_errno("prlimit", errno);
}

DecodeProcess::End describe_end(int status) {
  if (!WIFSIGNALED(status)) {
    return {fmt::format("the decoder ended with status {}", WEXITSTATUS(status))};
  }
  const int signal = WTERMSIG(status);
  if (signal == SIGXCPU) return {"the decoder used up its CPU time"};
  if (signal == SIGKILL) {
    return {"the decoder was killed, perhaps because this machine's memory is full", true};
  }
  return {fmt::format("the decoder crashed: {}", ::strsignal(signal))};
}

}  // namespace

DecodeProcess::DecodeProcess(std::size_t slot_bytes) : slot_bytes_(slot_bytes) {
  if (std::getenv(kDecodeVariable) != nullptr) {
    fail(ExitCode::kInternal, "a decoder process cannot start decoders; main() must serve {}",
         kDecodeCommand);
  }
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    fail_errno("socketpair", errno);
  }
  socket_ = moved_up(pair[0], "socketpair");
  const FileHandle other = moved_up(pair[1], "socketpair");
  const std::size_t bytes = slot_bytes_ * kRingSlots;
  const FileHandle ring = make_ring(bytes);
  void* mapped = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, ring.get(), 0);
  if (mapped == MAP_FAILED) fail_errno("mmap", errno);
  ring_ = static_cast<const std::uint8_t*>(mapped);
  try {
    child_ = spawn_child(other.get(), ring.get());
  } catch (...) {
    ::munmap(mapped, bytes);
    throw;
  }
}

DecodeProcess::~DecodeProcess() {
  if (child_ != 0) {
    ::kill(child_, SIGKILL);
    wait();
  }
  ::munmap(const_cast<std::uint8_t*>(ring_), slot_bytes_ * kRingSlots);
}

// What ends a hang even if this process were stopped.
void DecodeProcess::limit(double cpu_seconds, std::uint64_t memory_bytes) const {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(child_, &clock) == 0) ::clock_gettime(clock, &used);
  limit_softly(child_, RLIMIT_CPU,
               static_cast<rlim_t>(used.tv_sec + 1) + static_cast<rlim_t>(std::ceil(cpu_seconds)));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // these reserve terabytes
  limit_softly(child_, RLIMIT_AS, memory_bytes);
#else
  static_cast<void>(memory_bytes);
#endif
}

bool DecodeProcess::waits_for_system() const {
  std::ifstream stat(fmt::format("/proc/{}/stat", child_));
  std::string line;
  std::getline(stat, line);
  const std::size_t name_end = line.rfind(')');
  return name_end != std::string::npos && name_end + 2 < line.size() && line[name_end + 2] == 'D';
}

DecodeProcess::End DecodeProcess::wait() {
  int status = 0;
  while (::waitpid(child_, &status, 0) < 0) {
    if (errno == EINTR) continue;
    log_warning("waitpid: {}", std::strerror(errno));
    break;
  }
  child_ = 0;
  return describe_end(status);
}

}  // namespace muybridge
