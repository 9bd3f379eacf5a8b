#include "eval/picture_quality.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "core/parallel_for.h"

namespace muybridge {
namespace {

constexpr int kChannels = 3, kWindow = 11;
constexpr double kDeviation = 1.5, kPeak = 255;
constexpr double kOfMeans = 0.01 * kPeak * 0.01 * kPeak, kOfVariances = 0.03 * kPeak * 0.03 * kPeak;

std::vector<double> window_weights(int size) {
  std::vector<double> weights(static_cast<std::size_t>(size));
  double sum = 0;
  for (int i = 0; i < size; ++i) {
    const double from_middle = i - (size - 1) / 2.0;
    weights[static_cast<std::size_t>(i)] =
        std::exp(-from_middle * from_middle / (2 * kDeviation * kDeviation));
    sum += weights[static_cast<std::size_t>(i)];
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

// Weighted means over all windows of a picture [height, width].
class Windows {
 public:
  Windows(int height, int width)
      : height_(height),
        width_(width),
        down_(window_weights(std::min(kWindow, height))),
        across_(window_weights(std::min(kWindow, width))) {}

  std::vector<double> means(const std::vector<double>& picture) const {
    const auto width = static_cast<std::size_t>(width_);
    const std::size_t columns = width - across_.size() + 1;
    const std::size_t rows = static_cast<std::size_t>(height_) - down_.size() + 1;
    std::vector<double> summed(rows * width, 0.0), out(rows * columns, 0.0);
    for (std::size_t y = 0; y < rows; ++y)
      for (std::size_t i = 0; i < down_.size(); ++i)
        for (std::size_t x = 0; x < width; ++x)
          summed[y * width + x] += down_[i] * picture[(y + i) * width + x];
    for (std::size_t y = 0; y < rows; ++y)
      for (std::size_t i = 0; i < across_.size(); ++i)
        for (std::size_t x = 0; x < columns; ++x)
          out[y * columns + x] += across_[i] * summed[y * width + x + i];
    return out;
  }

 private:
  int height_, width_;
  std::vector<double> down_, across_;
};

std::vector<double> channel_of(const Frames& frames, int frame, int channel) {
  const auto places = static_cast<std::size_t>(frames.height) * frames.width;
  std::vector<double> picture(places);
  for (std::size_t i = 0; i < places; ++i)
    picture[i] = frames.frame(frame)[i * kChannels + static_cast<std::size_t>(channel)];
  return picture;
}

std::vector<double> product(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = a[i] * b[i];
  return out;
}

double similarity(const std::vector<double>& a, const std::vector<double>& b,
                  const Windows& windows) {
  const std::vector<double> mean_a = windows.means(a), mean_b = windows.means(b),
                            aa = windows.means(product(a, a)), bb = windows.means(product(b, b)),
                            ab = windows.means(product(a, b));
  double sum = 0;
  for (std::size_t i = 0; i < mean_a.size(); ++i) {
    const double ma = mean_a[i], mb = mean_b[i];
    sum += (2 * ma * mb + kOfMeans) * (2 * (ab[i] - ma * mb) + kOfVariances) /
           ((ma * ma + mb * mb + kOfMeans) * (aa[i] - ma * ma + bb[i] - mb * mb + kOfVariances));
  }
  return sum / static_cast<double>(mean_a.size());
}

}  // namespace

double psnr_of(double mean_squared_error, double peak) {
  if (mean_squared_error <= 0) return kMostPsnr;
  return std::min(kMostPsnr, 10 * std::log10(peak * peak / mean_squared_error));
}

Quality picture_quality(const Frames& made, const Frames& real) {
  if (made.count != real.count || made.height != real.height || made.width != real.width ||
      made.rgb.empty() || made.rgb.size() != real.rgb.size())
    throw std::invalid_argument(
        fmt::format("picture_quality: {} frames of {}x{} beside {} of {}x{}", made.count,
                    made.width, made.height, real.count, real.width, real.height));
  double squares = 0;
  for (std::size_t i = 0; i < made.rgb.size(); ++i) {
    const double difference = static_cast<double>(made.rgb[i]) - static_cast<double>(real.rgb[i]);
    squares += difference * difference;
  }
  const Windows windows(made.height, made.width);
  const std::int64_t pictures = std::int64_t{made.count} * kChannels;
  std::vector<double> similarities(static_cast<std::size_t>(pictures));
  parallel_for(
      pictures,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          const int frame = static_cast<int>(i / kChannels),
                    channel = static_cast<int>(i % kChannels);
          similarities[static_cast<std::size_t>(i)] = similarity(
              channel_of(made, frame, channel), channel_of(real, frame, channel), windows);
        }
      },
      1);
  double sum = 0;
  for (const double each : similarities) sum += each;
  return {{"psnr", psnr_of(squares / static_cast<double>(made.rgb.size()), kPeak)},
          {"ssim", sum / static_cast<double>(pictures)}};
}

std::string describe_quality(const std::string& name, double value) {
  if (name == "psnr") return fmt::format("PSNR {:.1f} dB", value);
  return fmt::format("SSIM {:.3f}", value);
}

}  // namespace muybridge
