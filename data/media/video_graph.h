#pragma once

#include <zimg.h>

#include <array>
#include <functional>
#include <memory>

#include "data/media/picture/video_colors.h"
#include "data/media/picture/video_geometry.h"
#include "data/media/picture/video_planes.h"

namespace muybridge {

// What leaves a graph: R'G'B' of the full range, of 8 bits, or `deep`: of 16 bits, where a tone map
// follows. Alpha comes as a fourth plane; colours of 8 bits are multiplied by it.
struct GraphOutput {
  int width = 0;
  int height = 0;
  bool deep = false;
  bool operator==(const GraphOutput&) const = default;
};

// The rim of repeated samples that zimg needs around a picture to scale it: its filters may not be
// longer than the picture.
PlaneMargins margins_for(const PlaneLayout& layout, const PicturePlan& plan, int stored_width,
                         int stored_height);

// zimg: crops, scales (bicubic of a = -0.5, widened where it shrinks, as Pillow's; colour planes
// bilinear), and takes YUV to RGB. HDR keeps its transfer and primaries; primaries that are wider
// than BT.709 are converted in linear light.
class PictureGraph {
 public:
  // `planes` says how the pictures lie, `plan` which part of them is used; `premultiplied`, that
  // their colours are multiplied by their alpha. Throws Error(kCorrupt) where zimg cannot.
  PictureGraph(const Planes& planes, const PictureColors& colors, const PicturePlan& plan,
               const GraphOutput& output, bool premultiplied);

  // Columns [begin, end) of a row of the result: red, green, blue, alpha where there is some.
  struct Span {
    int row = 0;
    int begin = 0;
    int end = 0;
    std::array<const void*, 4> planes{};  // at column `begin`
  };
  using Sink = std::function<void(const Span&)>;  // must not throw

  // Planes of the kind that the graph was made for.
  void run(const Planes& planes, const Sink& sink);

 private:
  struct Closer {
    void operator()(zimg_filter_graph* graph) const noexcept { zimg_filter_graph_free(graph); }
  };
  std::unique_ptr<zimg_filter_graph, Closer> graph_;
  AlignedBytes scratch_;
  AlignedBytes rows_;  // a ring of rows of the result
  zimg_image_buffer result_{};
  int sample_bytes_ = 1;
  bool alpha_ = false;
};

}  // namespace muybridge
