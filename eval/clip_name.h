#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace muybridge {

// The name of a clip's file without its ending: "a-red-circle-moving-left-seed-7". Only a-z, 0-9
// and '-', at most 100 bytes, fit for every file system. Where the words do not say all of the
// prompt (it is long, or in another script) six digits of its hash tell it from others:
// "a-red-circle-1f09ab-seed-7". Prompts that differ in case or punctuation alone share a name.
std::string clip_stem(std::string_view prompt, std::uint64_t seed);

}  // namespace muybridge
