#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/media/av_handles.h"
#include "data/media/picture/tone_map.h"
#include "data/media/picture/video_colors.h"
#include "data/media/picture/video_geometry.h"
#include "data/media/picture/video_paint.h"
#include "data/media/picture/video_planes.h"
#include "data/media/video_graph.h"

namespace muybridge {

// Crops, scales, converts to RGB and turns pictures; keeps its tools between pictures of one kind.
// The result is what a BT.709 screen shows, 8 bits of full range: SDR as it is stored (the curves
// of BT.601, BT.709 and sRGB are not told apart, as players do), BT.2020 and P3 in BT.709's
// primaries, HDR through ToneMap, transparent parts over white.
class PictureConverter {
 public:
  struct Source {
    bool still = false;          // its colours mean what forms of images say, where not marked
    bool premultiplied = false;  // colours are multiplied by alpha
  };
  explicit PictureConverter(Source source) : source_(source) {}
  PictureConverter() : PictureConverter(Source{}) {}
  PictureConverter(const PictureConverter&) = delete;
  PictureConverter& operator=(const PictureConverter&) = delete;

  // Writes plan.height * plan.width * 3 bytes to `rgb`. Throws Error(kCorrupt) for a picture that
  // cannot be converted.
  void convert(const AVFrame& picture, const PicturePlan& plan, Orientation orientation,
               std::uint8_t* rgb);

  // What was guessed or done to colours so far, each once.
  const std::vector<std::string>& notes() const { return notes_.all(); }

 private:
  // All that a converter depends on.
  struct Kind {
    int format = -1;
    int width = 0;
    int height = 0;
    AVColorSpace matrix = AVCOL_SPC_UNSPECIFIED;
    AVColorPrimaries primaries = AVCOL_PRI_UNSPECIFIED;
    AVColorTransferCharacteristic transfer = AVCOL_TRC_UNSPECIFIED;
    AVColorRange range = AVCOL_RANGE_UNSPECIFIED;
    AVChromaLocation chroma = AVCHROMA_LOC_UNSPECIFIED;
    std::size_t icc_bytes = 0;  // of its ICC profile
    PicturePlan plan;
    bool operator==(const Kind&) const = default;
  };
  void prepare(const AVFrame& picture, const PicturePlan& plan);
  void note_conversions(const PictureColors& colors);
  void run_graph(const AVFrame& picture, const PicturePlan& plan, std::uint8_t* rgb);

  Source source_;
  VideoNotes notes_;
  std::optional<Kind> kind_;  // what these were made for:
  PictureColors colors_;
  std::optional<PicturePainter> painter_;  // else the graph
  std::optional<PictureGraph> graph_;      // made with the first picture's planes
  std::optional<ToneMap> tone_map_;
  PlaneReader planes_;
  std::vector<std::uint8_t> turned_;  // a picture before its turn
};

}  // namespace muybridge
