#pragma once

#include "parallel/schedule/action.h"

namespace muybridge {

// The published schedules whose computations can be written down without knowing what they cost.
// Each function gives those of one rank; place_messages adds what travels between ranks.
//
// `micro_batches` may be any number from 1, also fewer than `stages`.
struct OrderShape {
  int stage = 0;   // the rank
  int stages = 1;  // ranks of the pipeline
  int micro_batches = 1;
  int virtual_stages = 1;  // interleaved only
};

// All forwards, then all backwards (Huang et al. 2018, arXiv:1811.06965).
Order gpipe(const OrderShape& shape);

// Rank r runs p - 1 - r forwards ahead, then one forward and one backward in turns
// (PipeDream-Flush, Narayanan et al. 2021, arXiv:2006.09503).
Order one_f_one_b(const OrderShape& shape);

// 1F1B over virtual_stages chunks, looped (Narayanan et al. 2021, arXiv:2104.04473, section 2.2).
// Micro-batches walk in groups of p, each group through all chunks of the rank. There they must be
// a multiple of p; here another number is the schedule of the next multiple without those that are
// missing, whose place stays partly empty.
Order interleaved(const OrderShape& shape);

// The same with its backward split, weight gradients `later` chunks after the gradients of their
// inputs, past the last forward after all of these; and with as few forwards ahead as do, (v - 1) p
// and one for each rank that follows, which may be doubled up to `ahead` more. Rank r holds up to
// v p - r + ahead + later chunks: at 0 the bubble is at most that of interleaved, and p
// micro-batches the memory of 1F1B. What tuned starts from.
Order zb_interleaved(const OrderShape& shape, int ahead, int later);

// 1F1B whose weight gradients come later, by r micro-batches on rank r: every rank holds up to p
// micro-batches, which is what 1F1B needs on rank 0 (ZB-H1, Qi et al. 2023, arXiv:2401.10241).
Order zb_h1(const OrderShape& shape);

// Two chunks a rank, placed as a V, so that forwards and backwards of a micro-batch begin and end
// on rank 0 (ZB-V, arXiv:2401.10241 section 6, arXiv:2405.15362). Without idle time between a
// rank's first and last action where F = B = W and micro_batches >= 2 * stages; fewer are the
// schedule of 2 * stages without those that are missing.
Order zb_v(const OrderShape& shape);

}  // namespace muybridge
