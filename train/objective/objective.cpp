#include "train/objective/objective.h"

#include "model/dit_parallel.h"
#include "train/model_options.h"
#include "train/objective/autoencoder_objective.h"
#include "train/objective/flow_objective.h"

namespace muybridge {

std::unique_ptr<Objective> make_objective(const TrainConfig& config, Parameters& parameters,
                                          const Mesh& mesh, UnitStore& store) {
  if (is_autoencoder(config))
    return std::make_unique<AutoencoderObjective>(
        config, Autoencoder(parameters, autoencoder_options(config)), parameters, mesh);
  Dit dit = make_dit(parameters, dit_options(config), mesh, placement_of(config));
  if (sharing_of(config) >= Sharing::kGradients) keep_in(store, dit);
  return std::make_unique<FlowObjective>(config, std::move(dit), parameters, mesh);
}

}  // namespace muybridge
