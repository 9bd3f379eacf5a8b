#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

#include "core/buffer.h"
#include "core/dtype.h"
#include "core/shape.h"

namespace muybridge {

// A contiguous row-major array: a handle that shares its buffer, as in MLX. Copying the handle
// copies nothing; `clone` copies elements. Not initialised unless the maker's name says so.
class Tensor {
 public:
  Tensor() = default;

  static Tensor empty(const Shape& shape, DType dtype = DType::kF32, Device device = Device::kCpu);
  static Tensor zeros(const Shape& shape, DType dtype = DType::kF32, Device device = Device::kCpu);
  static Tensor full(const Shape& shape, double value, DType dtype = DType::kF32);
  template <class T>
  static Tensor of(const Shape& shape, std::span<const T> values);
  template <class T>
  static Tensor of(const Shape& shape, const std::vector<T>& values) {
    return of(shape, std::span<const T>(values));
  }

  bool defined() const { return buffer_ != nullptr; }
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  Device device() const { return device_; }
  std::int64_t numel() const { return shape_.numel(); }
  std::size_t bytes() const { return static_cast<std::size_t>(numel()) * size_of(dtype_); }
  // Whether this handle is the only one to its buffer, so that it may be changed in place.
  bool unique() const { return buffer_.use_count() == 1; }

  void* raw() const;
  // Throws std::invalid_argument when T is not the element type.
  template <class T>
  T* data() const {
    require_dtype(dtype_of<T>());
    return static_cast<T*>(raw());
  }
  template <class T>
  std::span<T> span() const {
    return {data<T>(), static_cast<std::size_t>(numel())};
  }
  template <class T>
  std::vector<T> to_vector() const;
  // The only element of a CPU tensor of any floating type.
  double item() const;

  // Views of the same buffer.
  Tensor reshape(const Shape& shape) const;
  Tensor rows(std::int64_t begin, std::int64_t count) const;  // of the outermost dimension
  Tensor flat_view(std::int64_t begin, const Shape& shape) const;

  Tensor clone() const;
  Tensor to(Device device) const;  // this handle when already there
  Tensor to(DType dtype) const;    // converts among f32, bf16, f64; this handle when the same
  void copy_from(const Tensor& source) const;
  void fill_zero() const;

 private:
  void require_dtype(DType wanted) const;

  std::shared_ptr<Buffer> buffer_;
  std::int64_t offset_ = 0;  // elements
  Shape shape_;
  DType dtype_ = DType::kF32;
  Device device_ = Device::kCpu;
};

// Throws std::invalid_argument "<what>: <name> is [..] f32, [..] expected" unless the shapes match.
void require_shape(const char* what, const char* name, const Tensor& tensor, const Shape& expected);
// All of one dtype and device.
void require_same_kind(const char* what, std::initializer_list<const Tensor*> tensors);

template <class T>
Tensor Tensor::of(const Shape& shape, std::span<const T> values) {
  Tensor tensor = empty(shape, dtype_of<T>());
  if (static_cast<std::int64_t>(values.size()) != shape.numel())
    throw std::invalid_argument(
        fmt::format("tensor: {} values for shape {}", values.size(), shape));
  std::copy(values.begin(), values.end(), tensor.data<T>());
  return tensor;
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  const Tensor here = to(Device::kCpu);
  return std::vector<T>(here.data<T>(), here.data<T>() + here.numel());
}

}  // namespace muybridge
