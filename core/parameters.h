#pragma once

#include <cstdint>
#include <functional>
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
  int unit = -1;            // see Parameters::set_unit; -1: of none
  bool frozen = false;      // see Parameters::freeze
  std::int64_t offset = 0;  // of its first element in the flat tensors, once allocated; -1: frozen
  Var var;

  Slice slice() const { return share_slice(spec.shape, split); }
};

// Elements [begin, end) of a rank's flat tensors.
struct FlatRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  std::int64_t size() const { return end - begin; }
  bool operator==(const FlatRange&) const = default;
};
using FlatRanges = std::vector<FlatRange>;  // ascending, apart

// What ranks that hold copies of the same parameters divide among them instead, each time with what
// is named before (ZeRO, Rajbhandari et al. 2020, arXiv:1910.02054).
enum class Sharing : std::uint8_t {
  kNothing,
  kState,      // master weights and what an optimizer keeps
  kGradients,  // of parameters of units
  kValues,     // of parameters of units
};

struct SharingPlan {
  struct Share {
    int part = 0, parts = 1;
  };
  Sharing what = Sharing::kNothing;
  std::function<Share(int copies)> share = {};  // of this rank; not asked where nothing is shared
};

// Parameters that lie together in the flat tensors: elements [begin, begin + count). Where the
// state is shared they are of one unit and one element type, too.
struct ParameterRange {
  int copies = 0;
  int unit = -1;
  bool wide = false;
  std::int64_t begin = 0;
  std::int64_t count = 0;
  FlatRange kept;          // the elements of which this rank keeps the state
  std::int64_t state = 0;  // where those begin in tensors of the state
  // [count]; undefined where they are not there all the time. Values, too, where no state is
  // shared: a range has both types then, see Parameters::compute.
  Tensor values = {};
  Tensor gradients = {};
  // [kept.size()]: where their summed gradients arrive, and the values that follow from the master,
  // undefined where they are the master or not there all the time.
  Tensor kept_gradients = {};
  Tensor kept_values = {};

  bool is_shared() const { return kept.size() < count; }
  // The kept elements in a tensor [count], and in a tensor of the state.
  Tensor kept_of(const Tensor& range) const { return range.rows(kept.begin - begin, kept.size()); }
  Tensor state_of(const Tensor& tensor) const { return tensor.rows(state, kept.size()); }
};

// The parameters of a model, or of what a rank holds of it, in the order they were added. Layers
// add them when they are built, which costs no memory; the layout may then say what of each this
// rank holds; `allocate` places all of them in few flat tensors, so that an optimizer, a reducer
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

  // Before allocate(): the parameter belongs to a part of the model whose values and gradients may
  // be there only while it runs, such as a block. Not negative.
  void set_unit(const Var& var, int unit);

  // Before allocate(): the model computes with the parameter and nobody trains it. It has a value,
  // zero until `fill`, and nothing else: no gradient, no master, no place in the flat tensors, and
  // all of it is here, whatever is shared.
  void freeze(const Var& var);
  void freeze();  // all of them

  // Draws the initial values (core/initializer.h), a share those that the whole has there. Those of
  // one `copies` lie together, ascending. `compute` is the element type of the Vars' values, but of
  // those that are `wide`; state and gradients are f32 (f64 where compute is f64). Where the state
  // is shared, values are those of the shares that this rank keeps, until the others' arrive
  // (parallel/zero/).
  void allocate(DType compute, std::uint64_t seed, Device device = Device::kCpu,
                const SharingPlan& plan = {});

  const std::vector<Parameter>& list() const { return list_; }
  const Parameter* find(const std::string& name) const;
  const Parameter& of(const Var& var) const { return list_[static_cast<std::size_t>(var.tag())]; }
  std::int64_t count() const;       // elements of the whole of each, without the gaps
  std::int64_t held_count() const;  // of what this rank holds of each
  std::int64_t flat_size() const { return flat_size_; }

  Sharing sharing() const { return sharing_; }
  DType value_type() const { return value_type_; }  // of those that are not wide
  const std::vector<ParameterRange>& ranges() const { return ranges_; }  // ascending
  const ParameterRange& range_of(const Parameter& parameter) const;
  FlatRanges held() const;  // of which this rank keeps the state

  // A tensor of the state: the elements held, one after another; [flat_size] where nothing is
  // shared.
  const Tensor& master() const { return master_; }
  // Both [flat_size]; undefined where not all of it is there all the time. Values of one type are
  // the master itself.
  const Tensor& compute() const { return compute_; }
  const Tensor& gradients() const { return gradients_; }
  // A part of any tensor [flat_size], in the shape that this rank holds of a parameter that is not
  // frozen.
  Tensor slice(const Tensor& flat, const Parameter& parameter) const;

  // Makes `values`, of the shape that this rank holds, those of the parameter, and of its master,
  // which may not be shared.
  void fill(const Parameter& parameter, const Tensor& values) const;

  void zero_gradients() const;
  // Rounds a tensor of the state, such as the master, into the values that follow from it.
  void round_to_values(const Tensor& state) const;

 private:
  void lay_out(const SharingPlan& plan);
  void draw(std::uint64_t seed, const Tensor& master) const;
  void place_values();
  void place_gradients();
  void place_frozen(Device device);

  std::vector<Parameter> list_;
  std::int64_t flat_size_ = 0;
  Sharing sharing_ = Sharing::kNothing;
  DType value_type_ = DType::kF32;
  std::vector<ParameterRange> ranges_;
  Tensor master_;
  Tensor compute_;
  Tensor gradients_;
};

}  // namespace muybridge
