#include "core/cuda/cudnn_graph.h"

#include <atomic>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "core/buffer.h"
#include "core/cuda/libraries.h"
#include "core/error.h"
#include "core/system/plan_folder.h"
#include "core/system/say_once.h"

namespace muybridge::cuda {
namespace {

using fe::graph::Graph;

std::shared_ptr<const fe::DeviceProperties> properties_of(const DescribedChip& chip) {
  dnn_calls();  // opens the library
  auto properties = std::make_shared<fe::DeviceProperties>();
  std::vector<std::uint8_t> json(chip.json.begin(), chip.json.end());
  json.push_back(0);
  if (fe::error_t status = properties->deserialize(json); status.is_bad())
    fail(ExitCode::kInternal, "cuDNN: no description of a chip: {}", status.get_message());
  return properties;
}

// The same for all devices that one plan is for.
std::string kind_of(const PlanTarget& target) {
  if (const auto* const chip = std::get_if<DescribedChip>(&target))
    return fmt::format("{} {} {}", chip->json, chip->version, chip->multiprocessors);
  static const std::string own = [] {  // a process has one device
    int device = 0, driver = 0;
    cudaDeviceProp properties{};
    CHECK_CUDA(cudaGetDevice(&device));
    CHECK_CUDA(cudaGetDeviceProperties(&properties, device));
    CHECK_CUDA(cudaDriverGetVersion(&driver));
    return fmt::format("{}, {}.{}, {} multiprocessors, driver {}", properties.name,
                       properties.major, properties.minor, properties.multiProcessorCount, driver);
  }();
  return own;
}

template <class Enum>
std::string numbers_of(const std::vector<Enum>& values) {
  std::string out;
  for (const Enum each : values) out += fmt::format(" {}", static_cast<int>(each));
  return out;
}

// What a plan depends on: the whole graph, what was asked for, who compiles it, for which device.
std::string identity_of(const Graph& graph, const PlanChoice& choice, const PlanTarget& target) {
  nlohmann::json structure;
  graph.serialize(structure);
  structure.erase("gid");  // counts the graphs of a process
  const char* const limit = std::getenv(kScoreLimit);
  return fmt::format(
      "{}\nmodes{}, without notes{}, workspace {}, scores {}\ncuDNN {} for CUDA {}, front end "
      "{}\n{}",
      structure.dump(), numbers_of(choice.modes), numbers_of(choice.unwanted),
      choice.most_workspace, limit ? limit : "", dnn_calls().cudnnGetVersion(),
      dnn_calls().cudnnGetCudartVersion(), CUDNN_FRONTEND_VERSION, kind_of(target));
}

cudnnHandle_t handle_of(const PlanTarget& target) {
  const auto* const handle = std::get_if<cudnnHandle_t>(&target);
  return handle ? *handle : nullptr;
}

// Null where cuDNN does not take it.
std::unique_ptr<Graph> load(const std::string& plan, const PlanTarget& target) {
  static std::atomic<bool> said;
  constexpr const char* kAnew = "cuDNN does not take a plan that was kept, it is compiled anew";
  constexpr bool kOnlyCompiled = true, kWarmUp = false;
  auto graph = empty_graph(fe::DataType_t::NOT_SET, target);
  const std::vector<std::uint8_t> bytes(plan.begin(), plan.end());
  try {
    const cudnnHandle_t handle = handle_of(target);
    fe::error_t status = handle ? graph->deserialize(handle, bytes, kOnlyCompiled, kWarmUp)
                                : graph->deserialize(bytes, kOnlyCompiled);
    if (status.is_good()) return graph;
    say_once(said, kAnew, status.get_message());
  } catch (const std::exception& error) {
    say_once(said, kAnew, error.what());
  }
  return nullptr;
}

// Such that the next run need not compile it. Not all engines can be written down.
void keep(const Graph& graph, const std::string& identity, const PlanFiles& files) {
  static std::atomic<bool> said;
  constexpr const char* kNot = "cuDNN does not write a plan down, the next run compiles it again";
  constexpr bool kWithTheGraph = false;
  try {
    std::vector<std::uint8_t> plan;
    fe::error_t status = graph.serialize(plan, kWithTheGraph);
    if (status.is_good())
      return files.write(identity, {reinterpret_cast<const char*>(plan.data()), plan.size()});
    say_once(said, kNot, status.get_message());
  } catch (const std::exception& error) {
    say_once(said, kNot, error.what());
  }
}

}  // namespace

int major_version(const PlanTarget& target) {
  if (const auto* const chip = std::get_if<DescribedChip>(&target)) return chip->version / 10;
  int device = 0, major = 0;
  CHECK_CUDA(cudaGetDevice(&device));
  CHECK_CUDA(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
  return major;
}

std::unique_ptr<Graph> empty_graph(fe::DataType_t io, const PlanTarget& target) {
  auto graph = std::make_unique<Graph>();
  graph->set_io_data_type(io)
      .set_intermediate_data_type(fe::DataType_t::FLOAT)
      .set_compute_data_type(fe::DataType_t::FLOAT);
  if (const auto* const chip = std::get_if<DescribedChip>(&target))
    graph->set_device_properties(properties_of(*chip))
        .set_sm_version(chip->version)
        .set_sm_count(chip->multiprocessors);
  return graph;
}

PlannedGraph plan(std::unique_ptr<Graph> graph, const PlanChoice& choice, const PlanTarget& target,
                  const PlanFiles& files) {
  const std::string identity = identity_of(*graph, choice, target);
  if (const std::optional<std::string> kept = files.read(identity))
    if (auto loaded = load(*kept, target)) return {.graph = std::move(loaded), .from_file = true};
  PlannedGraph out{.graph = std::move(graph)};
  const auto good = [&](const char* step, fe::error_t status) {
    out.step = step;
    out.status = std::move(status);
    return out.status.is_good();
  };
  Graph& planned = *out.graph;
  if (!good("validate", planned.validate()) ||
      !good("build_operation_graph", planned.build_operation_graph(handle_of(target))) ||
      !good("create_execution_plans", planned.create_execution_plans(choice.modes)))
    return out;
  planned.deselect_numeric_notes(choice.unwanted);
  planned.deselect_workspace_greater_than(choice.most_workspace);
  if (good("check_support", planned.check_support()) && good("build_plans", planned.build_plans()))
    keep(planned, identity, files);
  return out;
}

void run(const Graph& graph, cudnnHandle_t handle, std::unordered_map<std::int64_t, void*>& tensors,
         std::int64_t workspace_bytes, std::string_view what, bool from_file) {
  const Buffer workspace(static_cast<std::size_t>(workspace_bytes), Device::kCuda);
  fe::error_t status = graph.execute(handle, tensors, workspace.data());
  if (status.is_good()) return;
  fail(ExitCode::kInternal, "cuDNN: {} could not run: {}{}", what, status.get_message(),
       from_file ? fmt::format("; its plan was kept by an earlier run: remove {} and try again",
                               plan_folder().string())
                 : "");
}

}  // namespace muybridge::cuda
