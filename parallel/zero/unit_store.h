#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "core/parameters.h"
#include "parallel/group.h"

namespace muybridge {

// The gradients of units, and their values, that are there only while they are needed
// (Sharing::kGradients, kValues): ZeRO 2 and 3 of Rajbhandari et al. 2020 (arXiv:1910.02054), where
// a unit is a block of the model.
//
// Values are gathered before a unit runs, forward and backward, and those of the neighbour that is
// likely next at the same time; they go when the unit has run. Gradients have room from the moment
// that the unit's backward begins until all of them are complete, those that were put off too,
// which ask for no values; then they are summed over the ranks that hold copies, each of which adds
// its share to what it keeps.
//
// All ranks of a group of copies run the same units in the same order, whatever work they have.
class UnitStore {
 public:
  // That are whole at one time: one runs, the last one may run again, the next one arrives; of
  // gradients one is computed while another's sums travel, and those that wait for gradients that
  // were put off.
  static constexpr int kUnitsWithValues = 3, kUnitsWithGradients = 2;

  // `parameters` are allocated before the first unit runs, and outlive the store. `groups` by the
  // number of copies.
  UnitStore(const Parameters& parameters, std::vector<std::shared_ptr<Group>> groups)
      : parameters_(parameters), groups_(std::move(groups)) {}

  // Ops around all that computes with the parameters of unit `number`. Both are the identity; what
  // is between them may be recomputed. Enter first: then it is the last in backward.
  Var enter(int number, const Var& x);
  Var leave(int number, const Var& y);
  // The gradient of parameter `tag` is complete in one backward. Of a parameter of no unit:
  // nothing.
  void on_ready(std::int64_t tag);
  // Waits until all sums have arrived; the seconds that were waited for sums since the last time.
  double finish();

  // The master has changed: values gathered before are of no use any more.
  void forget_values();
  // Gathers the values of all units from a tensor of the state, and keeps them until let_go: for
  // what does not run in the same order on all ranks. Collective.
  void hold_values(const Tensor& state);
  void let_go();

  int values_here() const;  // units whose values are gathered, or on their way

 private:
  struct Unit {
    std::vector<const ParameterRange*> ranges;
    std::vector<std::size_t> parameters;  // places in Parameters::list
    int users = 0;                        // runs that have begun and not ended
    std::size_t pending = 0;              // gradients to be reported
    std::vector<Tensor> values = {};      // of each range, while they are here
    std::vector<Work> arrivals = {};      // of those
    std::vector<Tensor> gradients = {};   // of each range, while there is room
  };
  struct Sum {
    const ParameterRange* range;
    Tensor whole, kept;
    Work work;
  };

  void find_units();
  Unit& unit(int number);
  bool shares_values() const { return parameters_.sharing() >= Sharing::kValues; }
  bool shares_gradients() const { return parameters_.sharing() >= Sharing::kGradients; }
  Group& group_of(const ParameterRange& range) const {
    return *groups_[static_cast<std::size_t>(range.copies)];
  }

  void gather(Unit& unit, const Tensor& state) const;
  void gather_ahead(int number);
  void acquire(int number, int next);
  void release(int number);
  void make_room(Unit& unit) const;
  void sum(int number);
  void add_oldest();
  void bind(const Unit& unit) const;
  void drop_values(Unit& unit) const;
  void drop_idle(std::size_t kept);

  const Parameters& parameters_;
  std::vector<std::shared_ptr<Group>> groups_;
  std::map<int, Unit> units_;
  std::deque<int> idle_;  // units whose values are here and not in use, the oldest first
  std::deque<Sum> sums_;  // under way
  bool held_ = false;
  double exposed_seconds_ = 0;
};

}  // namespace muybridge
