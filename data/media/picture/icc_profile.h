#pragma once

#include <cstdint>
#include <span>

namespace muybridge {

// The colours that an ICC profile of RGB describes, by its three colorants.
enum class IccColors { kSrgb, kDisplayP3, kOther };

// kOther also for what is no such profile, or broken.
IccColors icc_colors(std::span<const std::uint8_t> profile);

}  // namespace muybridge
