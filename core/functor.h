#pragma once

#include <cstdint>

#include "core/team.h"

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
//
// A functor of rows is f(team, row), or f(team, row, sums) (core/team.h). It may say more of
// itself:
//
//   bytes()                    what it moves of memory for an element, or, where it has no columns
//                              or does not ask its team for them, for a row
//   columns()                  how many a row has, of which it makes kGroups sums
//   in_packs()                 whether its rows may be read kPack columns at once
//   kColumnsApart = true       no column depends on another one of its row
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

namespace muybridge::functor {

// Whether rows of `width` columns at these places may be read in packs: each begins at a multiple
// of 16 bytes. In f64, which is for checks, none is.
template <class... T>
bool in_packs(std::int64_t width, const T*... rows) {
  constexpr bool kNarrow = ((sizeof(T) <= sizeof(float)) && ...);
  return kNarrow && width % kPack == 0 &&
         ((reinterpret_cast<std::uintptr_t>(rows) % 16 == 0) && ...);
}

}  // namespace muybridge::functor
