#include "data/decode/decode_worker.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <optional>

#include "core/error.h"
#include "core/log.h"
#include "data/decode/decode_process.h"
#include "data/decode/decode_protocol.h"
#include "data/media/video_notes.h"

namespace muybridge {
namespace {

using Clock = std::chrono::steady_clock;

using Loss = DecodeProcess::End;

constexpr std::size_t kThreadBytes = std::size_t{128} << 20;  // more address space for each

Loss nonsense() { return {"the decoder sent nonsense"}; }

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

// A decoder may take what its limit says, but never more than the machine has.
std::size_t machine_bytes() {
  return static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::int64_t bytes_of(const FileHandle& file) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail_errno("fstat", errno);
  return status.st_size;
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
    slot_bytes = (limits.frame_bytes + kPage - 1) / kPage * kPage;
  }

  void start() {
    if (process) return;
    process = std::make_unique<DecodeProcess>(slot_bytes);
    DecodeReply reply;
    working = Clock::duration{};
    pictures = 0;
    const std::optional<Loss> loss = receive(reply);
    const bool ready = !loss && reply.magic == kDecodeMagic &&
                       reply.kind == DecodeReplyKind::kReady && reply.order == 0;
    if (ready) {
      static std::atomic<bool> said{false};
      if (reply.confined == 0 && !said.exchange(true)) {
        log_debug("this kernel cannot filter the calls of decoders: they are confined less");
      }
      return;
    }
    process.reset();
    if (loss && stopped()) return;
    fail(ExitCode::kIo, "a decoder process does not start: {}",
         loss ? loss->reason : nonsense().reason);
  }

  bool stopped() const { return stop != nullptr && stop->load(std::memory_order_relaxed); }

  DecodeOrder order_of(const ReadOptions& options, bool probe_only) {
    DecodeOrder order;
    order.order = ++orders;
    order.slot_bytes = slot_bytes;
    order.threads = std::max(options.threads, 1);
    order.memory_bytes = std::min(limits.memory_bytes, machine_bytes()) + slot_bytes * kRingSlots +
                         static_cast<std::size_t>(order.threads - 1) * kThreadBytes;
    order.probe_only = probe_only ? 1 : 0;
    order.resize = static_cast<std::int32_t>(options.size.resize);
    order.width = options.size.width;
    order.height = options.size.height;
    order.multiple = options.size.multiple;
    order.has_crop = options.size.crop ? 1 : 0;
    order.crop = options.size.crop.value_or(CropBox{});
    order.fps = options.fps;
    order.count = options.count >= 0 ? std::min(options.count, limits.frames) : limits.frames;
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

  // Seconds that the order may keep the decoder working.
  double allowed_seconds() const {
    return limits.total_seconds + limits.picture_seconds * static_cast<double>(pictures);
  }

  // Waits for a reply. Returns why there is none.
  std::optional<Loss> receive(DecodeReply& reply) {
    const Clock::time_point begin = Clock::now();
    const Clock::duration before = working;
    for (;;) {
      const ssize_t got =
          ::recv(process->socket(), &reply, sizeof(reply), MSG_DONTWAIT | MSG_TRUNC);
      if (got == 0 || (got < 0 && errno == ECONNRESET)) return process->wait();
      if (got < 0 && errno != EAGAIN && errno != EINTR) fail_errno("recv", errno);
      if (got > 0 && got != sizeof(reply)) return nonsense();
      if (stopped()) return Loss{"stopped"};
      const Clock::time_point now = Clock::now();
      working = before + (now - begin);
      if (working >= to_clock(allowed_seconds())) {
        return Loss{fmt::format("decoding took longer than {:g} s", allowed_seconds())};
      }
      if (got > 0) return std::nullopt;
      if (now - begin >= to_clock(limits.stall_seconds)) return hang();
      pollfd waiting{process->socket(), POLLIN, 0};
      ::poll(&waiting, 1, 100);
    }
  }

  Loss hang() const {
    if (process->waits_for_system()) {
      return {fmt::format("reading the file hung for {:g} s", limits.stall_seconds), true};
    }
    return {fmt::format("the decoder hung for {:g} s", limits.stall_seconds)};
  }

  // `decoded` pictures so far: the order may take longer.
  void extend(std::int64_t decoded) {
    pictures = decoded;
    if (limits.picture_seconds * static_cast<double>(pictures - pictures_at_limit) >= 60) {
      limit_process();
    }
  }

  void limit_process() {
    pictures_at_limit = pictures;
    const double worked = std::chrono::duration<double>(working).count();
    process->limit(allowed_seconds() - worked, memory_bytes);
  }

  void begin(const DecodeOrder& order, const FileHandle& file) {
    start();
    if (!process) return;
    working = Clock::duration{};
    pictures = pictures_at_limit = 0;
    memory_bytes = order.memory_bytes;
    limit_process();
    if (!send_order(order, file.get())) process.reset();
  }

  DecodeOutcome run(const FileHandle& file, const ReadOptions& options, bool probe_only,
                    const OnFrame& on_frame) {
    const DecodeOrder order = order_of(options, probe_only);
    most_pictures = std::max(bytes_of(file), limits.frames);
    begin(order, file);
    if (!process && !stopped()) begin(order, file);  // it had died while it had nothing to do
    DecodeOutcome outcome;
    if (!process && !stopped()) fail_errno("talking to a decoder process", errno);
    try {
      const std::optional<Loss> loss =
          process ? follow(order, on_frame, outcome) : std::optional(Loss{"stopped"});
      if (!loss) return outcome;
      if (loss->machine) fail(ExitCode::kIo, "{}", loss->reason);
      outcome.lost = true;
      outcome.problem = loss->reason;
    } catch (...) {
      process.reset();
      throw;
    }
    process.reset();
    return outcome;
  }

  // Takes the replies to an order. Returns why the child cannot be used any more.
  std::optional<Loss> follow(const DecodeOrder& order, const OnFrame& on_frame,
                             DecodeOutcome& outcome) {
    DecodeReply reply;
    const std::int64_t count = order.count;
    for (;;) {
      if (const std::optional<Loss> loss = receive(reply)) return loss;
      if (reply.magic != kDecodeMagic || reply.order != order.order) return nonsense();
      switch (reply.kind) {
        case DecodeReplyKind::kEnd:
          return end(reply, outcome);
        case DecodeReplyKind::kStream:
          if (outcome.opened || !plausible(reply, slot_bytes)) return nonsense();
          outcome.opened = true;
          outcome.stream = stream_of(reply);
          break;
        case DecodeReplyKind::kFrame:
          if (!outcome.opened || order.probe_only != 0 || reply.number != outcome.frames ||
              reply.slot != reply.number % ring_slots(outcome.stream.frame_bytes()) ||
              !std::isfinite(reply.time) || outcome.frames >= count) {
            return nonsense();
          }
          on_frame(outcome.stream, {process->slot(reply.slot), reply.time});
          ++outcome.frames;
          extend(std::max(pictures, outcome.frames));
          if (!release(order.order)) return nonsense();
          break;
        case DecodeReplyKind::kPicture:
          if (reply.number <= 0 || reply.number > most_pictures) return nonsense();
          extend(std::max(pictures, reply.number));
          break;
        case DecodeReplyKind::kNote:
          if (!outcome.opened || outcome.notes.size() == VideoNotes::kMost) return nonsense();
          outcome.notes.push_back(printable(reply.text, sizeof(reply.text)));
          break;
        default:
          return nonsense();
      }
    }
  }

  std::optional<Loss> end(const DecodeReply& reply, DecodeOutcome& outcome) const {
    const std::string text = printable(reply.text, sizeof(reply.text));
    const bool sensible =
        reply.failure == DecodeFailure::kNone ? outcome.opened && text.empty()
        : reply.failure == DecodeFailure::kFile || reply.failure == DecodeFailure::kMachine
            ? !text.empty()
            : false;
    if (!sensible) return nonsense();
    if (reply.failure == DecodeFailure::kMachine) return Loss{text, true};
    outcome.problem = text;
    outcome.finished = reply.finished != 0;
    if (outcome.frames == limits.frames && !outcome.finished && text.empty()) {
      outcome.problem =
          fmt::format("it gives more than {} frames; the rest is left out", limits.frames);
    }
    return std::nullopt;
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
  // Of the order at work:
  Clock::duration working{};  // that its child took
  std::uint64_t memory_bytes = 0;
  std::int64_t pictures = 0;  // that give it more time
  std::int64_t pictures_at_limit = 0;
  std::int64_t most_pictures = 0;  // a file does not hold more
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
