#pragma once

#include <string>

#include "eval/gallery.h"
#include "eval/run_record.h"

namespace muybridge {

// The section that says how the run was made: when, on what, how fast, and which of its settings
// differ from the defaults. Empty where nothing is known.
std::string draw_run(const GalleryHeader& header, const RunRecord& record);

}  // namespace muybridge
