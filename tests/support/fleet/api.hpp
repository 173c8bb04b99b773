#pragma once

#include "support/fleet/cluster.hpp"
#include "support/http_server.hpp"

#include <deployer/unit.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer::simulated {

/// The faults of a request; several can be combined.
///     fleet.set_fault([](const FleetRequest& request) -> std::optional<FleetFault> {
///         if (request.line != "PUT foo.service" || request.nth > 1) return std::nullopt;
///         return FleetFault{.status = 500};
///     });
struct FleetFault {
    bool drop = false;                                    ///< the connection ends; the request is not carried out
    bool lose_answer = false;                             ///< the request is carried out, then the connection ends
    std::optional<int> status = std::nullopt;             ///< the answer is this error; the request is not carried out
    std::string message = {};                             ///< message of that error
    HttpHeaders headers = {};                             ///< added, e.g. Retry-After
    std::optional<std::string> body = std::nullopt;       ///< replaces the true body
    std::optional<std::size_t> cut_after = std::nullopt;  ///< so many bytes of the body, then the connection ends
    std::optional<HttpReply::Framing> framing = std::nullopt;
    std::chrono::milliseconds drip{0};   ///< before each byte of the body
    std::chrono::milliseconds delay{0};  ///< before the answer
    bool repeat_token = false;           ///< the page names itself as the next one
    bool leave_out = false;              ///< the page lacks its first unit and every fifth after it
    std::string lacks = {};              ///< the page lacks units that match (fnmatch(3))
};

/// The options as they come out of the registry, which stores unit file text: grouped by section.
[[nodiscard]] std::vector<UnitOption> grouped(const std::vector<UnitOption>& options);

[[nodiscard]] HttpReply error_reply(int status, std::string_view message);

/// The number, from 1, of the page of a listing that a token names; nullopt for an invalid token.
[[nodiscard]] std::optional<std::size_t> page_named(std::string_view token, std::size_t page_size);

/// fleet's HTTP API of a cluster (api/units.go, api/state.go). Faults may make answers incomplete.
class Api {
public:
    Api(Cluster& cluster, std::size_t page_size, std::size_t machines, bool is_old)
        : cluster_(cluster), page_size_(page_size), machines_(machines), is_old_(is_old) {}

    static constexpr std::string_view base_path = "/fleet/v1";
    static constexpr std::string_view units_path = "/units/";

    HttpReply answer(const HttpRequest& request, const FleetFault& fault);

private:
    HttpReply list_units(const HttpRequest& request, const FleetFault& fault) const;
    HttpReply list_states(const HttpRequest& request, const FleetFault& fault) const;
    HttpReply list_machines() const;
    HttpReply get_unit(std::string_view name) const;
    HttpReply put_unit(const HttpRequest& request, const std::string& name);
    HttpReply delete_unit(std::string_view name);

    /// The unit's slot; null when there is no such unit. Throws when fleet cannot read the unit.
    [[nodiscard]] const Slot* find_readable(std::string_view name) const;
    /// The unit's name and the JSON of each item.
    using Items = std::vector<std::pair<std::string, std::string>>;
    [[nodiscard]] HttpReply page(std::string_view list, const Items& items, std::size_t number, bool has_next,
                                 const FleetFault& fault) const;

    Cluster& cluster_;
    std::size_t page_size_;
    std::size_t machines_;
    bool is_old_;
};

}  // namespace deployer::simulated
