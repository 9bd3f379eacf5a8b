#pragma once

#include <vector>

#include "core/parameters.h"

namespace muybridge {

// While one of these is alive the model computes with other weights, such as the average. `flat` is
// in the order of the parameters.
class WeightsScope {
 public:
  WeightsScope(const Parameters& parameters, const Tensor& flat) {
    for (const Parameter& parameter : parameters.list()) {
      const Tensor& value = values_.emplace_back(parameter.var.value());
      saved_.push_back(value.clone());
      value.copy_from(parameters.slice(flat, parameter).to(value.dtype()));
    }
  }
  ~WeightsScope() {
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i].copy_from(saved_[i]);
  }
  WeightsScope(const WeightsScope&) = delete;
  WeightsScope& operator=(const WeightsScope&) = delete;

 private:
  std::vector<Tensor> values_;
  std::vector<Tensor> saved_;
};

}  // namespace muybridge
