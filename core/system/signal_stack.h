#pragma once

namespace muybridge {

// Gives the calling thread a stack for handlers that ask for one (SA_ONSTACK), if it has none yet.
//
// Every handler of ours asks, and every thread that multiplies matrices has one: the kernels that
// oneDNN 2.6 compiles for f32 point the stack at their workspace on the heap while they run
// (jit_avx_gemm_f32 with more than 252 columns), and a handler's frame would be written over what
// lies below it.
void use_signal_stack();

// The same for the calling thread and the others that share its loops.
void use_signal_stacks_in_loops();

}  // namespace muybridge
