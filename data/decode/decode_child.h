#pragma once

namespace muybridge {

// What `muybridge internal-decode` does: serves the orders of a DecodeWorker on descriptors 3 and 4
// until the parent is gone. Returns the exit status. A main() that owns DecodeWorkers must call it
// when its first argument is kDecodeCommand, before it starts anything else.
int run_decode_child();

}  // namespace muybridge
