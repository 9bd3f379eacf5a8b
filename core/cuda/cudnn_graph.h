#pragma once

#include <cudnn_frontend.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/cuda/libraries.h"
#include "core/cuda/plan_target.h"
#include "core/error.h"

// What the sources that make graphs of cuDNN share; its front end takes long to parse, so no other
// includes this.
namespace muybridge::cuda {

namespace fe = cudnn_frontend;

// Tells a graph which chip it is for, and returns the handle to build it with: none for a chip.
inline cudnnHandle_t set_target(fe::graph::Graph& graph, const PlanTarget& target) {
  const auto* const chip = std::get_if<DescribedChip>(&target);
  if (!chip) return std::get<cudnnHandle_t>(target);
  dnn_calls();  // opens the library
  const auto properties = std::make_shared<fe::DeviceProperties>();
  std::vector<std::uint8_t> json(chip->json.begin(), chip->json.end());
  json.push_back(0);
  if (fe::error_t status = properties->deserialize(json); status.is_bad())
    fail(ExitCode::kInternal, "cuDNN: no description of a chip: {}", status.get_message());
  graph.set_device_properties(properties)
      .set_sm_version(chip->version)
      .set_sm_count(chip->multiprocessors);
  return nullptr;
}

// Of a key of plans, which has no padding.
struct PlanKeyHash {
  template <class Key>
  std::size_t operator()(const Key& key) const {
    static_assert(std::has_unique_object_representations_v<Key>);
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(&key), sizeof key});
  }
};

}  // namespace muybridge::cuda
