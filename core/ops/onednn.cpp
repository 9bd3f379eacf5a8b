#include "core/ops/onednn.h"

namespace muybridge {

dnnl::engine& onednn_engine() {
  static dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

dnnl::memory::data_type to_dnnl(DType dtype) {
  if (dtype == DType::kF32) return dnnl::memory::data_type::f32;
  if (dtype == DType::kBF16) return dnnl::memory::data_type::bf16;
  fail_dtype(dtype, "oneDNN");
}

}  // namespace muybridge
