#pragma once

#include <cstdint>

#include "core/dtype.h"

// A functor is a small struct of raw pointers and sizes whose call operator is MUY_HD;
// core/launch.h runs it over tensors, on the CPU and on CUDA. The header of a functor ends with
// what it is built for on CUDA, a line for each launcher, in namespace muybridge:
//
//   MUY_FLOATS(MUY_ELEMENTS, Silu)          Silu<float>, Silu<bf16>, Silu<double>
//   MUY_ROWS(LayerNorm<bf16, float>)
//   MUY_ROWS_SUM(float, ColumnSum<bf16>)    with sums of float
//
// The sources that build the launchers (core/cuda/instances_*.cu, and core/cuda_stubs.cpp where
// there is no toolkit) give these macros a meaning before they include core/cuda/functors.h. All
// others read over them.
#ifndef MUY_ELEMENTS
#define MUY_ELEMENTS(...)
#endif
#ifndef MUY_ROWS
#define MUY_ROWS(...)
#endif
#ifndef MUY_ROWS_SUM
#define MUY_ROWS_SUM(sum, ...)
#endif

// A template cannot stand in parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define MUY_FLOATS(launcher, functor) \
  launcher(functor<float>) launcher(functor<bf16>) launcher(functor<double>)
// Sums in the accumulator of the element type, or all in f64.
#define MUY_FLOATS_SUM(functor)       \
  MUY_ROWS_SUM(float, functor<float>) \
  MUY_ROWS_SUM(float, functor<bf16>)  \
  MUY_ROWS_SUM(double, functor<double>)
#define MUY_FLOATS_SUM_F64(functor)    \
  MUY_ROWS_SUM(double, functor<float>) \
  MUY_ROWS_SUM(double, functor<bf16>)  \
  MUY_ROWS_SUM(double, functor<double>)
// NOLINTEND(bugprone-macro-parentheses)
