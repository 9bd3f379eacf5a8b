#pragma once

#include <string>

#include "core/tensor.h"

// Which tensor of a public video autoencoder, in the names of the diffusers library
// (AutoencoderKLWan), a parameter of ours is. Names and shapes were read from the public model.
namespace muybridge {

struct PublicTensor {
  std::string name;
  Shape shape;
};

// Parameter `name` of `shape` of an Autoencoder with so many residual `blocks` a level. Throws
// std::invalid_argument for a name that is none of its.
PublicTensor public_autoencoder_tensor(const std::string& name, const Shape& shape,
                                       std::int64_t blocks);

// The parameter as that tensor, and back: there channels of the input lie ahead of a convolution's
// taps. CPU tensors.
Tensor to_public_tensor(const Tensor& parameter, const PublicTensor& there);
void from_public_tensor(const Tensor& source, const PublicTensor& there, const Tensor& parameter);

}  // namespace muybridge
