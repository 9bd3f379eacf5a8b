#pragma once

#include "core/parameters.h"

namespace muybridge {

// While one of these is alive the model computes with other weights, such as the average. `flat` is
// in the order of the parameters.
class WeightsScope {
 public:
  WeightsScope(const Parameters& parameters, const Tensor& flat)
      : compute_(parameters.compute()), saved_(compute_.clone()) {
    compute_.copy_from(flat.to(compute_.dtype()));
  }
  ~WeightsScope() { compute_.copy_from(saved_); }
  WeightsScope(const WeightsScope&) = delete;
  WeightsScope& operator=(const WeightsScope&) = delete;

 private:
  Tensor compute_;
  Tensor saved_;
};

}  // namespace muybridge
