#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "data/media/video_reader.h"

// What a decoder process and its parent say to each other, one message a packet of a
// SOCK_SEQPACKET socket. Pixels go through shared memory: a ring of kRingSlots frames. The parent
// trusts no field of a reply.
namespace muybridge {

inline constexpr std::uint32_t kDecodeMagic = 0x31564d44;  // "DMV1"
inline constexpr int kRingSlots = 8;
inline constexpr int kDecodeSocket = 3;  // descriptors of the child
inline constexpr int kDecodeRing = 4;
inline constexpr const char* kDecodeCommand = "internal-decode";
// Set in a decoder's environment, so that a program which forgot to serve never starts another.
inline constexpr const char* kDecodeVariable = "MUYBRIDGE_DECODER";

// Parent to child. The file itself travels along as a descriptor (SCM_RIGHTS).
struct DecodeOrder {
  std::uint32_t magic = kDecodeMagic;
  std::uint32_t order = 0;       // number of the file
  std::uint64_t slot_bytes = 0;  // of the ring; a frame and its slack must fit
  std::uint64_t cpu_seconds = 0;
  std::uint64_t memory_bytes = 0;  // of address space
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
};

// Parent to child while it decodes: one slot is free again.
struct DecodeRelease {
  std::uint32_t magic = kDecodeMagic;
  std::uint32_t order = 0;
};

enum class DecodeReplyKind : std::uint32_t { kStream = 1, kFrame = 2, kEnd = 3 };

// Child to parent: one kStream, then kFrames, then kEnd; or kEnd alone with the reason.
struct DecodeReply {
  std::uint32_t magic = kDecodeMagic;
  DecodeReplyKind kind = DecodeReplyKind::kEnd;
  std::uint32_t order = 0;
  std::uint32_t slot = 0;   // kFrame: frame number modulo kRingSlots
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
  std::int32_t finished = 0;  // kEnd: nothing of the file is left
  char text[256] = {};        // kEnd: what is wrong with the file; ends with 0
};

static_assert(std::is_trivially_copyable_v<DecodeOrder>);
static_assert(std::is_trivially_copyable_v<DecodeReply>);

}  // namespace muybridge
