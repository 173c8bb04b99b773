#pragma once

#include <optional>

namespace deployer {

/// Called before there is any thread. In the first process of a container (pid 1), which inherits whatever other
/// processes leave behind, it starts a second one to do the work: there it gives nullopt. The first one buries what
/// ends, passes signals on, and gets the status to exit with, once the second has ended: its own, or 128 and the signal
/// that ended it. So nothing has to tell children that somebody waits for from those that nobody does. In any other
/// process it does nothing and gives nullopt. Throws std::system_error when there can be no second process.
std::optional<int> keep_house_if_first();

}  // namespace deployer
