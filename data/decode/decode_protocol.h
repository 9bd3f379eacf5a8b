#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "data/media/video_reader.h"

// What a decoder process and its parent say to each other, one message a packet of a
// SOCK_SEQPACKET socket. Pixels go through shared memory: a ring of ring_slots() frames. The parent
// trusts no field of a reply. How much memory and time an order may cost is limited from outside.
namespace muybridge {

inline constexpr std::uint32_t kDecodeMagic = 0x32564d44;  // "DMV2"
inline constexpr int kRingSlots = 8;                       // at most
// Of large frames fewer slots are used, so that the ring takes about so much memory.
inline constexpr std::size_t kRingBytes = std::size_t{64} << 20;
inline constexpr int kDecodeSocket = 3;  // descriptors of the child
inline constexpr int kDecodeRing = 4;
inline constexpr const char* kDecodeCommand = "internal-decode";
// Set in a decoder's environment, so that a program which forgot to serve never starts another.
inline constexpr const char* kDecodeVariable = "MUYBRIDGE_DECODER";

// Parent to child. The file itself travels along as a descriptor (SCM_RIGHTS).
struct DecodeOrder {
  std::uint32_t magic = kDecodeMagic;
  std::uint32_t order = 0;         // number of the file
  std::uint64_t slot_bytes = 0;    // of the ring; a frame and its slack must fit
  std::uint64_t memory_bytes = 0;  // of address space, as the parent has limited it
  std::int32_t probe_only = 0;
  std::int32_t resize = 0;
  std::int32_t width = 0;
  std::int32_t height = 0;
  std::int32_t multiple = 1;
  std::int32_t has_crop = 0;
  CropBox crop;
  double fps = 0;
  std::int64_t count = -1;
  std::int64_t cut_first = 0;
  std::int64_t cut_end = -1;
  std::int64_t max_pixels = 0;
  std::int32_t threads = 1;
};

// Parent to child while it decodes: one slot is free again.
struct DecodeRelease {
  std::uint32_t magic = kDecodeMagic;
  std::uint32_t order = 0;
};

enum class DecodeReplyKind : std::uint32_t {
  kReady = 1,    // once, with order 0: the child has started and is confined
  kStream = 2,   // what is in the file
  kFrame = 3,    // a frame is in its slot
  kPicture = 4,  // a sign of life: it decodes pictures that give no frame
  kNote = 5,     // what was guessed or done
  kEnd = 6,
};

enum class DecodeFailure : std::int32_t {
  kNone = 0,
  kFile = 1,     // something is wrong with the file
  kMachine = 2,  // reading failed, memory is short: no fault of the file
};

// Child to parent: of each order one kStream, then kFrames, then kNotes, then kEnd; or kEnd alone
// with the reason. kPictures come anywhere.
struct DecodeReply {
  std::uint32_t magic = kDecodeMagic;
  DecodeReplyKind kind = DecodeReplyKind::kEnd;
  std::uint32_t order = 0;
  std::uint32_t slot = 0;   // kFrame: frame number modulo ring_slots()
  std::int64_t number = 0;  // kFrame: of this order, from 0
  double time = 0;          // kFrame: seconds after the first picture of the file
  std::int32_t width = 0;   // kStream: of the frames to come
  std::int32_t height = 0;
  double fps = 0;
  std::int64_t expected = 0;
  std::int32_t source_width = 0;
  std::int32_t source_height = 0;
  double source_fps = 0;
  double source_seconds = 0;
  std::int32_t image = 0;
  std::int32_t finished = 0;                     // kEnd: nothing of the file is left
  DecodeFailure failure = DecodeFailure::kNone;  // kEnd
  std::int32_t confined = 0;                     // kReady: the kernel filters its calls
  char text[256] = {};  // kEnd: what is wrong; kNote: the note; ends with 0
};

// The slots that are used for frames of so many bytes; both sides come to the same number.
inline int ring_slots(std::size_t frame_bytes) {
  const std::size_t fit = kRingBytes / std::max<std::size_t>(frame_bytes, 1);
  return static_cast<int>(std::clamp<std::size_t>(fit, 2, kRingSlots));
}

static_assert(std::is_trivially_copyable_v<DecodeOrder>);
static_assert(std::is_trivially_copyable_v<DecodeReply>);

}  // namespace muybridge
