#pragma once

#include <optional>

namespace deployer {

/// In the first process of a container (pid 1), forks a second process that does the work and gets nullopt. The first
/// process inherits orphans of the container. It reaps them, passes signals on, and waits for the second process to
/// end. Then it gets the status to exit with: that of the second process, or 128 plus the signal that ended it. The
/// deployer itself never sees orphans, so it cannot reap a child that a plugin waits for. In any other process, does
/// nothing and returns nullopt. To be called before any thread is started. Throws std::system_error when it cannot
/// fork.
std::optional<int> keep_house_if_first();

}  // namespace deployer
