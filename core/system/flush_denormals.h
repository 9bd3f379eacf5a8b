#pragma once

namespace muybridge {

// Makes this thread, and the threads it starts from now on, treat numbers below 2^-126 as zero. On
// x86 every operation that meets one takes a hundred cycles, and loops that select between branches
// meet them in the branch not taken. Called once by main, before any thread.
void flush_denormals();

}  // namespace muybridge
