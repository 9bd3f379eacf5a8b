#include "core/tensor.h"

#include <cstring>
#include <stdexcept>

#include "core/cuda/runtime.h"
#include "core/ops/accumulate.h"

namespace muybridge {

Tensor Tensor::empty(const Shape& shape, DType dtype, Device device) {
  Tensor tensor;
  tensor.shape_ = shape;
  tensor.dtype_ = dtype;
  tensor.device_ = device;
  tensor.buffer_ = std::make_shared<Buffer>(tensor.bytes(), device);
  return tensor;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype, Device device) {
  Tensor tensor = empty(shape, dtype, device);
  tensor.fill_zero();
  return tensor;
}

Tensor Tensor::full(const Shape& shape, double value, DType dtype) {
  Tensor tensor = empty(shape, dtype);
  dispatch_float(dtype, "full", [&]<class T>() {
    for (T& element : tensor.span<T>())
      element = static_cast<T>(static_cast<Accumulator<T>>(value));
  });
  return tensor;
}

void* Tensor::raw() const {
  if (!buffer_) return nullptr;
  return static_cast<std::byte*>(buffer_->data()) +
         offset_ * static_cast<std::int64_t>(size_of(dtype_));
}

double Tensor::item() const {
  if (numel() != 1)
    throw std::invalid_argument(fmt::format("item: shape {} has not one element", shape_));
  const Tensor here = to(Device::kCpu);
  return dispatch_float(dtype_, "item", [&]<class T>() {
    return static_cast<double>(static_cast<Accumulator<T>>(*here.data<T>()));
  });
}

Tensor Tensor::reshape(const Shape& shape) const {
  if (shape.numel() != numel())
    throw std::invalid_argument(fmt::format("reshape: {} has {} elements, {} has {}", shape_,
                                            numel(), shape, shape.numel()));
  Tensor view = *this;
  view.shape_ = shape;
  return view;
}

Tensor Tensor::rows(std::int64_t begin, std::int64_t count) const {
  if (shape_.rank() == 0 || begin < 0 || count < 0 || begin + count > shape_[0])
    throw std::invalid_argument(
        fmt::format("rows: [{}, {}) does not lie in {}", begin, begin + count, shape_));
  std::vector<std::int64_t> extents(shape_.extents().begin(), shape_.extents().end());
  const std::int64_t row = shape_[0] == 0 ? 0 : numel() / shape_[0];
  extents[0] = count;
  return flat_view(begin * row, Shape(extents));
}

Tensor Tensor::flat_view(std::int64_t begin, const Shape& shape) const {
  if (begin < 0 || begin + shape.numel() > numel())
    throw std::invalid_argument(
        fmt::format("view: {} elements from {} do not lie in {}", shape.numel(), begin, shape_));
  Tensor view = *this;
  view.shape_ = shape;
  view.offset_ += begin;
  return view;
}

Tensor Tensor::clone() const {
  Tensor copy = empty(shape_, dtype_, device_);
  copy.copy_from(*this);
  return copy;
}

Tensor Tensor::to(Device device) const {
  if (device == device_) return *this;
  Tensor copy = empty(shape_, dtype_, device);
  copy.copy_from(*this);
  return copy;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  const Tensor converted = empty(shape_, dtype, device_);
  cast(*this, converted);
  return converted;
}

void Tensor::copy_from(const Tensor& source) const {
  if (source.shape_ != shape_ || source.dtype_ != dtype_)
    throw std::invalid_argument(fmt::format("copy: {} {} into {} {}", name_of(source.dtype_),
                                            source.shape_, name_of(dtype_), shape_));
  if (bytes() == 0) return;
  if (device_ == Device::kCpu && source.device_ == Device::kCpu)
    std::memcpy(raw(), source.raw(), bytes());
  else
    cuda::copy(raw(), source.raw(), bytes());
}

void Tensor::fill_zero() const {
  if (bytes() == 0) return;
  if (device_ == Device::kCpu)
    std::memset(raw(), 0, bytes());
  else
    cuda::fill(raw(), 0, bytes());
}

void Tensor::require_dtype(DType wanted) const {
  if (wanted != dtype_)
    throw std::invalid_argument(fmt::format("tensor {} holds {}, accessed as {}", shape_,
                                            name_of(dtype_), name_of(wanted)));
}

void require_shape(const char* what, const char* name, const Tensor& tensor,
                   const Shape& expected) {
  if (tensor.shape() != expected)
    throw std::invalid_argument(
        fmt::format("{}: {} is {}, {} expected", what, name, tensor.shape(), expected));
}

void require_same_kind(const char* what, std::initializer_list<const Tensor*> tensors) {
  const Tensor& first = **tensors.begin();
  for (const Tensor* tensor : tensors)
    if (tensor->dtype() != first.dtype() || tensor->device() != first.device())
      throw std::invalid_argument(fmt::format(
          "{}: operands are {} {} and {} {}; element types and devices must match", what,
          name_of(first.dtype()), first.shape(), name_of(tensor->dtype()), tensor->shape()));
}

}  // namespace muybridge
