#pragma once

#include "endpoint.hpp"
#include "fleet_json.hpp"

#include "http_client.hpp"

#include <deployer/call.hpp>
#include <deployer/error.hpp>
#include <deployer/unit.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::fleet {

/// fleet's HTTP API, with a function for each request. Any thread may call any function at any time.
///
/// The functions throw Error `unavailable` when fleet cannot be reached, is not well or gives an invalid answer,
/// `misconfigured` when fleet denies access (401, 403), and `rejected` when fleet is well but refuses, or cannot read,
/// one unit. Messages name the request and quote fleet's own words.
class FleetApi {
public:
    explicit FleetApi(const Endpoint& endpoint);

    /// One listing with all its pages. fleet may leave units out without a sign; see WholeListing.
    [[nodiscard]] std::vector<FleetUnit> list(const Call& call) const;

    /// fleet's record of the unit; nullopt when fleet has no such unit.
    [[nodiscard]] std::optional<FleetUnit> find(std::string_view unit, const Call& call) const;

    enum class Put {
        taken,    ///< The unit was created, or replaced.
        present,  ///< The unit existed. Its desired state is set, but fleet may have kept other options.
    };
    Put put(const Unit& unit, const Call& call) const;

    /// Sets the desired state; false when fleet has no such unit.
    bool set_desired_state(std::string_view unit, DesiredState state, const Call& call) const;

    /// Destroys the unit; succeeds also when the unit is absent.
    void destroy(std::string_view unit, const Call& call) const;

    /// The machines' reports on the unit, an entry for each machine.
    [[nodiscard]] std::vector<StateEntry> states(std::string_view unit, const Call& call) const;
    /// The machines' reports on all units.
    [[nodiscard]] std::vector<StateEntry> all_states(const Call& call) const;

    /// The machines that are up.
    [[nodiscard]] std::vector<Machine> machines(const Call& call) const;

private:
    struct Answer {
        std::string request;  ///< the request's name in messages
        http::Response response;
    };

    [[nodiscard]] Answer send(const std::string& method, const std::string& resource, const std::string& body,
                              const Call& call) const;
    [[nodiscard]] Answer send_about(std::string_view unit, const std::string& method, const std::string& body,
                                    const Call& call) const;
    [[nodiscard]] bool is_well(const Call& call) const;
    [[nodiscard]] Error named(const Error& error) const;
    [[nodiscard]] Error refusal(ErrorKind kind, const Answer& answer, std::string_view conclusion = {}) const;
    void check_admitted(const Answer& answer) const;
    [[nodiscard]] bool is_absent(const Answer& answer) const;
    enum class Record { there, absent, unreadable };
    [[nodiscard]] Record look_up(std::string_view unit, const Call& call) const;
    [[nodiscard]] Error change_failed(std::string_view unit, const Answer& answer, const Call& call) const;

    template <class Read>
    auto read(const Answer& answer, const Read& reader) const;
    template <class Item, class Read>
    std::vector<Item> read_pages(const std::string& resource, const Read& reader, const Call& call) const;

    std::string url_;
    std::string prefix_;  ///< prefix of messages that names the fleet, when urls do not
    http::Client client_;
};

}  // namespace deployer::fleet
