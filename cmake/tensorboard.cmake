# The messages of TensorBoard's event files: train/records/tensorboard.proto -> train/records/tensorboard.pb.h.
add_library(muybridge_tensorboard_proto STATIC ${CMAKE_SOURCE_DIR}/train/records/tensorboard.proto)
protobuf_generate(TARGET muybridge_tensorboard_proto LANGUAGE cpp
  IMPORT_DIRS ${CMAKE_SOURCE_DIR} PROTOC_OUT_DIR ${CMAKE_BINARY_DIR}/generated)
target_include_directories(muybridge_tensorboard_proto SYSTEM PUBLIC
  ${CMAKE_BINARY_DIR}/generated ${Protobuf_INCLUDE_DIRS})
target_link_libraries(muybridge_tensorboard_proto PUBLIC protobuf::libprotobuf-lite)
