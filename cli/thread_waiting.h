#pragma once

namespace muybridge {

// The threads of OpenMP wait for each other several thousand times a second. libgomp lets them spin
// for milliseconds while they do, so that one busy process of anybody else, which keeps one of them
// from running for a moment, makes all others burn their time: a run of 2 threads on 2 cores then
// keeps a quarter of its speed. Spinning for microseconds and then sleeping costs nothing on a
// quiet machine and bounds that loss (docs/launching.md has the figures).
//
// libgomp reads its settings when it is loaded, before main: where the user has set none of them,
// this starts the program anew, once, with GOMP_SPINCOUNT set. Call it first in main.
void bound_thread_spinning(char** argv);

}  // namespace muybridge
