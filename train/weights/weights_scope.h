#pragma once

#include <vector>

#include "core/parameters.h"
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
    for (const Parameter& parameter : parameters.list())
      if (const Tensor& value = parameter.var.value(); value.defined() && !parameter.frozen) {
        values_.push_back(value);
        saved_.push_back(value.clone());
      }
    if (parameters.sharing() == Sharing::kNothing) {
      for (const Parameter& parameter : parameters.list())
        if (const Tensor& value = parameter.var.value(); !parameter.frozen)
          value.copy_from(parameters.slice(state, parameter).to(value.dtype()));
      return;
    }
    try {
      parameters.round_to_values(state);
      spread_values(parameters, mesh);
      store_.hold_values(state);
    } catch (...) {
      restore();
      throw;
    }
  }
  ~WeightsScope() { restore(); }
  WeightsScope(const WeightsScope&) = delete;
  WeightsScope& operator=(const WeightsScope&) = delete;

 private:
  void restore() {
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i].copy_from(saved_[i]);
    store_.let_go();
  }

  UnitStore& store_;
  std::vector<Tensor> values_;
  std::vector<Tensor> saved_;
};

}  // namespace muybridge
