#include "data/decode/decode_worker.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "data/decode/decode_process.h"
#include "data/decode/decode_protocol.h"

namespace muybridge {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kNonsense = "the decoder sent nonsense";

Clock::duration to_clock(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
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
  void start() {
    if (!process) process = std::make_unique<DecodeProcess>(slot_bytes);
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
    return ::sendmsg(process->socket(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(order);
  }

  // Waits for a reply. Returns why there is none.
  std::string receive(DecodeReply& reply, Clock::time_point deadline) {
    const Clock::time_point stalled = Clock::now() + to_clock(limits.stall_seconds);
    for (;;) {
      const ssize_t got =
          ::recv(process->socket(), &reply, sizeof(reply), MSG_DONTWAIT | MSG_TRUNC);
      if (got == 0 || (got < 0 && errno == ECONNRESET)) return process->wait();
      if (got < 0 && errno != EAGAIN && errno != EINTR) fail_errno("recv", errno);
      if (got > 0 && got != sizeof(reply)) return kNonsense;
      if (stop != nullptr && stop->load(std::memory_order_relaxed)) return "stopped";
      if (Clock::now() >= deadline) {
        return fmt::format("decoding took longer than {:g} s", limits.total_seconds);
      }
      if (got > 0) return {};
      if (Clock::now() >= stalled) {
        return fmt::format("the decoder hung for {:g} s", limits.stall_seconds);
      }
      pollfd waiting{process->socket(), POLLIN, 0};
      ::poll(&waiting, 1, 100);
    }
  }

  DecodeOutcome run(const FileHandle& file, const ReadOptions& options, bool probe_only,
                    const OnFrame& on_frame) {
    start();
    const DecodeOrder order = order_of(options, probe_only);
    const Clock::time_point deadline = Clock::now() + to_clock(limits.total_seconds);
    if (!send_order(order, file.get())) {  // the child died while it had nothing to do
      process.reset();
      start();
      if (!send_order(order, file.get())) fail_errno("talking to a decoder process", errno);
    }
    DecodeOutcome outcome;
    try {
      const std::string loss = follow(order, deadline, on_frame, outcome);
      if (loss.empty()) return outcome;
      outcome.lost = true;
      outcome.problem = loss;
    } catch (...) {
      process.reset();
      throw;
    }
    process.reset();
    return outcome;
  }

  // Takes the replies to an order. Returns why the child cannot be used any more.
  std::string follow(const DecodeOrder& order, Clock::time_point deadline, const OnFrame& on_frame,
                     DecodeOutcome& outcome) {
    DecodeReply reply;
    const std::int64_t count = order.count;
    for (;;) {
      if (std::string loss = receive(reply, deadline); !loss.empty()) return loss;
      if (reply.magic != kDecodeMagic || reply.order != order.order) return kNonsense;
      switch (reply.kind) {
        case DecodeReplyKind::kEnd:
          outcome.problem = printable(reply.text, sizeof(reply.text));
          outcome.finished = reply.finished != 0;
          return outcome.opened || !outcome.problem.empty() ? "" : kNonsense;
        case DecodeReplyKind::kStream:
          if (outcome.opened || !plausible(reply, slot_bytes)) return kNonsense;
          outcome.opened = true;
          outcome.stream = stream_of(reply);
          break;
        case DecodeReplyKind::kFrame:
          if (!outcome.opened || order.probe_only != 0 || reply.number != outcome.frames ||
              reply.slot != reply.number % kRingSlots || !std::isfinite(reply.time) ||
              (count >= 0 && outcome.frames >= count)) {
            return kNonsense;
          }
          on_frame(outcome.stream, {process->slot(reply.slot), reply.time});
          ++outcome.frames;
          if (!release(order.order)) return kNonsense;
          break;
        default:
          return kNonsense;
      }
    }
  }

  // False if the child lets its messages pile up. Its death is noticed by the next receive().
  bool release(std::uint32_t order) const {
    const DecodeRelease message{kDecodeMagic, order};
    const ssize_t sent =
        ::send(process->socket(), &message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent >= 0 || errno == EPIPE || errno == ECONNRESET;
  }

  DecodeLimits limits;
  const std::atomic<bool>* stop;
  std::size_t slot_bytes = 0;
  std::unique_ptr<DecodeProcess> process;
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
  return state_->run(file, options, true, [](const DecodedStream&, const DecodedFrame&) {});
}

int DecodeWorker::process_id() const { return state_->process ? state_->process->id() : 0; }

}  // namespace muybridge
