#pragma once

#include <span>

#include "core/tensor.h"

namespace muybridge {

// target += source, of any two floating types; the same shape. The sum is rounded to target's type.
void accumulate(const Tensor& target, const Tensor& source);

// target = source, of any two different floating types; the same shape, on the same device, where
// it is done. Rounded to target's type.
void cast(const Tensor& source, const Tensor& target);

// x *= factor, in place.
void scale_in_place(const Tensor& x, double factor);

// y = a x + b y, in place; the same type and shape.
void blend(double a, const Tensor& x, double b, const Tensor& y);

// The sum of squares of all elements: of 1024 at a time in f32 (f64 for f64), of these sums in f64,
// in an order that does not depend on threads.
double sum_of_squares(const Tensor& x);
// Of all of them, added up in their order; they lie on one device, which is waited for once.
double sum_of_squares(std::span<const Tensor> tensors);

// The sum of each column over all rows of x [.., N], in f32 (f64 for f64), in a fixed order: [N].
Tensor column_sums(const Tensor& x);

}  // namespace muybridge
