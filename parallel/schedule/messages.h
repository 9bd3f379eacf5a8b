#pragma once

#include "parallel/schedule/costs.h"
#include "parallel/schedule/pipeline_schedule.h"

namespace muybridge {

// Adds the exchanges to a schedule of computations: every output that another rank uses is sent
// after the computation that makes it and received before the one that needs it.
//
// The ranks cannot get stuck, even where an exchange blocks until all its messages are received,
// and the messages between two ranks meet in the order posted, with no tags. Why: all computations
// and messages get one common order, by the instant at which they are over when the costs are as
// given (computations first, then messages), and each rank's list keeps to it. So the earliest of
// all that is left is next, or in the exchange that is next, on every rank that takes part in it.
// Messages of a rank at the same instant are one exchange, so that both directions travel at once.
//
// Other true costs only change how long is waited. Throws Error(kInternal) where the computations
// themselves wait for each other in a circle.
PipelineSchedule place_messages(const PipelineSchedule& computations, const PipelineCosts& costs);

}  // namespace muybridge
