#include "data/decode/decode_confinement.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/error.h"

namespace muybridge {
namespace {

constexpr rlim_t kDescriptors = 16;

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;
#endif

// What decoding needs, whatever the arguments.
constexpr int kAllowed[] = {
    // the descriptors that are there
    SYS_read,
    SYS_pread64,
    SYS_readv,
    SYS_preadv,
    SYS_write,
    SYS_writev,
    SYS_lseek,
    SYS_fstat,
    SYS_close,
    SYS_ppoll,
    // orders and replies
    SYS_recvmsg,
    SYS_recvfrom,
    SYS_sendmsg,
    SYS_sendto,
    // memory
    SYS_brk,
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    // threads
    SYS_futex,
    SYS_set_robust_list,
    SYS_get_robust_list,
    SYS_set_tid_address,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_getcpu,
    SYS_membarrier,
    SYS_gettid,
    SYS_getpid,
    SYS_exit,
    SYS_exit_group,
#ifdef SYS_rseq
    SYS_rseq,
#endif
    // signals to itself
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_restart_syscall,
    // time and chance
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_getrusage,
    SYS_getrandom,
    SYS_sysinfo,
    SYS_uname,
#ifdef SYS_poll
    SYS_poll,
#endif
};

std::uint32_t argument(unsigned number) {
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + number * sizeof(std::uint64_t));
}

// A program for the kernel's filter machine: it loads words of a call and jumps over what follows.
class Filter {
 public:
  Filter() {
    load(offsetof(seccomp_data, arch));
    skip_unless(BPF_JEQ, kArchitecture, 1);
    skip(1);
    deny(EPERM);
    load(offsetof(seccomp_data, nr));
  }

  void allow(int call) {
    skip_unless(BPF_JEQ, static_cast<std::uint32_t>(call), 1);
    end(SECCOMP_RET_ALLOW);
  }

  void refuse(int call, int error) {
    skip_unless(BPF_JEQ, static_cast<std::uint32_t>(call), 1);
    deny(error);
  }

  // Only where the low word of an argument passes `test` (BPF_JEQ, BPF_JSET) against `value`.
  void allow_if(int call, unsigned number, std::uint16_t test, std::uint32_t value,
                bool wanted = true) {
    skip_unless(BPF_JEQ, static_cast<std::uint32_t>(call), 4);
    load(argument(number));
    skip_unless(test, value, 1);
    end(wanted ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EPERM);
    end(wanted ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_ALLOW);
  }

  // False if the kernel has no filters.
  bool install() {
    deny(EPERM);
    const sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
    return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
  }

 private:
  void load(std::size_t offset) {
    code_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
  }
  void skip_unless(std::uint16_t test, std::uint32_t value, std::uint8_t instructions) {
    code_.push_back(
        BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), value, 0, instructions));
  }
  void skip(std::uint32_t instructions) {
    code_.push_back(BPF_STMT(BPF_JMP | BPF_JA, instructions));
  }
  void deny(int error) { end(SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)); }
  void end(std::uint32_t verdict) { code_.push_back(BPF_STMT(BPF_RET | BPF_K, verdict)); }

  std::vector<sock_filter> code_;
};

bool filter_calls() {
  if (kArchitecture == 0) return false;
  Filter filter;
  for (const int call : kAllowed) filter.allow(call);
  filter.allow_if(SYS_mmap, 2, BPF_JSET, PROT_EXEC, false);
  filter.allow_if(SYS_mprotect, 2, BPF_JSET, PROT_EXEC, false);
  filter.allow_if(SYS_clone, 0, BPF_JSET, CLONE_THREAD);
  filter.refuse(SYS_clone3, ENOSYS);  // its flags lie in memory; the C library falls back to clone
  filter.allow_if(SYS_newfstatat, 3, BPF_JEQ, AT_EMPTY_PATH);  // how the C library calls fstat
  filter.allow_if(SYS_tgkill, 0, BPF_JEQ, static_cast<std::uint32_t>(::getpid()));  // abort()
  filter.allow_if(SYS_prctl, 0, BPF_JEQ, PR_SET_NAME);
  return filter.install();
}

void limit(int resource, rlim_t value) {
  const rlimit both{value, value};
  if (::setrlimit(resource, &both) != 0) fail_errno("setrlimit", errno);
}

}  // namespace

bool confine_decoder() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::signal(SIGINT, SIG_IGN);  // the parent decides when to end
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;  // their run time opens files and starts processes
#else
  limit(RLIMIT_NOFILE, kDescriptors);
  return filter_calls();
#endif
}

}  // namespace muybridge
