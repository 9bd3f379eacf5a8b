#include "train/checkpoint/checkpoint_reader.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "core/error.h"

namespace muybridge {
namespace {

std::int64_t end_of(const Slice& slice) {
  return slice.begin + (slice.count - 1) * slice.stride + slice.length;
}

// The first run that ends after `element`.
std::int64_t first_run_after(const Slice& slice, std::int64_t element) {
  if (slice.count == 1 || element < slice.begin + slice.length) return 0;
  return (element - slice.begin - slice.length) / slice.stride + 1;
}

// Calls visit(stored, wanted, length) for each run of elements that both slices have, ascending;
// the first two are its places in either slice's own order.
template <class Visit>
void for_each_shared(const Slice& stored, const Slice& wanted, const Visit& visit) {
  std::int64_t i = first_run_after(stored, wanted.begin);
  std::int64_t j = first_run_after(wanted, stored.begin);
  while (i < stored.count && j < wanted.count) {
    const std::int64_t a = stored.begin + i * stored.stride, b = wanted.begin + j * wanted.stride;
    const std::int64_t low = std::max(a, b);
    const std::int64_t high = std::min(a + stored.length, b + wanted.length);
    if (low < high) visit(i * stored.length + low - a, j * wanted.length + low - b, high - low);
    if (a + stored.length <= b + wanted.length)
      ++i;
    else
      ++j;
  }
}

}  // namespace

CheckpointReader::CheckpointReader(const std::filesystem::path& commit)
    : path_(commit), manifest_(read_manifest(commit)) {
  for (const ManifestParameter& parameter : manifest_.parameters)
    parameters_[parameter.name] = &parameter;
  for (const RankFile& file : manifest_.files)
    for (const StoredPiece& piece : file.pieces)
      places_[{piece.kind, piece.name}].push_back({&file, &piece});
  for (auto& [key, places] : places_)
    std::ranges::sort(places, {}, [](const Place& place) { return place.piece->slice.begin; });
}

void CheckpointReader::verify_files(int share, int shares) const {
  for (std::size_t i = static_cast<std::size_t>(share); i < manifest_.files.size();
       i += static_cast<std::size_t>(shares))
    verify_rank_file(path_ / manifest_.files[i].name, manifest_.files[i]);
}

void CheckpointReader::verify(int share, int shares) const {
  std::uint64_t whole = 0;
  for (const RankFile& file : manifest_.files)
    for (const StoredPiece& piece : file.pieces) whole += piece.bytes();
  // The parts, in order, are dealt out by where their middle lies.
  const auto mine = [&](std::uint64_t middle) {
    return static_cast<int>(static_cast<double>(middle) / static_cast<double>(whole) * shares) ==
           share;
  };
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < manifest_.files.size(); ++i) {
    const RankFile& file = manifest_.files[i];
    if (static_cast<int>(i % static_cast<std::size_t>(shares)) == share) {
      open(file);
      verify_structure(path_ / file.name, file);
    }
    for (const StoredPiece& piece : file.pieces) {
      const std::uint64_t bytes = piece.parts() == 1 ? piece.bytes() : kHashedBytes;
      for (std::uint64_t part = 0; part < piece.parts(); ++part)
        if (mine(before + part * bytes + std::min(bytes, piece.bytes() - part * bytes) / 2))
          open(file).verify(piece, part);
      before += piece.bytes();
    }
  }
}

const RankFileReader& CheckpointReader::open(const RankFile& file) const {
  const auto found = open_.find(&file);
  if (found != open_.end()) return found->second;
  return open_.emplace(&file, RankFileReader(path_ / file.name, file)).first->second;
}

const std::string& CheckpointReader::part_of(const Place& place, std::uint64_t index) const {
  if (last_.piece != place.piece || last_.index != index) {
    last_ = {};
    last_ = {place.piece, index, open(*place.file).read_part(*place.piece, index)};
    bytes_read_ += last_.bytes.size();
  }
  return last_.bytes;
}

template <class T>
void CheckpointReader::copy_shared(const Place& place, const Slice& wanted, T* out) const {
  const bool whole = place.piece->parts() == 1;
  const auto per_part = static_cast<std::int64_t>(whole ? place.piece->slice.numel()
                                                        : std::int64_t{kHashedBytes / sizeof(T)});
  for_each_shared(
      place.piece->slice, wanted, [&](std::int64_t from, std::int64_t to, std::int64_t length) {
        while (length > 0) {
          const std::int64_t index = from / per_part, within = from % per_part;
          const std::int64_t count = std::min(length, per_part - within);
          const std::string& part = part_of(place, static_cast<std::uint64_t>(index));
          std::memcpy(out + to, part.data() + static_cast<std::size_t>(within) * sizeof(T),
                      static_cast<std::size_t>(count) * sizeof(T));
          from += count;
          to += count;
          length -= count;
        }
      });
}

void CheckpointReader::read(StateKind kind, const std::string& name, const Slice& slice,
                            const Tensor& out) const {
  const auto parameter = parameters_.find(name);
  const auto places = places_.find({kind, name});
  if (out.numel() != slice.numel())
    throw std::invalid_argument(
        fmt::format("checkpoint: {} elements of {} into {}", slice.numel(), name, out.shape()));
  if (parameter == parameters_.end() || places == places_.end() || slice.begin < 0 ||
      end_of(slice) > parameter->second->shape.numel())
    fail(ExitCode::kUsage, "{} has no elements [{}, {}) of the {} of {}", path_.string(),
         slice.begin, end_of(slice), name_of(kind), name);
  const Shape flat{out.numel()};
  const bool in_place = out.device() == Device::kCpu && out.dtype() == manifest_.dtype;
  const Tensor host = in_place ? out.reshape(flat) : Tensor::empty(flat, manifest_.dtype);
  dispatch_float(manifest_.dtype, "checkpoint", [&]<class T>() {
    for (const Place& place : places->second) {
      const Slice& stored = place.piece->slice;
      if (stored.begin >= end_of(slice)) break;
      if (end_of(stored) > slice.begin) copy_shared<T>(place, slice, host.data<T>());
    }
  });
  if (!in_place) out.reshape(flat).copy_from(host.to(out.dtype()).to(out.device()));
}

void CheckpointReader::read(StateKind kind, const std::string& name, const Tensor& out) const {
  if (out.numel() > 0) read(kind, name, Slice::range(0, out.numel()), out);
}

}  // namespace muybridge
