#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/initializer.h"
#include "core/slice.h"
#include "core/tape.h"

namespace muybridge {

struct ParameterSpec {
  std::string name;
  Shape shape;  // of the whole
  Initializer init = Constant{0};
  bool decay = false;   // whether weight decay applies
  bool hidden = false;  // a matrix from hidden states to hidden states
  // Whether ops compute with the master itself where others get its rounded copy: for the few
  // numbers whose rounding would move a whole clip, such as what is made of its time.
  bool wide = false;
};

struct Parameter {
  ParameterSpec spec;
  Split split;              // what of it this rank holds
  Shape shape;              // of that
  int copies = 0;           // see Parameters::place
  std::int64_t offset = 0;  // of its first element in the flat tensors, once allocated
  Var var;

  Slice slice() const { return share_slice(spec.shape, split); }
};

// Parameters that lie together in the flat tensors: elements [begin, begin + count).
struct CopiesRange {
  int copies = 0;
  std::int64_t begin = 0;
  std::int64_t count = 0;
};

// The parameters of a model, or of what a rank holds of it, in the order they were added. Layers
// add them when they are built, which costs no memory; the layout may then say what of each this
// rank holds; `allocate` places all of them in three flat tensors, so that an optimizer, a reducer
// or a checkpoint works on slices and never on a list of small pieces. Each begins at a multiple of
// 16 elements; elements between stay zero.
class Parameters {
 public:
  // The Var has no value before allocate(). Throws std::invalid_argument on a second of one name.
  Var add(ParameterSpec spec);

  // Before allocate(): this rank holds a share of the parameter, and the ranks whose gradients of
  // it are summed are those of number `copies` (which says the layout). Throws
  // std::invalid_argument where it cannot be split so.
  void place(const Var& var, const Split& split, int copies);

  // Draws the initial values (core/initializer.h), a share those that the whole has there. Those of
  // one `copies` lie together, ascending. `compute` is the element type of the Vars'
  // values, but of those that are `wide`; master and gradients are f32 (f64 where compute is f64).
  void allocate(DType compute, std::uint64_t seed, Device device = Device::kCpu);

  const std::vector<Parameter>& list() const { return list_; }
  const Parameter* find(const std::string& name) const;
  const Parameter& of(const Var& var) const { return list_[static_cast<std::size_t>(var.tag())]; }
  std::int64_t count() const;  // elements of the whole of each, without the gaps
  std::vector<CopiesRange> ranges() const;
  std::int64_t flat_size() const { return flat_size_; }

  const Tensor& master() const { return master_; }    // [flat_size]
  const Tensor& compute() const { return compute_; }  // the same handle where types are the same
  const Tensor& gradients() const { return gradients_; }
  // A parameter's part of any flat tensor, in the shape that this rank holds.
  Tensor slice(const Tensor& flat, const Parameter& parameter) const;

  void zero_gradients() const { gradients_.fill_zero(); }
  // Rounds master into the compute copy of elements [begin, begin + count).
  void round_to_compute(std::int64_t begin, std::int64_t count) const;

 private:
  std::vector<Parameter> list_;
  std::int64_t flat_size_ = 0;
  Tensor master_;
  Tensor compute_;
  Tensor gradients_;
};

}  // namespace muybridge
