#pragma once

#include "core/ops/convolution/convolution_shape.h"
#include "core/tape.h"

namespace muybridge {

// A convolution (cross-correlation) in three dimensions over one clip, channels innermost:
// y[t,h,w,k] = bias[k] + the sum over taps and channels of weight[k,tap,c] times the x that the tap
// falls on, zero outside. x [T,H,W,C], weight [K,kT,kH,kW,C], bias [K] or an empty Var, y
// [T',H',W',K]; one type. Causal in time is before = {kT - 1, .., ..}, or the frames themselves
// ahead of x. The weight's gradient is rounded to that type
// before it is added to what is there. Throws std::invalid_argument where shapes do not fit.
Var convolution(const Var& x, const Var& weight, const Var& bias,
                const ConvolutionOptions& options = {});

}  // namespace muybridge
