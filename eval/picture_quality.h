#pragma once

#include <map>
#include <string>

#include "data/media/frames.h"

namespace muybridge {

// How like frames are to those that they were made from. By name:
//   "psnr"  peak signal-to-noise ratio of all numbers of the clip, decibels; at most kMostPsnr
//   "ssim"  structural similarity (Wang et al. 2004, IEEE TIP 13(4)): Gaussian windows of 11 x 11
//           with a deviation of 1.5 that lie whole in the frame, or the whole frame where it is
//           smaller; the mean over windows, channels and frames, at most 1
using Quality = std::map<std::string, double>;
inline constexpr double kMostPsnr = 100;  // of frames that are the same

// Throws std::invalid_argument where the sizes differ, or there is nothing.
Quality picture_quality(const Frames& made, const Frames& real);

double psnr_of(double mean_squared_error, double peak);

// "PSNR 31.2 dB", "SSIM 0.941"
std::string describe_quality(const std::string& name, double value);

}  // namespace muybridge
