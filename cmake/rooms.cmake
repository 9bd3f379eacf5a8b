# Code that gives orders and computes nothing itself: most of a build's time went into optimizing it.
function(build_quickly)
  set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS $<$<CONFIG:Release>:-O1>)
endfunction()

# A room is a folder of the source tree and one static library: muybridge_<room>. ORDERS: a regular
# expression for the files in it that give orders only.
function(add_room room)
  cmake_parse_arguments(ROOM "" "ORDERS" "LINKS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}
    ${CMAKE_SOURCE_DIR}/${room}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "^cli/main.cpp|^core/cuda|/nccl")
  add_library(muybridge_${room} STATIC ${sources})
  target_link_libraries(muybridge_${room} PRIVATE muybridge_options PUBLIC ${ROOM_LINKS})
  use_precompiled(muybridge_${room} house)
  if(ROOM_ORDERS)
    list(FILTER sources INCLUDE REGEX "^${room}/(${ROOM_ORDERS}).*\\.cpp$")
    build_quickly(${sources})
  endif()
endfunction()

# The same for what parallel calls of NCCL.
function(add_nccl)
  set(sources parallel/nccl_stubs.cpp)
  if(MUYBRIDGE_HAS_CUDA)
    file(GLOB sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}
      ${CMAKE_SOURCE_DIR}/parallel/nccl/*.cpp)
  endif()
  add_library(muybridge_nccl STATIC ${sources})
  target_link_libraries(muybridge_nccl PRIVATE muybridge_options PUBLIC muybridge_parallel)
  if(MUYBRIDGE_HAS_CUDA)
    target_link_libraries(muybridge_nccl PRIVATE muybridge_cuda muybridge_device)
  endif()
  target_link_libraries(muybridge_parallel INTERFACE
    $<IF:$<BOOL:$<TARGET_PROPERTY:CUDA_DOUBLE>>,muybridge_nccl_double,muybridge_nccl>)
endfunction()

# What core calls of CUDA is a library of its own, so that the linker chooses: core/cuda where there
# is a toolkit, else its stubs. Programs with the property CUDA_DOUBLE get neither, but a device that
# is emulated (tests/cuda_double).
function(add_device)
  set(sources core/cuda_stubs.cpp)
  if(MUYBRIDGE_HAS_CUDA)
    file(GLOB sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}
      ${CMAKE_SOURCE_DIR}/core/cuda/*.cpp ${CMAKE_SOURCE_DIR}/core/cuda/*.cu)
    # Without the headers that are compiled first: they have another JSON library.
    set(graphs ${sources})
    list(FILTER graphs INCLUDE REGEX "_graph\\.cpp$")
    list(FILTER sources EXCLUDE REGEX "_graph\\.cpp$")
    add_library(muybridge_cudnn_graphs OBJECT ${graphs})
    target_link_libraries(muybridge_cudnn_graphs PRIVATE muybridge_options muybridge_cuda fmt::fmt)
    build_quickly(${graphs})
    list(APPEND sources $<TARGET_OBJECTS:muybridge_cudnn_graphs>)
  endif()
  add_library(muybridge_device STATIC ${sources})
  target_link_libraries(muybridge_device PRIVATE muybridge_options PUBLIC muybridge_core)
  use_precompiled(muybridge_device house)
  if(MUYBRIDGE_HAS_CUDA)
    target_link_libraries(muybridge_device PRIVATE muybridge_cuda)
  endif()
  target_link_libraries(muybridge_core INTERFACE
    $<IF:$<BOOL:$<TARGET_PROPERTY:CUDA_DOUBLE>>,muybridge_device_double,muybridge_device>)
endfunction()
