#include "data/decode/decode_child.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <optional>
#include <string>

#include "core/error.h"
#include "core/system/file_handle.h"
#include "data/decode/decode_confinement.h"
#include "data/decode/decode_protocol.h"

namespace muybridge {
namespace {

constexpr auto kSignOfLife = std::chrono::seconds(1);

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
  options.threads = order.threads;
  return options;
}

DecodeReply reply_of(const DecodeOrder& order, DecodeReplyKind kind) {
  DecodeReply reply;
  reply.kind = kind;
  reply.order = order.order;
  return reply;
}

DecodeReply stream_reply(const DecodeOrder& order, const VideoReader& reader) {
  DecodeReply reply = reply_of(order, DecodeReplyKind::kStream);
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

void set_text(DecodeReply& reply, const std::string& text) {
  std::strncpy(reply.text, text.c_str(), sizeof(reply.text) - 1);
}

// Tells the parent from time to time how many pictures were decoded: some give no frame for long.
class SignOfLife {
 public:
  explicit SignOfLife(const DecodeOrder& order)
      : reply_(reply_of(order, DecodeReplyKind::kPicture)) {}

  void operator()() {
    ++reply_.number;
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < kSignOfLife) return;
    last_ = now;
    send_reply(reply_);
  }

 private:
  DecodeReply reply_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// Returns what is wrong with the file, empty if it is whole.
std::string decode(const DecodeOrder& order, FileHandle file, const Ring& ring, DecodeReply& end) {
  VideoReader reader(std::move(file), options_of(order), SignOfLife(order));
  const std::size_t needed = reader.frame_bytes();
  if (needed > order.slot_bytes || order.slot_bytes > ring.bytes / kRingSlots) {
    fail(ExitCode::kCorrupt, "its frames of {}x{} are too large", reader.width(), reader.height());
  }
  send_reply(stream_reply(order, reader));
  if (order.probe_only != 0) return {};
  DecodeReply reply = reply_of(order, DecodeReplyKind::kFrame);
  const int slots = ring_slots(reader.frame_bytes());
  for (;; ++reply.number) {
    if (reply.number >= slots) await_release(order.order);
    reply.slot = static_cast<std::uint32_t>(reply.number % slots);
    if (!reader.next(ring.data + reply.slot * order.slot_bytes)) break;
    reply.time = reader.time();
    send_reply(reply);
  }
  for (const std::string& text : reader.notes()) {
    DecodeReply note = reply_of(order, DecodeReplyKind::kNote);
    set_text(note, text);
    send_reply(note);
  }
  end.finished = reader.finished() ? 1 : 0;
  return reader.damage();
}

// Tells memory that the limit refuses from memory that the machine lacks: asks for all that the
// limit still allows, without touching it.
class MemoryJudge {
 public:
  MemoryJudge() : used_(open_to_read("/proc/self/statm")) {}

  bool machine_is_short(std::uint64_t limit) const {
    constexpr std::uint64_t kMargin = std::uint64_t{1} << 20;
    const std::uint64_t left = limit - std::min(limit, used_bytes() + kMargin);
    if (left == 0) return false;
    void* all = ::mmap(nullptr, left, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) return true;
    ::munmap(all, left);
    return false;
  }

 private:
  std::uint64_t used_bytes() const {
    std::array<char, 64> text{};
    if (::pread(used_.get(), text.data(), text.size() - 1, 0) <= 0) return 0;
    return std::strtoull(text.data(), nullptr, 10) *
           static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }

  FileHandle used_;
};

void serve(const Ring& ring, const MemoryJudge& memory) {
  for (;;) {
    FileHandle file;
    const std::optional<DecodeOrder> order = receive_order(file);
    if (!order) return;
    DecodeReply end = reply_of(*order, DecodeReplyKind::kEnd);
    std::string text;
    try {
      text = decode(*order, std::move(file), ring, end);
      end.failure = text.empty() ? DecodeFailure::kNone : DecodeFailure::kFile;
    } catch (const std::bad_alloc&) {
      const bool machine = memory.machine_is_short(order->memory_bytes);
      end.failure = machine ? DecodeFailure::kMachine : DecodeFailure::kFile;
      text = machine ? "this machine has no memory left for a decoder"
                     : "needs more memory than a decoder may use";
    } catch (const Error& error) {
      const bool machine = error.code() == ExitCode::kIo;
      end.failure = machine ? DecodeFailure::kMachine : DecodeFailure::kFile;
      text = error.what();
    } catch (const std::exception& error) {
      end.failure = DecodeFailure::kFile;
      text = error.what();
    }
    set_text(end, text);
    send_reply(end);
  }
}

}  // namespace

int run_decode_child() {
  try {
    const Ring ring = map_ring();
    const MemoryJudge memory;
    DecodeReply ready;
    ready.kind = DecodeReplyKind::kReady;
    ready.confined = confine_decoder() ? 1 : 0;
    send_reply(ready);
    serve(ring, memory);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "decoder: {}\n", error.what());
    return static_cast<int>(ExitCode::kInternal);
  }
}

}  // namespace muybridge
