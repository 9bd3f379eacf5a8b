#include "data/media/picture/palette.h"

#include <algorithm>

namespace muybridge {
namespace {

constexpr std::size_t kCells = std::size_t{1} << 15;
constexpr std::size_t kMostColors = 256;

struct Cell {
  std::size_t number = 0;
  std::int64_t pixels = 0;
  std::array<std::int64_t, 3> sum{};

  double mean(int channel) const {
    return static_cast<double>(sum[channel]) / static_cast<double>(pixels);
  }
};
using Box = std::vector<Cell>;

std::int64_t pixels_of(const Box& box) {
  std::int64_t pixels = 0;
  for (const Cell& cell : box) pixels += cell.pixels;
  return pixels;
}

// The channel in which the cells of a box lie farthest apart, and how far.
std::pair<int, double> widest(const Box& box) {
  std::pair<int, double> best{0, 0};
  for (int channel = 0; channel < 3; ++channel) {
    const auto [low, high] = std::ranges::minmax_element(
        box, {}, [channel](const Cell& cell) { return cell.mean(channel); });
    const double range = high->mean(channel) - low->mean(channel);
    if (range > best.second) best = {channel, range};
  }
  return best;
}

// Cuts a box of two cells or more so that both parts stand for about as many pixels.
Box cut(Box& box) {
  const int channel = widest(box).first;
  std::ranges::sort(box, {}, [channel](const Cell& cell) { return cell.mean(channel); });
  const std::int64_t half = pixels_of(box) / 2;
  std::size_t first = 1;
  for (std::int64_t before = box[0].pixels; first + 1 < box.size() && before < half; ++first)
    before += box[first].pixels;
  Box rest(box.begin() + static_cast<std::ptrdiff_t>(first), box.end());
  box.resize(first);
  return rest;
}

// What a cut would gain: many pixels, far apart. Nothing for a box that is one cell.
double worth(const Box& box) {
  return box.size() < 2 ? 0 : widest(box).second * static_cast<double>(pixels_of(box));
}

}  // namespace

Palette::Palette(const Frames& frames) : places_(kCells) {
  std::vector<Cell> cells(kCells);
  for (std::size_t i = 0; i + 2 < frames.rgb.size(); i += 3) {
    Cell& cell = cells[Palette::cell(&frames.rgb[i])];
    ++cell.pixels;
    for (std::size_t channel = 0; channel < 3; ++channel)
      cell.sum[channel] += frames.rgb[i + channel];
  }
  Box all;
  for (std::size_t number = 0; number < kCells; ++number) {
    if (cells[number].pixels == 0) continue;
    all.push_back(cells[number]);
    all.back().number = number;
  }
  std::vector<std::pair<double, Box>> boxes;
  boxes.emplace_back(worth(all), std::move(all));
  while (boxes.size() < kMostColors) {
    const auto best = std::ranges::max_element(boxes, {}, &std::pair<double, Box>::first);
    if (best->first <= 0) break;
    Box rest = cut(best->second);
    best->first = worth(best->second);
    boxes.emplace_back(worth(rest), std::move(rest));
  }
  for (const auto& [gain, box] : boxes) {
    std::array<std::int64_t, 3> sum{};
    for (const Cell& cell : box)
      for (std::size_t channel = 0; channel < 3; ++channel) sum[channel] += cell.sum[channel];
    const std::int64_t pixels = std::max<std::int64_t>(pixels_of(box), 1);
    for (const Cell& cell : box) places_[cell.number] = static_cast<std::uint8_t>(colors_.size());
    Color color{};
    for (std::size_t channel = 0; channel < 3; ++channel)
      color[channel] = static_cast<std::uint8_t>((sum[channel] + pixels / 2) / pixels);
    colors_.push_back(color);
  }
}

}  // namespace muybridge
