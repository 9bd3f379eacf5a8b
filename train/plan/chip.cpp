#include "train/plan/chip.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>

#include "core/error.h"
#include "train/checks/memory_estimate.h"

namespace muybridge {
namespace {

constexpr double kTera = 1e12, kGiga = 1e9, kMicro = 1e-6;

std::vector<Chip> make_chips() {
  const Chip h200{.name = "h200",
                  .bf16 = {.peak = 989 * kTera,
                           .product = 790 * kTera,
                           .attention_forward = 693 * kTera,
                           .attention_backward = 572 * kTera},
                  .f32 = {.peak = 67 * kTera,
                          .product = 54 * kTera,
                          .attention_forward = 40 * kTera,
                          .attention_backward = 33 * kTera},
                  .float8 = 2,
                  .copy = 4.3 * kTera,
                  .memory = 141 * kGiga,
                  .process = kDeviceProcess,
                  .group = kDeviceGroup,
                  .workspace = kAttentionWorkspace,
                  .launch = 4 * kMicro,
                  .tile_rows = 128,
                  .tile_columns = 256,
                  .units = 132,
                  .link = 450 * kGiga,
                  .link_latency = 10 * kMicro,
                  .network = 50 * kGiga,
                  .network_latency = 20 * kMicro};
  Chip h100 = h200;
  h100.name = "h100";
  h100.copy = 3.0 * kTera;
  h100.memory = 80 * kGiga;
  // A core of the machine that docs/plan.md names; ranks exchange through its memory.
  const Chip cpu{.name = "cpu",
                 .bf16 = {.peak = 480 * kGiga,
                          .product = 430 * kGiga,
                          .attention_forward = 200 * kGiga,
                          .attention_backward = 200 * kGiga},
                 .f32 = {.peak = 240 * kGiga,
                         .product = 215 * kGiga,
                         .attention_forward = 150 * kGiga,
                         .attention_backward = 150 * kGiga},
                 .copy = 10 * kGiga,
                 .memory = std::numeric_limits<double>::infinity(),
                 .process = MemoryEstimate().process,
                 .launch = kMicro,
                 .link = 3 * kGiga,
                 .link_latency = 10 * kMicro,
                 .network = kGiga,
                 .network_latency = 50 * kMicro};
  Chip ideal{.name = "ideal",
             .bf16 = {.peak = kTera,
                      .product = kTera,
                      .attention_forward = kTera,
                      .attention_backward = kTera},
             .f32 = {},
             .memory = std::numeric_limits<double>::infinity(),
             .usable = 1};
  ideal.f32 = ideal.bf16;
  ideal.copy = ideal.link = ideal.network = std::numeric_limits<double>::infinity();
  return {h200, h100, cpu, ideal};
}

const std::vector<Chip>& chips() {
  static const std::vector<Chip> all = make_chips();
  return all;
}

}  // namespace

std::vector<std::string> chip_names() {
  std::vector<std::string> names;
  for (const Chip& chip : chips()) names.push_back(chip.name);
  return names;
}

const Chip& chip_named(std::string_view name) {
  for (const Chip& chip : chips())
    if (chip.name == name) return chip;
  fail(ExitCode::kUsage, "gpu '{}' is not known; choose one of {}", name,
       fmt::join(chip_names(), ", "));
}

}  // namespace muybridge
