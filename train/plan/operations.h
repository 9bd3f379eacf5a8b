#pragma once

#include "train/plan/chip.h"
#include "train/plan/layout.h"
#include "train/plan/traffic.h"
#include "train/plan/workload.h"

namespace muybridge {

// Seconds of a rank, by what it does.
struct Times {
  double products = 0;
  double attention = 0;
  double elementwise = 0;
  double recompute = 0;               // of all kinds, again
  double exchange = 0;                // that nothing hides
  Traffic tensor = {}, context = {};  // all that travels, hidden or not

  double total() const { return products + attention + elementwise + recompute + exchange; }
  Times& operator+=(const Times& other);
  friend Times operator*(double n, const Times& t);
};

// A part of a model with one micro-batch on one rank.
struct PartTimes {
  Times forward, backward_input, backward_weight;

  double total() const {
    return forward.total() + backward_input.total() + backward_weight.total();
  }
  PartTimes& operator+=(const PartTimes& other);
  friend PartTimes operator*(double n, const PartTimes& t);
};

// What the parts of a DiT cost on a rank of a layout.
class Operations {
 public:
  Operations(const Cluster& cluster, const Workload& work, const Layout& layout);

  PartTimes block() const;
  PartTimes embedding() const;
  PartTimes head() const;
  PartTimes conditions() const;  // of text and time, on every stage

  // y[rows, out] = x[rows, in] w[out, in], by its arithmetic or by its memory, whichever is slower.
  // Arithmetic goes by whole tiles, of which the chip computes some at once.
  double product(double rows, double out, double in, double result_bytes,
                 BlockProducts of = BlockProducts::kOfPrecision) const;

 private:
  double copied(double bytes) const { return bytes / chip_.copy; }
  PartTimes linear(double rows, double out, double in, bool input_gradient = true) const;
  PartTimes linear_of_block(double rows, double out, double in) const;
  void attend(PartTimes& block) const;
  void exchange_over_tensor(PartTimes& block) const;
  void exchange_over_context(PartTimes& block) const;

  Chip chip_;
  ChipSpeed speed_;
  Links links_;
  GroupPlaces places_;
  Workload work_;
  Layout layout_;
  double element_, wide_;  // bytes
  double d_, f_;           // widths
  double t_, c_;           // tensor and context ranks
  double rows_, segment_;  // tokens: this rank's, and those that its tensor group has
};

}  // namespace muybridge
