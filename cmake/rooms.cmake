# A room is a folder of the source tree and one static library: muybridge_<room>.
function(add_room room)
  cmake_parse_arguments(ROOM "" "" "LINKS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${room}/*.cpp)
  list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/cli/main.cpp)
  list(FILTER sources EXCLUDE REGEX "/cuda/|/nccl")
  add_library(muybridge_${room} STATIC ${sources})
  target_link_libraries(muybridge_${room} PRIVATE muybridge_options PUBLIC ${ROOM_LINKS})
endfunction()
