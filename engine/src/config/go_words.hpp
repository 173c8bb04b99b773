#pragma once

#include <optional>
#include <string_view>

namespace deployer {

/// Values as the Go deployer reads them, on its command line and in etcd alike. Nullopt: the word is no such value.

/// A boolean in a spelling of Go's strconv.ParseBool: 1, t, T, true, TRUE, True, and their opposites.
std::optional<bool> read_go_boolean(std::string_view word);

/// A whole number of seconds, not negative.
std::optional<int> read_go_seconds(std::string_view word);

}  // namespace deployer
