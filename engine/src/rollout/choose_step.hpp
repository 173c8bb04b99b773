#pragma once

#include <cstddef>
#include <deque>
#include <functional>

namespace deployer {

/// How much a change of a step's node can take away.
enum class Worth {
    down,      ///< nothing
    unproven,  ///< the node may be down in another way than the target sees
    up,
};

/// The first of the `waiting` steps whose nodes are worth least (R41). `worth_of` may cost a call to the target: the
/// first step is only looked at if another one is worth little, and nothing is looked at after a node that is down.
/// `waiting` is not empty. Throws what `worth_of` throws.
std::size_t choose_neediest(const std::deque<std::size_t>& waiting, const std::function<Worth(std::size_t)>& worth_of);

}  // namespace deployer
