#include "parallel/pipeline_executor.h"

#include <map>
#include <stdexcept>
#include <tuple>

namespace muybridge {
namespace {

// Streams that wait for their use, and the exchange that brings them.
class Streams {
 public:
  void put(bool gradient, int micro_batch, int chunk, const Tensor& stream, const Work& work = {}) {
    streams_[{gradient, micro_batch, chunk}] = {stream, work};
  }
  Tensor take(bool gradient, int micro_batch, int chunk) {
    const auto found = streams_.find({gradient, micro_batch, chunk});
    if (found == streams_.end())
      throw std::logic_error(
          fmt::format("pipeline: the {} of micro-batch {} for chunk {} is not there: the schedule "
                      "is in a wrong order",
                      gradient ? "gradient" : "stream", micro_batch, chunk));
    const auto [stream, work] = found->second;
    streams_.erase(found);
    work.wait();
    return stream;
  }

 private:
  std::map<std::tuple<bool, int, int>, std::pair<Tensor, Work>> streams_;
};

class Execution {
 public:
  Execution(const PipelineSchedule& schedule, PipelineWork& work, Group& pipeline,
            Timeline* timeline)
      : place_(schedule.placement), work_(work), pipeline_(pipeline), timeline_(timeline) {}

  void run(const Order& order) {
    for (const Action& action : order) {
      const TimelineScope span(action.computes() ? timeline_ : nullptr, Timeline::Lane::kWork,
                               [&] { return to_string(action); });
      run(action);
    }
    for (const Messages& exchange : exchanges_) exchange.wait();
  }

 private:
  void run(const Action& action) {
    switch (action.kind) {
      case ActionKind::kForward:
        return forward(action.micro_batch, action.chunk);
      case ActionKind::kBackward:
        return backward(action.micro_batch, action.chunk, /*whole=*/true);
      case ActionKind::kBackwardInput:
        return backward(action.micro_batch, action.chunk, /*whole=*/false);
      case ActionKind::kBackwardWeight:
        return work_.backward_weight(action.micro_batch, action.chunk);
      case ActionKind::kExchange:
        return exchange(action);
    }
  }

  void forward(int micro_batch, int chunk) {
    const int section = place_.section_of(pipeline_.rank(), chunk);
    const Tensor x = section == 0 ? Tensor() : arrived_.take(false, micro_batch, chunk);
    const Tensor y = work_.forward(micro_batch, chunk, x);
    if (section + 1 < place_.sections())
      hand_on(/*gradient=*/false, micro_batch, chunk, section + 1, y);
  }

  void backward(int micro_batch, int chunk, bool whole) {
    const int section = place_.section_of(pipeline_.rank(), chunk);
    const Tensor dy =
        section + 1 == place_.sections() ? Tensor() : arrived_.take(true, micro_batch, chunk);
    const Tensor dx = work_.backward(micro_batch, chunk, dy, whole);
    if (section > 0) hand_on(/*gradient=*/true, micro_batch, chunk, section - 1, dx);
  }

  void hand_on(bool gradient, int micro_batch, int chunk, int section, const Tensor& stream) {
    const ChunkPlace to = place_.place_of(section);
    if (to.rank == pipeline_.rank())
      arrived_.put(gradient, micro_batch, to.chunk, stream);
    else
      leaving_.put(gradient, micro_batch, chunk, stream);
  }

  void exchange(const Action& action) {
    std::vector<Parcel> sends, receives;
    std::vector<const StreamMessage*> arrivals;
    for (const StreamMessage& message : action.messages) {
      if (message.outgoing) {
        sends.push_back(
            {message.peer, leaving_.take(message.gradient, message.micro_batch, message.chunk)});
      } else {
        receives.push_back({message.peer, work_.room(message.micro_batch, message.gradient)});
        arrivals.push_back(&message);
      }
    }
    const Messages under_way = pipeline_.exchange(sends, receives);
    for (std::size_t i = 0; i < arrivals.size(); ++i)
      arrived_.put(arrivals[i]->gradient, arrivals[i]->micro_batch, arrivals[i]->chunk,
                   receives[i].tensor, under_way.received);
    exchanges_.push_back(under_way);
  }

  const Placement place_;
  PipelineWork& work_;
  Group& pipeline_;
  Timeline* timeline_;
  Streams arrived_;  // by the chunk that uses them
  Streams leaving_;  // by the chunk that made them
  std::vector<Messages> exchanges_;
};

}  // namespace

void run_pipeline(const PipelineSchedule& schedule, PipelineWork& work, Group& pipeline,
                  Timeline* timeline) {
  Execution(schedule, work, pipeline, timeline)
      .run(schedule.ranks.at(static_cast<std::size_t>(pipeline.rank())));
}

}  // namespace muybridge
