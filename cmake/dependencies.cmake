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
pkg_check_modules(LIBAV REQUIRED IMPORTED_TARGET libavformat libavcodec libavutil libswscale)
pkg_check_modules(ARCHIVE REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
find_package(Protobuf REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)

if(MUYBRIDGE_CUDA)
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    find_package(CUDAToolkit REQUIRED)
    find_path(CUDNN_FRONTEND_INCLUDE cudnn_frontend.h
      HINTS ${CMAKE_SOURCE_DIR}/build/third_party/cudnn_frontend/include)
  endif()
endif()
set(MUYBRIDGE_HAS_CUDA OFF)
if(CUDAToolkit_FOUND AND CUDNN_FRONTEND_INCLUDE)
  set(MUYBRIDGE_HAS_CUDA ON)
endif()

add_library(muybridge_options INTERFACE)
target_include_directories(muybridge_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(muybridge_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wshadow -Wno-unknown-pragmas -march=${MUYBRIDGE_ARCH}
  -Wno-stringop-overflow -Wno-missing-field-initializers -fno-math-errno -fno-trapping-math>)
target_compile_definitions(muybridge_options INTERFACE MUYBRIDGE_VERSION="${PROJECT_VERSION}"
  SPDLOG_FMT_EXTERNAL)
target_link_libraries(muybridge_options INTERFACE Threads::Threads)
if(MUYBRIDGE_SANITIZE)
  target_compile_options(muybridge_options INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${MUYBRIDGE_SANITIZE} -fno-omit-frame-pointer>)
  target_link_options(muybridge_options INTERFACE -fsanitize=${MUYBRIDGE_SANITIZE})
endif()

# jemalloc keeps a step's large blocks; glibc returns them to the system and pays page faults.
add_library(muybridge_allocator INTERFACE)
if(MUYBRIDGE_JEMALLOC AND NOT MUYBRIDGE_SANITIZE)
  pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)
  target_link_libraries(muybridge_allocator INTERFACE PkgConfig::JEMALLOC)
endif()
