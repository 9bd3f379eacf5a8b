# Headers of libraries that many files parse, parsed once: a quarter of the time of a build. They hide
# no missing include: clang-tidy reads each file without them (.clang-tidy), and MUYBRIDGE_PCH=OFF
# builds so. Off under ccache, which cannot tell what such a header holds.
#
# Not target_precompile_headers: its files know their place, and this build goes on where its folder
# is copied to (launch/follow_build.py).
set(precompile_by_default ON)
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU OR CMAKE_CXX_COMPILER_LAUNCHER MATCHES ccache)
  set(precompile_by_default OFF)
endif()
option(MUYBRIDGE_PCH "Precompile headers of libraries" ${precompile_by_default})

# The paths that g++ writes are right as they are; CMake's translation names the folder.
cmake_policy(SET CMP0116 OLD)

# precompile(NAME LIBRARY...): a target precompiled_NAME for cmake/precompiled/NAME.hxx, compiled with
# the flags of a room that links these libraries.
function(precompile name)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  separate_arguments(flags NATIVE_COMMAND "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${type}}")
  foreach(library ${ARGN})
    list(APPEND flags $<TARGET_PROPERTY:${library},INTERFACE_COMPILE_OPTIONS>)
    set(define "$<FILTER:$<TARGET_PROPERTY:${library},INTERFACE_COMPILE_DEFINITIONS>,EXCLUDE,^$>")
    list(APPEND flags "$<$<BOOL:${define}>:-D$<JOIN:${define},$<SEMICOLON>-D>>")
  endforeach()
  set(header precompiled/${name}.hxx)
  configure_file(cmake/${header} ${header} COPYONLY)
  add_custom_command(OUTPUT ${header}.gch
    COMMAND ${CMAKE_CXX_COMPILER} ${flags} ${MUYBRIDGE_CXX_OPTIONS} ${OpenMP_CXX_FLAGS} -std=c++20
      -x c++-header ${header} -o ${header}.gch -MD -MF ${header}.d -MT ${header}.gch
    WORKING_DIRECTORY ${CMAKE_BINARY_DIR}
    DEPENDS ${CMAKE_BINARY_DIR}/${header} DEPFILE ${CMAKE_BINARY_DIR}/${header}.d
    COMMAND_EXPAND_LISTS VERBATIM COMMENT "Precompiling ${name}.hxx")
  add_custom_target(precompiled_${name} DEPENDS ${CMAKE_BINARY_DIR}/${header}.gch)
endfunction()

function(use_precompiled target name)
  if(MUYBRIDGE_PCH)
    add_dependencies(${target} precompiled_${name})
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:-Winvalid-pch -include precompiled/${name}.hxx>)
  endif()
endfunction()

if(MUYBRIDGE_PCH)
  precompile(house fmt::fmt spdlog::spdlog)
  precompile(tests fmt::fmt spdlog::spdlog GTest::gtest)
endif()
