#pragma once

#include <vector>

#include "core/parameters.h"
#include "parallel/together.h"
#include "parallel/zero/sharing.h"
#include "parallel/zero/unit_store.h"

namespace muybridge {

// While one of these is alive the model computes with other weights: a tensor of the state, such as
// the average. Where ranks share the state all make one at once, and values that come and go are
// all there for so long.
class WeightsScope {
 public:
  WeightsScope(const Parameters& parameters, const Tensor& state, const Mesh& mesh,
               UnitStore& store)
      : store_(store) {
    try {
      hand_in_hand(*mesh.world(), [&] { put(parameters, state, mesh); });
    } catch (...) {
      if (mesh.world()->size() == 1)
        restore();  // else this rank is lost, and would wait for others
      throw;
    }
  }
  ~WeightsScope() { restore(); }
  WeightsScope(const WeightsScope&) = delete;
  WeightsScope& operator=(const WeightsScope&) = delete;

 private:
  void put(const Parameters& parameters, const Tensor& state, const Mesh& mesh) {
    for (const Parameter& parameter : parameters.list())
      if (const Tensor& value = parameter.var.value(); value.defined() && !parameter.frozen) {
        saved_.push_back(value.clone());
        values_.push_back(value);
      }
    if (parameters.sharing() != Sharing::kNothing) {
      parameters.round_to_values(state);
      spread_values(parameters, mesh);
      return store_.hold_values(state);
    }
    for (const Parameter& parameter : parameters.list())
      if (const Tensor& value = parameter.var.value(); !parameter.frozen)
        value.copy_from(parameters.slice(state, parameter).to(value.dtype()));
  }
  void restore() {
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i].copy_from(saved_[i]);
    store_.let_go();
  }

  UnitStore& store_;
  std::vector<Tensor> values_;
  std::vector<Tensor> saved_;
};

}  // namespace muybridge
