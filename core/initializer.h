#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/slice.h"

namespace muybridge {

// How a parameter starts: one of the kinds below. Random numbers are keyed by (seed, name of the
// parameter, or `key` where one is given, place of the element in the whole parameter).

struct Constant {
  float value = 0;
};

// Each row is one constant: shape [rows.size(), ..].
struct RowConstants {
  std::vector<float> rows;
};

// The numbers themselves, row-major.
struct Values {
  std::vector<float> values;
};

struct Normal {
  float deviation = 1;
};

// Weights [out, in], uniform with variance gain^2 2 / (in + out) (Glorot and Bengio 2010).
struct Glorot {
  float gain = 1;
};

// Matrices: columns of length 1 at right angles where it is tall, rows where it is wide. Of two
// shapes that are each other's transpose one `key` draws matrices that are, too.
struct Orthonormal {
  std::string key;
};

using Initializer = std::variant<Constant, RowConstants, Values, Normal, Glorot, Orthonormal>;

// Throws std::invalid_argument when a parameter of this shape cannot start so.
void require_fit(const Initializer& initializer, std::string_view name, const Shape& shape);

// The slice's elements of the whole parameter, the same whoever asks for them; `out` has room for
// slice.numel() of T, float or double. All kinds but Orthonormal cost what the slice costs.
template <class T>
void initialise(const Initializer& initializer, std::string_view name, const Shape& shape,
                std::uint64_t seed, const Slice& slice, std::span<T> out);

}  // namespace muybridge
