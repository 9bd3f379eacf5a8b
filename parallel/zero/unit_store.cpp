#include "parallel/zero/unit_store.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "core/ops/accumulate.h"

namespace muybridge {
namespace {

// Units whose values stay though none runs: the last one, which often runs again, and the next one.
constexpr std::size_t kIdleUnits = UnitStore::kUnitsWithValues - 1;

// The identity, with something to do when the gradient passes.
Var pass(const Var& x, std::function<void()> in_backward) {
  return Var::op(
      x.value(), {x.without_value()},
      [in_backward = std::move(in_backward)](Inputs in, const Tensor& dy) {
        in_backward();
        in[0].add_grad(dy);
      },
      Dy::kAsSummed);
}

}  // namespace

void UnitStore::find_units() {
  for (const ParameterRange& range : parameters_.ranges())
    if (range.unit >= 0) units_[range.unit].ranges.push_back(&range);
  for (std::size_t i = 0; i < parameters_.list().size(); ++i)
    if (const int number = parameters_.list()[i].unit; number >= 0) {
      Unit& unit = units_[number];  // there also where all of it is frozen
      if (!parameters_.list()[i].frozen) unit.parameters.push_back(i);
    }
}

UnitStore::Unit& UnitStore::unit(int number) {
  if (units_.empty()) find_units();
  return units_.at(number);
}

Var UnitStore::enter(int number, const Var& x) {
  acquire(number, number + 1);
  return pass(x, [this, number] { release(number); });
}

Var UnitStore::leave(int number, const Var& y) {
  release(number);
  return pass(y, [this, number] {
    acquire(number, number - 1);
    make_room(unit(number));
  });
}

void UnitStore::gather(Unit& unit, const Tensor& state) const {
  for (const ParameterRange* range : unit.ranges) {
    const DType dtype = range->wide ? state.dtype() : parameters_.value_type();
    const Tensor values = Tensor::empty({range->count}, dtype, state.device());
    const Tensor kept = range->kept_of(values);
    cast(range->state_of(state), kept);
    unit.arrivals.push_back(group_of(*range).all_gather(kept, values));
    unit.values.push_back(values);
  }
}

void UnitStore::gather_ahead(int number) {
  const auto next = units_.find(number);
  if (next == units_.end() || !next->second.values.empty()) return;
  drop_idle(kIdleUnits - 1);
  gather(next->second, parameters_.master());
  idle_.push_back(number);
}

// The unit's values, for one run of it; those of the next are sent for.
void UnitStore::acquire(int number, int next) {
  Unit& mine = unit(number);
  if (!shares_values() || held_) return;
  if (mine.values.empty()) gather(mine, parameters_.master());
  std::erase(idle_, number);
  ++mine.users;
  gather_ahead(next);
  if (mine.arrivals.empty()) return;
  for (const Work& arrival : mine.arrivals) arrival.wait();
  mine.arrivals.clear();
  bind(mine);
}

void UnitStore::release(int number) {
  Unit& mine = unit(number);
  if (!shares_values() || held_) return;
  if (--mine.users > 0) return;
  idle_.push_back(number);
  drop_idle(kIdleUnits);
}

// All but the `kept` that ran last, or are waited for.
void UnitStore::drop_idle(std::size_t kept) {
  while (idle_.size() > kept) {
    drop_values(unit(idle_.front()));
    idle_.pop_front();
  }
}

void UnitStore::drop_values(Unit& unit) const {
  for (const Work& arrival : unit.arrivals) arrival.wait();
  unit.arrivals.clear();
  unit.values.clear();
  bind(unit);
}

void UnitStore::make_room(Unit& unit) const {
  if (!shares_gradients()) return;
  unit.pending += unit.parameters.size();
  if (!unit.gradients.empty()) return;
  for (const ParameterRange* range : unit.ranges)
    unit.gradients.push_back(Tensor::zeros({range->count}, range->kept_gradients.dtype(),
                                           range->kept_gradients.device()));
  bind(unit);
}

void UnitStore::on_ready(std::int64_t tag) {
  if (tag < 0 || !shares_gradients()) return;
  const int number = parameters_.list().at(static_cast<std::size_t>(tag)).unit;
  if (number < 0) return;
  Unit& mine = unit(number);
  if (mine.pending == 0)
    throw std::logic_error(fmt::format("unit store: parameter {} of unit {} is ready twice",
                                       parameters_.list()[static_cast<std::size_t>(tag)].spec.name,
                                       number));
  if (--mine.pending == 0) sum(number);
}

void UnitStore::sum(int number) {
  Unit& mine = unit(number);
  for (std::size_t i = 0; i < mine.ranges.size(); ++i) {
    const ParameterRange* range = mine.ranges[i];
    const Tensor whole = mine.gradients[i];
    const Tensor kept = Tensor::empty({range->kept.size()}, whole.dtype(), whole.device());
    sums_.push_back({range, whole, kept, group_of(*range).reduce_scatter(whole, kept)});
  }
  mine.gradients.clear();
  bind(mine);
  // One unit's sums travel while the next one computes.
  while (sums_.size() > mine.ranges.size()) add_oldest();
}

void UnitStore::add_oldest() {
  const Sum& oldest = sums_.front();
  const auto begin = std::chrono::steady_clock::now();
  oldest.work.wait();
  exposed_seconds_ +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  accumulate(oldest.range->kept_gradients, oldest.kept);
  sums_.pop_front();
}

double UnitStore::finish() {
  while (!sums_.empty()) add_oldest();
  return std::exchange(exposed_seconds_, 0.0);
}

void UnitStore::forget_values() {
  for (const int number : idle_) drop_values(unit(number));
  idle_.clear();
}

void UnitStore::hold_values(const Tensor& state) {
  if (!shares_values()) return;
  if (units_.empty()) find_units();
  forget_values();
  held_ = true;
  for (auto& [number, mine] : units_) gather(mine, state);
  for (auto& [number, mine] : units_) {
    for (const Work& arrival : mine.arrivals) arrival.wait();
    mine.arrivals.clear();
    bind(mine);
  }
}

void UnitStore::let_go() {
  if (!held_) return;
  held_ = false;
  for (auto& [number, mine] : units_) drop_values(mine);
}

int UnitStore::values_here() const {
  return static_cast<int>(
      std::ranges::count_if(units_, [](const auto& each) { return !each.second.values.empty(); }));
}

// What its parameters are, and where their gradients go: what is here of both.
void UnitStore::bind(const Unit& unit) const {
  for (const std::size_t place : unit.parameters) {
    const Parameter& parameter = parameters_.list()[place];
    const ParameterRange& range = parameters_.range_of(parameter);
    const auto index =
        static_cast<std::size_t>(std::ranges::find(unit.ranges, &range) - unit.ranges.begin());
    const auto part = [&](const Tensor& whole) {
      return whole.flat_view(parameter.offset - range.begin, parameter.shape);
    };
    const Tensor value = !shares_values()      ? part(range.values)
                         : unit.values.empty() ? Tensor()
                                               : part(unit.values[index]);
    parameter.var.bind(value, unit.gradients.empty() ? Tensor() : part(unit.gradients[index]));
  }
}

}  // namespace muybridge
