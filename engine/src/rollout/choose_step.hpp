#pragma once

#include <cstddef>
#include <deque>
#include <functional>

namespace deployer {

/// How much is lost when a change takes down the step's node.
enum class Worth {
    down,      ///< nothing: the node is down already
    unproven,  ///< perhaps nothing: the node may be down in a way that the target does not see
    up,
};

/// The first of the `waiting` steps whose nodes are worth least (R41). `waiting` is not empty. `worth_of` may cost a
/// call to the target, so the first step is looked at only if another step is worth little, and no step is looked at
/// after a node that is down. Throws what `worth_of` throws.
std::size_t choose_neediest(const std::deque<std::size_t>& waiting, const std::function<Worth(std::size_t)>& worth_of);

}  // namespace deployer
