#pragma once

#include <dnnl.hpp>

#include "core/dtype.h"

namespace muybridge {

dnnl::engine& onednn_engine();
// Throws where oneDNN has no such type.
dnnl::memory::data_type to_dnnl(DType dtype);

}  // namespace muybridge
