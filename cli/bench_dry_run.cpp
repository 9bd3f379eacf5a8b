#include "cli/bench_dry_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "core/cuda/recorder.h"
#include "core/error.h"

namespace muybridge {
namespace {

using cuda::Recorded;
using Kind = Recorded::Kind;

// An H200 in bf16: products (in 8 bits at twice the rate) of thousands in each direction,
// cuDNN 9.19's attention over 32k tokens with heads of 128, a copy.
constexpr double kProducts = 790e12, kAttention = 693e12, kAttentionBackward = 572e12;
constexpr double kMemory = 4.3e12;
constexpr double kBus = 55e9;     // PCIe 5.0 x16, to the host and from it
constexpr double kPeak = 989e12;  // bf16, by its data sheet

double rate_of(Kind kind) {
  if (kind == Kind::kAttention) return kAttention;
  if (kind == Kind::kProductOfFloat8) return 2 * kProducts;
  return kind == Kind::kAttentionBackward ? kAttentionBackward : kProducts;
}

double floor_seconds(const Recorded& call) {
  const bool of_host = call.kind == Kind::kCopy && call.what.ends_with("host");
  return std::max(call.operations / rate_of(call.kind), call.bytes / (of_host ? kBus : kMemory));
}

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::kProduct:
      return "product";
    case Kind::kProductOfFloat8:
      return "product in 8 bits";
    case Kind::kAttention:
      return "attention";
    case Kind::kAttentionBackward:
      return "attention backward";
    case Kind::kKernel:
      return "kernel";
    case Kind::kCopy:
      return "copy";
  }
  return "";
}

struct Total {
  std::int64_t calls = 0;
  double bytes = 0, operations = 0, seconds = 0;

  void add(const Recorded& call) {
    calls += call.calls;
    bytes += call.bytes;
    operations += call.operations;
    seconds += floor_seconds(call);
  }
};

void print_line(std::string_view name, const Total& total) {
  fmt::print("{:<62} {:>6} {:>9.2f} {:>9.2f} {:>9.3f}\n", name, total.calls, total.bytes * 1e-9,
             total.operations * 1e-12, total.seconds * 1e3);
}

void print_table(const std::vector<Recorded>& calls) {
  fmt::print("{:<62} {:>6} {:>9} {:>9} {:>9}\n", "", "calls", "GB", "TFLOP", "least ms");
  constexpr std::array kKinds = {Kind::kProduct,           Kind::kProductOfFloat8, Kind::kAttention,
                                 Kind::kAttentionBackward, Kind::kKernel,          Kind::kCopy};
  for (const Kind kind : kKinds) {
    Total total;
    for (const Recorded& call : calls)
      if (call.kind == kind) total.add(call);
    if (total.calls == 0) continue;
    print_line(fmt::format("{}, all", name_of(kind)), total);
    for (const Recorded& call : calls) {
      if (call.kind != kind) continue;
      Total one;
      one.add(call);
      print_line(fmt::format("  {}{}", call.what, call.bytes > 0 ? "" : " (bytes not known)"), one);
    }
  }
}

}  // namespace

void print_dry_run(BenchJob& job, bool json) {
  cuda::take_recorded();
  job.run();
  std::vector<Recorded> calls = cuda::take_recorded();
  std::ranges::stable_sort(calls, std::ranges::greater(), floor_seconds);
  Total all;
  for (const Recorded& call : calls) all.add(call);
  if (all.calls == 0) fail(ExitCode::kUsage, "--dry-run: this asks nothing of a device");
  const double of_peak = job.flops() / all.seconds / kPeak;
  if (!json) {
    print_table(calls);
    print_line("all", all);
    fmt::print("\nAt least {:.1f} ms on an H200, one after the other", all.seconds * 1e3);
    if (job.flops() > 0)
      fmt::print(": {:.1f}% of its {:.0f} TFLOP/s for {:.1f} TFLOP of the model", 100 * of_peak,
                 kPeak * 1e-12, job.flops() * 1e-12);
    fmt::print(
        ".\nRates in bf16: products {:.0f} TFLOP/s, twice that in 8 bits, attention {:.0f} and "
        "{:.0f} backward, memory "
        "{:.1f} TB/s, to and from the host {:.0f} GB/s.\nNot counted: what the host takes to ask "
        "for "
        "these, small kernels beside the attention.\n",
        kProducts * 1e-12, kAttention * 1e-12, kAttentionBackward * 1e-12, kMemory * 1e-12,
        kBus * 1e-9);
    return;
  }
  nlohmann::ordered_json lines = nlohmann::ordered_json::array();
  for (const Recorded& call : calls)
    lines.push_back({{"kind", name_of(call.kind)},
                     {"what", call.what},
                     {"calls", call.calls},
                     {"bytes", call.bytes},
                     {"flops", call.operations},
                     {"least_seconds", floor_seconds(call)}});
  const nlohmann::ordered_json figures = {{"least_seconds", all.seconds},
                                          {"calls", all.calls},
                                          {"flops_of_model", job.flops()},
                                          {"share_of_peak", of_peak},
                                          {"parts", lines}};
  fmt::print("{}\n", figures.dump(2));
}

}  // namespace muybridge
