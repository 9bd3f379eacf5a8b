#pragma once

// The front end writes plans as JSON, with a library of its own that writes an f32 in its own way:
// under another name than the library of the rest of the program has.
#ifdef INCLUDE_NLOHMANN_JSON_HPP_
#error "include this before nlohmann/json.hpp, and compile it without the precompiled headers"
#endif
#define NLOHMANN_JSON_NAMESPACE_NO_VERSION 1
#include <cudnn_frontend.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "core/cuda/plan_target.h"
#include "core/system/plan_files.h"

// What the sources that make graphs of cuDNN share; its front end takes long to parse, so no other
// includes this.
namespace muybridge::cuda {

namespace fe = cudnn_frontend;

// Which of the plans that cuDNN has for a graph is taken: the first that is left.
struct PlanChoice {
  std::vector<fe::HeurMode_t> modes;  // asked in this order
  std::vector<fe::NumericalNote_t> unwanted;
  std::int64_t most_workspace = std::numeric_limits<std::int64_t>::max();  // bytes
};

// A graph with nothing in it, of operands in `io` and sums in f32.
std::unique_ptr<fe::graph::Graph> empty_graph(fe::DataType_t io, const PlanTarget& target);

struct PlannedGraph {
  std::unique_ptr<fe::graph::Graph> graph;
  bool from_file = false;
  fe::error_t status;     // where it is bad the graph has no plan
  const char* step = "";  // of the front end, which the status is of
};

// Gives a graph its plan: from `files` where they have it; else it is compiled, in about a second,
// and kept there. A plan of theirs is for the whole graph and this choice, made by this cuDNN, for
// a device of this kind and its driver.
PlannedGraph plan(std::unique_ptr<fe::graph::Graph> graph, const PlanChoice& choice,
                  const PlanTarget& target, const PlanFiles& files);

// Throws Error(kInternal) with `what` could not run.
void run(const fe::graph::Graph& graph, cudnnHandle_t handle,
         std::unordered_map<std::int64_t, void*>& tensors, std::int64_t workspace_bytes,
         std::string_view what, bool from_file);

// Of the compute capability.
int major_version(const PlanTarget& target);

// Of a key of plans, which has no padding.
struct PlanKeyHash {
  template <class Key>
  std::size_t operator()(const Key& key) const {
    static_assert(std::has_unique_object_representations_v<Key>);
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(&key), sizeof key});
  }
};

}  // namespace muybridge::cuda
