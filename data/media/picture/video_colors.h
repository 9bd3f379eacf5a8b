#pragma once

#include <string>

#include "data/media/video_notes.h"

extern "C" {
#include <libavutil/frame.h>
#include <libavutil/pixfmt.h>
}

namespace muybridge {

// What the samples of a picture mean. All is said: what the file leaves open is filled in.
struct PictureColors {
  AVColorSpace matrix = AVCOL_SPC_BT709;  // AVCOL_SPC_RGB: none
  AVColorPrimaries primaries = AVCOL_PRI_BT709;
  AVColorTransferCharacteristic transfer = AVCOL_TRC_BT709;
  AVChromaLocation chroma = AVCHROMA_LOC_LEFT;
  bool full_range = false;
  bool operator==(const PictureColors&) const = default;
};

// Reads the tags of a picture as it was decoded, before any crop. What is not marked is decided by
// its format and size alone, and noted where it is a guess:
//   matrix     BT.2020 if primaries or transfer are of that kind, else BT.709 from 720 lines or
//              1280 columns up and BT.601 below; a still picture is BT.601, as its forms say
//   primaries  those of BT.2020 with its matrix or with HDR, else BT.709. The primaries of BT.601
//              (525 and 625 lines) count as BT.709, as most players do
//   range      limited; full for RGB, grey, stills and the formats of JPEG
//   chroma     to the left; of stills in the middle, as in JPEG
PictureColors colors_of(const AVFrame& picture, bool still, VideoNotes& notes);

bool is_hdr(const PictureColors& colors);  // PQ or HLG

// Whether its primaries are far enough from BT.709 to be converted.
bool has_wide_primaries(const PictureColors& colors);

std::string name_of(AVColorPrimaries primaries);

}  // namespace muybridge
