#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "parallel/group.h"

namespace muybridge {

// Whether a message begins as `together` tells what befell another rank: "rank 3: ...".
bool names_a_rank(std::string_view text);

// Runs `work` on every rank; returns on rank 0 what each returned, in the order of ranks, and on
// the others nothing. When it throws on one rank this throws on all: there its own exception,
// elsewhere an Error with its code and "rank N: <message>", of the first such rank, N counted in
// the job; a message that names a rank already stays as it is. So all ranks go on or none does. A
// filesystem_error becomes Error(kIo). Where a rank is lost (kRankLost) there is nobody to wait
// for. Collective.
std::vector<std::string> together(Group& group, const std::function<std::string()>& work);

// Runs what ranks do hand in hand, with exchanges of the group inside. One that throws there would
// leave the others waiting, so where there are others it becomes Error(kRankLost), with its own
// message, as no other rank has it; but kPreempted does not, which all throw alike.
void hand_in_hand(const Group& group, const std::function<void()>& work);

// The same as together for what only rank 0 does; returns on all ranks what it returned.
std::string rank_zero(Group& group, const std::function<std::string()>& work);

}  // namespace muybridge
