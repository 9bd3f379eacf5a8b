#pragma once

#include <string>
#include <vector>

#include "eval/run_record.h"

namespace muybridge {

// Clips as parts of a page. What others wrote is escaped.

// A playing clip; `folder` is relative to the page. `about` is said where it is enlarged.
std::string draw_video(const std::string& folder, const std::string& file,
                       const std::string& about);

// What of the prompt the clip misses; empty for a clip that has it all, or that nothing measured.
std::string draw_misses(const SampleRecord& clip);

// The clip, beside it the real one if there is one, the prompt, and `small_html` below.
std::string draw_figure(const std::string& folder, const SampleRecord& clip,
                        const std::string& about, const std::string& small_html);

// "seed 7", or of a reconstruction "PSNR 31.2 dB, SSIM 0.941"
std::string draw_facts(const SampleRecord& clip);

// "72 clips"
std::string count_clips(std::size_t count);

// All clips of an evaluation.
std::string draw_wall(const RenderedSet& rendered);

// Prompts down, steps across: those that were rendered more than once.
std::string draw_grid(const std::vector<RenderedSet>& sets);

}  // namespace muybridge
