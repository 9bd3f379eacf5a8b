#include "train/checkpoint/checkpoint_reader.h"

#include <algorithm>

#include "core/error.h"

namespace muybridge {
namespace {

// Copies the elements that a stored piece shares with [begin, begin + out.numel()).
template <class T>
void copy_shared(const Slice& slice, const T* stored, std::int64_t begin, const Tensor& out) {
  const std::int64_t end = begin + out.numel();
  for (std::int64_t i = 0; i < slice.count; ++i) {
    const std::int64_t run = slice.begin + i * slice.stride;
    const std::int64_t low = std::max(begin, run);
    const std::int64_t high = std::min(end, run + slice.length);
    if (low < high)
      std::copy_n(stored + i * slice.length + (low - run), high - low, out.data<T>() + low - begin);
  }
}

bool touches(const Slice& slice, std::int64_t begin, std::int64_t end) {
  return slice.begin < end && slice.begin + (slice.count - 1) * slice.stride + slice.length > begin;
}

}  // namespace

CheckpointReader::CheckpointReader(const std::filesystem::path& commit)
    : path_(commit), manifest_(read_manifest(commit)) {
  for (const RankFile& file : manifest_.files)
    for (const StoredPiece& piece : file.pieces)
      places_[{piece.kind, piece.name}].push_back({&file, &piece});
}

void CheckpointReader::verify(int share, int shares) const {
  for (std::size_t i = static_cast<std::size_t>(share); i < manifest_.files.size();
       i += static_cast<std::size_t>(shares))
    verify_rank_file(path_ / manifest_.files[i].name, manifest_.files[i]);
}

const RankFileReader& CheckpointReader::open(const RankFile& file) const {
  const auto found = open_.find(file.name);
  if (found != open_.end()) return found->second;
  verify_rank_file(path_ / file.name, file);
  return open_.emplace(file.name, RankFileReader(path_ / file.name)).first->second;
}

void CheckpointReader::read(StateKind kind, const std::string& name, std::int64_t begin,
                            const Tensor& out) const {
  const ManifestParameter* parameter = manifest_.find(name);
  const auto places = places_.find({kind, name});
  const std::int64_t end = begin + out.numel();
  if (!parameter || places == places_.end() || begin < 0 || end > parameter->shape.numel())
    fail(ExitCode::kUsage, "{} has no elements [{}, {}) of the {} of {}", path_.string(), begin,
         end, name_of(kind), name);
  const Shape flat{out.numel()};
  const bool in_place = out.device() == Device::kCpu && out.dtype() == manifest_.dtype;
  const Tensor host = in_place ? out.reshape(flat) : Tensor::empty(flat, manifest_.dtype);
  for (const Place& place : places->second) {
    if (!touches(place.piece->slice, begin, end)) continue;
    const Tensor stored = open(*place.file).read(*place.piece);
    dispatch_float(stored.dtype(), "checkpoint", [&]<class T>() {
      copy_shared(place.piece->slice, stored.data<T>(), begin, host);
    });
  }
  if (!in_place) out.reshape(flat).copy_from(host.to(out.dtype()).to(out.device()));
}

}  // namespace muybridge
