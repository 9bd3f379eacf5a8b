#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/parameters.h"
#include "parallel/mesh.h"
#include "parallel/zero/unit_store.h"
#include "train/config.h"
#include "train/evaluation/evaluation.h"
#include "train/objective/step_work.h"

namespace muybridge {

// What a run trains, and by which loss: squared errors of numbers of tokens. All ranks of the mesh
// call it alike.
class Objective {
 public:
  Objective() = default;
  virtual ~Objective() = default;
  Objective(const Objective&) = delete;
  Objective& operator=(const Objective&) = delete;

  // "DiT 4 x 128, 1.4 M parameters"
  virtual std::string describe(std::int64_t parameters) const = 0;
  // Numbers of a token, over which the loss is a mean.
  virtual std::int64_t token_width() const = 0;
  // Forward and backward: gradients are added to the parameters.
  virtual StepResult accumulate(const StepWork& work) = 0;
  // See train/evaluation/evaluation.h.
  virtual Evaluation evaluate(const EvaluationSubject& subject, const RunFolder& run) const = 0;
};

// The model that `config` says, or what this rank holds of it: adds its parameters, which the
// caller allocates, and says which of them `store` brings and takes. All that is handed in outlives
// it.
std::unique_ptr<Objective> make_objective(const TrainConfig& config, Parameters& parameters,
                                          const Mesh& mesh, UnitStore& store);

}  // namespace muybridge
