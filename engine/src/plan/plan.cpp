#include "plan/plan.hpp"

#include <deployer/unit_name.hpp>

#include <algorithm>

namespace deployer {

std::string_view action_of(ChangeKind kind) noexcept {
    switch (kind) {
        case ChangeKind::create_group:
        case ChangeKind::add_node:
            return "create";
        case ChangeKind::update:
        case ChangeKind::update_sidekick:
            return "update";
        case ChangeKind::set_state:
            return "set_state";
        case ChangeKind::remove_node:
        case ChangeKind::destroy_group:
            return "destroy";
    }
    return "update";
}

std::string signature_of(const Change& change) {
    const auto side = [](const SharedContent& content, DesiredState state) {
        return (content ? content->digest : std::string()) + ' ' + std::string(to_string(state));
    };
    return side(change.former, change.former_state) + " -> " + side(change.content, change.desired_state);
}

bool comes_before(const Change& left, const Change& right) {
    if (left.kind != right.kind) return left.kind < right.kind;
    if (left.service != right.service) return numeric_less(left.service, right.service);
    const auto left_node = instance_of(left.unit);
    const auto right_node = instance_of(right.unit);
    if (left_node != right_node) {
        return left.kind == ChangeKind::remove_node ? numeric_less(right_node, left_node)
                                                    : numeric_less(left_node, right_node);
    }
    if (is_sidekick(left.unit) != is_sidekick(right.unit)) return is_sidekick(left.unit) != is_create(left.kind);
    return numeric_less(left.unit, right.unit);
}

std::optional<std::size_t> find_standstill(const std::vector<Standstill>& standing, std::string_view service) {
    for (const auto name : {service, std::string_view()}) {
        const auto found =
            std::find_if(standing.begin(), standing.end(), [&](const auto& still) { return still.service == name; });
        if (found != standing.end()) return static_cast<std::size_t>(found - standing.begin());
    }
    return std::nullopt;
}

}  // namespace deployer
