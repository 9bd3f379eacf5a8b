#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/initializer.h"
#include "core/tape.h"

namespace muybridge {

struct ParameterSpec {
  std::string name;
  Shape shape;
  Initializer init = Constant{0};
  bool decay = false;   // whether weight decay applies
  bool hidden = false;  // a matrix from hidden states to hidden states
  // Whether ops compute with the master itself where others get its rounded copy: for the few
  // numbers whose rounding would move a whole clip, such as what is made of its time.
  bool wide = false;
};

struct Parameter {
  ParameterSpec spec;
  std::int64_t offset = 0;  // of its first element in the flat tensors
  Var var;
};

// The parameters of a model, in the order they were added. Layers add them when they are built,
// which costs no memory; `allocate` then places all of them in three flat tensors, so that an
// optimizer, a reducer or a checkpoint works on slices and never on a list of small pieces.
// Each begins at a multiple of 16 elements; elements between stay zero.
class Parameters {
 public:
  // The Var has no value before allocate(). Throws std::invalid_argument on a second of one name.
  Var add(ParameterSpec spec);

  // Draws the initial values (core/initializer.h). `compute` is the element type of the Vars'
  // values, but of those that are `wide`; master and gradients are f32 (f64 where compute is f64).
  void allocate(DType compute, std::uint64_t seed, Device device = Device::kCpu);

  const std::vector<Parameter>& list() const { return list_; }
  const Parameter* find(const std::string& name) const;
  std::int64_t count() const;  // elements, without the gaps
  std::int64_t flat_size() const { return flat_size_; }

  const Tensor& master() const { return master_; }    // [flat_size]
  const Tensor& compute() const { return compute_; }  // the same handle where types are the same
  const Tensor& gradients() const { return gradients_; }
  // A parameter's part of any flat tensor, in the parameter's shape.
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
