#pragma once

namespace muybridge {

// Gives the calling thread a stack for handlers that ask for one (SA_ONSTACK), if it has none yet:
// what a thread needs that computes and is interrupted. Why: core/system/stop_signals.h.
void use_signal_stack();

}  // namespace muybridge
