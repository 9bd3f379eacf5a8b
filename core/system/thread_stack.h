#pragma once

#include <pthread.h>

#include <chrono>
#include <string>

namespace muybridge {

// Takes the signal by which stack_of asks (the last of the real-time ones). Once before stack_of;
// again does nothing.
void prepare_stack_signal();

// Where another thread of this process is just now: a line a call, innermost first. The thread is
// interrupted for as long as it takes to write addresses down. One that does not answer in time
// hangs in the kernel or blocks the signal, and the text says so. Thread-safe.
std::string stack_of(pthread_t thread, std::chrono::milliseconds patience);

}  // namespace muybridge
