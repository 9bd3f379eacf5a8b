#include "data/decode/decode_child.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <exception>
#include <optional>
#include <string>

#include "core/error.h"
#include "core/file_handle.h"
#include "data/decode/decode_protocol.h"

namespace muybridge {
namespace {

void limit(int resource, rlim_t soft, rlim_t hard) {
  const rlimit value{soft, hard};
  if (::setrlimit(resource, &value) != 0) fail_errno("setrlimit", errno);
}

// A decoder that was taken over can neither write files nor start programs nor outlive its parent.
void shut_in() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::signal(SIGINT, SIG_IGN);  // the parent decides when to end
  limit(RLIMIT_CORE, 0, 0);
  limit(RLIMIT_FSIZE, 0, 0);
}

// The soft limit counts from now on: a hang ends with SIGXCPU even if the parent were stopped.
void limit_order(std::uint64_t seconds, [[maybe_unused]] std::uint64_t memory_bytes) {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto spent = static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec);
  limit(RLIMIT_CPU, spent + seconds + 1, RLIM_INFINITY);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // these reserve terabytes
  limit(RLIMIT_AS, memory_bytes, RLIM_INFINITY);
#endif
}

struct Ring {
  std::uint8_t* data = nullptr;
  std::size_t bytes = 0;
};

Ring map_ring() {
  struct stat status {};
  if (::fstat(kDecodeRing, &status) != 0) fail_errno("fstat", errno);
  const auto bytes = static_cast<std::size_t>(status.st_size);
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, kDecodeRing, 0);
  if (data == MAP_FAILED) fail_errno("mmap", errno);
  return {static_cast<std::uint8_t*>(data), bytes};
}

// An order and the file that came with it; nothing once the parent is gone.
std::optional<DecodeOrder> receive_order(FileHandle& file) {
  for (;;) {
    DecodeOrder order;
    iovec part{&order, sizeof(order)};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    const ssize_t got = ::recvmsg(kDecodeSocket, &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0 || (got < 0 && errno == ECONNRESET)) return std::nullopt;
    if (got < 0) fail_errno("recvmsg", errno);
    if (got == sizeof(DecodeRelease)) continue;  // of the order before
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (got != sizeof(order) || order.magic != kDecodeMagic || header == nullptr) {
      fail(ExitCode::kInternal, "a decode order that cannot be read");
    }
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(header), sizeof(descriptor));
    file = FileHandle(descriptor);
    return order;
  }
}

void send_reply(const DecodeReply& reply) {
  ssize_t sent;
  do sent = ::send(kDecodeSocket, &reply, sizeof(reply), MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent != sizeof(reply)) std::_Exit(0);  // the parent is gone
}

void await_release(std::uint32_t order) {
  DecodeRelease release;
  for (;;) {
    const ssize_t got = ::recv(kDecodeSocket, &release, sizeof(release), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got != sizeof(release)) std::_Exit(0);
    if (release.order == order) return;
  }
}

ReadOptions options_of(const DecodeOrder& order) {
  ReadOptions options;
  options.size.resize = static_cast<Resize>(order.resize);
  options.size.width = order.width;
  options.size.height = order.height;
  options.size.multiple = order.multiple;
  if (order.has_crop != 0) options.size.crop = order.crop;
  options.fps = order.fps;
  options.count = order.count;
  options.cut_first = order.cut_first;
  options.cut_end = order.cut_end;
  options.max_pixels = order.max_pixels;
  return options;
}

DecodeReply stream_reply(const DecodeOrder& order, const VideoReader& reader) {
  DecodeReply reply;
  reply.kind = DecodeReplyKind::kStream;
  reply.order = order.order;
  reply.width = reader.width();
  reply.height = reader.height();
  reply.fps = reader.fps();
  reply.expected = reader.expected_frames();
  reply.source_width = reader.info().width;
  reply.source_height = reader.info().height;
  reply.source_fps = reader.info().fps;
  reply.source_seconds = reader.info().seconds;
  reply.image = reader.info().image ? 1 : 0;
  return reply;
}

// Returns what is wrong with the file, empty if it is whole.
std::string decode(const DecodeOrder& order, FileHandle file, const Ring& ring, DecodeReply& end) {
  VideoReader reader(std::move(file), options_of(order));
  const std::size_t needed = reader.frame_bytes() + VideoReader::kSlack;
  if (needed > order.slot_bytes || order.slot_bytes > ring.bytes / kRingSlots) {
    fail(ExitCode::kCorrupt, "its frames of {}x{} are too large", reader.width(), reader.height());
  }
  send_reply(stream_reply(order, reader));
  if (order.probe_only != 0) return {};
  DecodeReply reply;
  reply.kind = DecodeReplyKind::kFrame;
  reply.order = order.order;
  for (;; ++reply.number) {
    if (reply.number >= kRingSlots) await_release(order.order);
    reply.slot = static_cast<std::uint32_t>(reply.number % kRingSlots);
    if (!reader.next(ring.data + reply.slot * order.slot_bytes)) break;
    reply.time = reader.time();
    send_reply(reply);
  }
  end.finished = reader.finished() ? 1 : 0;
  return reader.damage();
}

void serve() {
  const Ring ring = map_ring();
  for (;;) {
    FileHandle file;
    const std::optional<DecodeOrder> order = receive_order(file);
    if (!order) return;
    limit_order(order->cpu_seconds, order->memory_bytes);
    DecodeReply end;
    end.order = order->order;
    std::string text;
    try {
      text = decode(*order, std::move(file), ring, end);
    } catch (const std::bad_alloc&) {
      text = "needs more memory than a decoder may use";
    } catch (const std::exception& error) {
      text = error.what();
    }
    std::strncpy(end.text, text.c_str(), sizeof(end.text) - 1);
    send_reply(end);
  }
}

}  // namespace

int run_decode_child() {
  try {
    shut_in();
    serve();
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "decoder: {}\n", error.what());
    return static_cast<int>(ExitCode::kInternal);
  }
}

}  // namespace muybridge
