#pragma once

namespace muybridge {

// Shuts the calling process in, for good. From here on it dies with its parent, dumps no core, has
// few descriptors, and the kernel refuses (EPERM) every call that decoding does not need: it can
// read and write the descriptors that it has, take memory and start threads, but open no file or
// socket, start no program or process, signal or trace nobody, and map nothing executable. What
// needs a file must be opened before. To be called by the only thread.
// False if this kernel cannot filter calls; all else holds then too. Throws Error(kIo).
bool confine_decoder();

}  // namespace muybridge
