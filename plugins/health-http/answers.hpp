#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::probe {

/// Why an answer in the Financial Times' format, `{"checks": [{"name": "disk", "ok": true}]}`, is none of a healthy
/// service; nullopt: all its checks are ok. Keys count in any letter case.
[[nodiscard]] std::optional<std::string> find_failed_check(const std::string& answer);

/// The value of a key, from etcd's answer (v2 keys API); nullopt: it is no such answer.
[[nodiscard]] std::optional<std::string> etcd_value(const std::string& answer);

/// Whether etcd answers that there is no such key, and not somebody else that there is no such page.
[[nodiscard]] bool is_absent_key(const std::string& answer);

/// The first few, and how many more there are: "a, b and 3 more".
[[nodiscard]] std::string enumerate(const std::vector<std::string>& items, std::string_view separator);

}  // namespace deployer::probe
