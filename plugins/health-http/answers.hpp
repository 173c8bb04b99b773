#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::probe {

/// The reason why an answer in the Financial Times' format, `{"checks": [{"name": "disk", "ok": true}]}`, shows an
/// unhealthy service; nullopt when all its checks are ok. Keys count in any letter case.
[[nodiscard]] std::optional<std::string> find_failed_check(const std::string& answer);

/// The value of a key in etcd's answer (v2 keys API); nullopt for any other answer.
[[nodiscard]] std::optional<std::string> etcd_value(const std::string& answer);

/// Whether the answer is etcd's own "key not found", and not the 404 of some other server.
[[nodiscard]] bool is_absent_key(const std::string& answer);

/// The first few items and the number of further ones: "a, b and 3 more".
[[nodiscard]] std::string enumerate(const std::vector<std::string>& items, std::string_view separator);

}  // namespace deployer::probe
