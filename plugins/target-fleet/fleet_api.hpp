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

/// fleet's HTTP API, a function for each thing that it can be asked. Any thread may call anything at any time.
///
/// Throw Error `unavailable` when fleet cannot be reached, is not well or answers what it should not, `misconfigured`
/// when it lets nobody in (401, 403), and `rejected` when it is one unit that fleet does not take or cannot read, while
/// it is well itself. Messages name the request and quote fleet's own words.
class FleetApi {
public:
    explicit FleetApi(const Endpoint& endpoint);

    /// One listing, with all its pages. What fleet leaves out of it nobody can tell.
    [[nodiscard]] std::vector<FleetUnit> list(const Call& call) const;

    /// Nullopt: fleet has no such unit.
    [[nodiscard]] std::optional<FleetUnit> find(std::string_view unit, const Call& call) const;

    enum class Put {
        taken,    ///< The unit was created, or replaced.
        present,  ///< It was there. Its desired state is set; its options may be these, or others that fleet keeps.
    };
    Put put(const Unit& unit, const Call& call) const;

    /// False: fleet has no such unit.
    bool set_desired_state(std::string_view unit, DesiredState state, const Call& call) const;

    /// Success also when there is none.
    void destroy(std::string_view unit, const Call& call) const;

    /// The words of the machines on the unit, an entry each.
    [[nodiscard]] std::vector<StateEntry> states(std::string_view unit, const Call& call) const;
    /// The words of the machines on all units.
    [[nodiscard]] std::vector<StateEntry> all_states(const Call& call) const;

    /// Those that are up.
    [[nodiscard]] std::vector<Machine> machines(const Call& call) const;

private:
    struct Answer {
        std::string request;  ///< as messages name it
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
    std::string prefix_;  ///< of messages, where their urls do not tell which fleet they are about
    http::Client client_;
};

}  // namespace deployer::fleet
