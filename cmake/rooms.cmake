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
  list(REMOVE_ITEM sources cli/main.cpp)
  if(MUYBRIDGE_HAS_CUDA)
    file(GLOB_RECURSE kernels CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}
      ${CMAKE_SOURCE_DIR}/${room}/*.cu)
    list(APPEND sources ${kernels})
    list(FILTER sources EXCLUDE REGEX "/cuda_stubs|/nccl")
  else()
    list(FILTER sources EXCLUDE REGEX "/cuda/|/nccl")
  endif()
  add_library(muybridge_${room} STATIC ${sources})
  target_link_libraries(muybridge_${room} PRIVATE muybridge_options PUBLIC ${ROOM_LINKS})
  use_precompiled(muybridge_${room} house)
  if(ROOM_ORDERS)
    list(FILTER sources INCLUDE REGEX "^${room}/(${ROOM_ORDERS}).*\\.cpp$")
    build_quickly(${sources})
  endif()
endfunction()
