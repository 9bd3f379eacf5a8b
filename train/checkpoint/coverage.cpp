#include "train/checkpoint/coverage.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <unordered_map>

#include "core/error.h"

namespace muybridge {
namespace {

struct Run {
  std::int64_t begin;
  std::int64_t end;
};

std::int64_t end_of(const Slice& slice) {
  return slice.begin + (slice.count - 1) * slice.stride + slice.length;
}

// Whether the runs lie in [0, elements) and do not touch each other.
bool is_sound(const Slice& slice, std::int64_t elements) {
  if (slice.length < 1 || slice.count < 1 || slice.begin < 0) return false;
  if (slice.count == 1) return slice.length <= elements - slice.begin;
  if (slice.stride < slice.length || slice.count > elements || slice.stride > elements)
    return false;
  std::int64_t last = 0;
  return !__builtin_mul_overflow(slice.count - 1, slice.stride, &last) &&
         !__builtin_add_overflow(last, slice.begin, &last) && last <= elements - slice.length;
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// Elements that both slices have, where there are any.
std::optional<Run> shared_run(const Slice& a, const Slice& b) {
  if (a.count > 1 && b.count > 1 && a.stride != b.stride) {
    const Slice& few = a.count < b.count ? a : b;
    const Slice& many = a.count < b.count ? b : a;
    for (std::int64_t i = 0; i < few.count; ++i)
      if (const auto run = shared_run(Slice::range(few.begin + i * few.stride, few.length), many))
        return run;
    return std::nullopt;
  }
  // Run i of a and run j of b meet where, with k = i - j, b.begin - a.begin lies within
  // (k * stride - b.length, k * stride + a.length).
  const std::int64_t stride = a.count > 1 ? a.stride : b.count > 1 ? b.stride : 1;
  const std::int64_t apart = b.begin - a.begin;
  std::int64_t k = 0;
  if (a.count > 1 || b.count > 1) {
    k = std::max(floor_div(apart - a.length, stride) + 1, -(b.count - 1));
    if (k > a.count - 1) return std::nullopt;
  }
  if (k * stride >= apart + b.length || k * stride + a.length <= apart) return std::nullopt;
  const std::int64_t i = std::max<std::int64_t>(k, 0), j = i - k;
  const std::int64_t of_a = a.begin + i * stride, of_b = b.begin + j * stride;
  return Run{std::max(of_a, of_b), std::min(of_a + a.length, of_b + b.length)};
}

// The first elements of [0, elements) that no slice has; the slices share none.
Run gap_of(const std::vector<Slice>& slices, std::int64_t elements) {
  std::vector<Run> runs;
  for (const Slice& slice : slices)
    for (std::int64_t i = 0; i < slice.count; ++i) {
      const std::int64_t begin = slice.begin + i * slice.stride;
      runs.push_back({begin, begin + slice.length});
    }
  std::ranges::sort(runs, {}, &Run::begin);
  std::int64_t covered = 0;
  for (const Run& run : runs) {
    if (run.begin > covered) return {covered, run.begin};
    covered = run.end;
  }
  return {covered, elements};
}

// Empty when the slices tile [0, elements): when no two share an element and their sum is that.
std::string gap_or_overlap(std::vector<Slice>& slices, std::int64_t elements) {
  std::ranges::sort(slices, {}, &Slice::begin);
  std::vector<Slice> open;  // those that reach beyond where the next one begins
  std::int64_t sum = 0;
  for (const Slice& slice : slices) {
    std::erase_if(open, [&](const Slice& other) { return end_of(other) <= slice.begin; });
    for (const Slice& other : open)
      if (const auto twice = shared_run(other, slice))
        return fmt::format("has elements [{}, {}) twice", twice->begin, twice->end);
    open.push_back(slice);
    sum += slice.numel();
  }
  if (sum == elements) return {};
  const Run gap = gap_of(slices, elements);
  return fmt::format("lacks elements [{}, {})", gap.begin, gap.end);
}

}  // namespace

std::string coverage_defect(const Catalogue& parameters, std::span<const RankFile> files) {
  std::unordered_map<std::string, std::size_t> index;
  for (const ManifestParameter& parameter : parameters)
    if (!index.emplace(parameter.name, index.size()).second)
      return fmt::format("parameter {} is listed twice", parameter.name);
  std::array<std::vector<std::vector<Slice>>, kStateKinds.size()> slices;
  for (const RankFile& file : files) {
    for (const StoredPiece& piece : file.pieces) {
      const auto found = index.find(piece.name);
      if (found == index.end() || !is_sound(piece.slice, parameters[found->second].shape.numel()))
        return fmt::format("{} of {} is no part of a parameter", piece.data_set(), file.name);
      auto& of_kind = slices[static_cast<std::size_t>(piece.kind)];
      of_kind.resize(parameters.size());
      of_kind[found->second].push_back(piece.slice);
    }
  }
  slices[static_cast<std::size_t>(StateKind::kMaster)].resize(parameters.size());
  for (const StateKind kind : kStateKinds) {
    auto& of_kind = slices[static_cast<std::size_t>(kind)];
    for (std::size_t i = 0; i < of_kind.size(); ++i) {
      const std::string defect = gap_or_overlap(of_kind[i], parameters[i].shape.numel());
      if (!defect.empty())
        return fmt::format("{} of {} {}", name_of(kind), parameters[i].name, defect);
    }
  }
  return {};
}

void require_coverage(const Catalogue& parameters, std::span<const RankFile> files,
                      const std::string& where) {
  const std::string defect = coverage_defect(parameters, files);
  if (!defect.empty())
    fail(ExitCode::kInternal, "{}: the ranks' slices do not make the state: {}", where, defect);
}

}  // namespace muybridge
