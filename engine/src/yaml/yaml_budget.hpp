#pragma once

#include <deployer/settings.hpp>

#include <cstddef>
#include <optional>
#include <string>

namespace deployer {

/// How much of a YAML document is believed. Aliases count what they stand for, so that an alias bomb ends here.
struct YamlBudget {
    std::size_t bytes = 16U << 20U;
    std::size_t nodes = 500'000;
    int depth = 32;
};

/// The size of a value once all aliases are written out.
struct YamlSize {
    std::size_t nodes = 0;
    std::size_t bytes = 0;
    int height = 0;  ///< levels of lists and blocks
};

YamlSize measure(const SettingsNode& node);

/// The part of a budget that was spent so far. Each function gives the problem where the budget does not allow it, for
/// a message at the line of the value.
class YamlSpending {
public:
    explicit YamlSpending(const YamlBudget& budget) : budget_(budget) {}

    [[nodiscard]] std::optional<std::string> add(const YamlSize& size);
    /// `depth` is the number of lists and blocks that are open one in another.
    [[nodiscard]] std::optional<std::string> check_depth(int depth) const;

private:
    const YamlBudget& budget_;
    std::size_t nodes_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace deployer
