# Every library the project uses, found once. launch/setup.sh installs them on Debian.
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(dnnl REQUIRED CONFIG)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(MPI REQUIRED COMPONENTS CXX)
find_package(HDF5 REQUIRED COMPONENTS C)
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBAV REQUIRED IMPORTED_TARGET libavformat libavcodec libavfilter libavutil libswscale)
pkg_check_modules(ZIMG REQUIRED IMPORTED_TARGET zimg)
pkg_check_modules(ARCHIVE REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
find_package(Protobuf REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)

# CUDA where all of it is found: nvcc, cuBLASLt, cuDNN and the headers of cuDNN's front end, which
# launch/setup.sh brings. Elsewhere core/cuda_stubs.cpp stands in. The runtime is linked in, so the
# binary starts on a machine without a driver.
set(MUYBRIDGE_HAS_CUDA OFF)
if(MUYBRIDGE_CUDA)
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(CMAKE_CUDA_ARCHITECTURES ${MUYBRIDGE_CUDA_ARCHITECTURES})
    enable_language(CUDA)
    # CMake 3.25 does not know how later compilers are asked for C++20.
    if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    endif()
    set(CMAKE_CUDA_STANDARD 20)
    set(CMAKE_CUDA_EXTENSIONS OFF)
    find_package(CUDAToolkit REQUIRED)
    find_path(CUDNN_INCLUDE cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
    find_path(NCCL_INCLUDE nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
    find_library(CUDNN_LIBRARY cudnn HINTS ${CUDAToolkit_LIBRARY_DIR})
    find_path(CUDNN_FRONTEND_INCLUDE cudnn_frontend.h
      HINTS ${CMAKE_SOURCE_DIR}/build/third_party/cudnn_frontend/include)
  endif()
  if(TARGET CUDA::cublasLt AND CUDA_nvrtc_LIBRARY AND CUDNN_INCLUDE AND CUDNN_LIBRARY
     AND CUDNN_FRONTEND_INCLUDE AND NCCL_INCLUDE)
    set(MUYBRIDGE_HAS_CUDA ON)
    add_library(muybridge_cuda INTERFACE)
    target_include_directories(muybridge_cuda SYSTEM INTERFACE
      ${CUDAToolkit_INCLUDE_DIRS} ${CUDNN_INCLUDE} ${CUDNN_FRONTEND_INCLUDE} ${NCCL_INCLUDE})
    # All else is opened when it is first called (core/cuda/libraries.h).
    target_link_libraries(muybridge_cuda INTERFACE CUDA::cudart_static)
    cmake_path(GET CUDNN_LIBRARY PARENT_PATH cudnn_folder)
    # fmt 9 takes nvcc for a compiler without constexpr.
    target_compile_definitions(muybridge_cuda INTERFACE
      $<$<COMPILE_LANGUAGE:CUDA>:FMT_USE_CONSTEXPR=1> $<$<COMPILE_LANGUAGE:CUDA>:FMT_CONSTEVAL=>
      NV_CUDNN_FRONTEND_USE_DYNAMIC_LOADING)
    set_property(SOURCE core/cuda/open_library.cpp PROPERTY COMPILE_OPTIONS
      "-DCUDA_FOLDERS=\"${CUDAToolkit_LIBRARY_DIR}\",\"${cudnn_folder}\"")
    # 1675: a pragma of g++ that nvcc's front end hands on without knowing it.
    target_compile_options(muybridge_cuda INTERFACE
      $<$<COMPILE_LANGUAGE:CUDA>:--diag-suppress=1675 -Xcompiler=-fopenmp,-Wall,-Wno-unknown-pragmas>)
  endif()
endif()
message(STATUS "CUDA backend: ${MUYBRIDGE_HAS_CUDA}")

add_library(muybridge_options INTERFACE)
target_include_directories(muybridge_options INTERFACE ${CMAKE_SOURCE_DIR})
set(MUYBRIDGE_CXX_OPTIONS -Wall -Wextra -Wshadow -Wno-unknown-pragmas -march=${MUYBRIDGE_ARCH}
  -Wno-stringop-overflow -Wno-missing-field-initializers -fno-math-errno -fno-trapping-math)
if(MUYBRIDGE_SANITIZE)
  list(APPEND MUYBRIDGE_CXX_OPTIONS -fsanitize=${MUYBRIDGE_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(muybridge_options INTERFACE -fsanitize=${MUYBRIDGE_SANITIZE})
endif()
target_compile_options(muybridge_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:${MUYBRIDGE_CXX_OPTIONS}>)
target_compile_definitions(muybridge_options INTERFACE MUYBRIDGE_VERSION="${PROJECT_VERSION}"
  SPDLOG_FMT_EXTERNAL)
target_link_libraries(muybridge_options INTERFACE Threads::Threads)

# jemalloc keeps a step's large blocks; glibc returns them to the system and pays page faults.
add_library(muybridge_allocator INTERFACE)
if(MUYBRIDGE_JEMALLOC AND NOT MUYBRIDGE_SANITIZE)
  pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)
  target_link_libraries(muybridge_allocator INTERFACE PkgConfig::JEMALLOC)
endif()
