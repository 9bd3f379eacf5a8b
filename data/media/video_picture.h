#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "data/media/av_handles.h"
#include "data/media/video_geometry.h"
#include "data/media/video_paint.h"

struct SwsContext;

namespace muybridge {

// The swscale kernels may write this many bytes past the end of a picture.
inline constexpr std::size_t kPictureSlack = 128;

// Crops, scales, converts to RGB and turns pictures; keeps the scaler between pictures of one kind.
class PictureConverter {
 public:
  PictureConverter();
  ~PictureConverter();
  PictureConverter(const PictureConverter&) = delete;
  PictureConverter& operator=(const PictureConverter&) = delete;

  // Writes plan.height * plan.width * 3 bytes to `rgb`, which has kPictureSlack more behind it.
  // Unmarked colours are BT.709 from 720 lines up and BT.601 below, as players take them.
  // Throws Error(kCorrupt) for a picture that cannot be converted.
  void convert(const AVFrame& picture, const PicturePlan& plan, Orientation orientation,
               std::uint8_t* rgb);

 private:
  struct Size {
    int width;
    int height;
  };
  struct ScalerCloser {
    void operator()(SwsContext* scaler) const noexcept;
  };
  void make_scaler(Size from, int from_format, Size to, int to_format, int matrix);
  void prepare(const AVFrame& picture, const PicturePlan& plan);

  std::array<int, 7> key_{};  // what these were made for:
  std::unique_ptr<SwsContext, ScalerCloser> scaler_;
  AvFrame planes_;  // 4:4:4 between the scaler and paint_rgb(); none if the scaler makes RGB
  YuvColors colors_;
  std::vector<std::uint8_t> turned_;  // a picture before its turn
};

}  // namespace muybridge
