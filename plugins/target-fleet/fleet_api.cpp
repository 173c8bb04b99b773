#include "fleet_api.hpp"

#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <set>
#include <utility>

namespace deployer::fleet {
namespace {

/// The pause before a second attempt: longer than etcd takes to elect another leader.
constexpr std::chrono::milliseconds second_attempt{2'500};

/// Conclusions from a status 500, for the end of an error message.
constexpr std::string_view not_taken = "; fleet can list its units and look this one up, so the cause is the unit";
constexpr std::string_view unreadable =
    "; fleet can list its units, but not read this one, so the cause is what fleet has stored of the unit";

/// Percent-encodes all but `@` and `:`, which unit names often have, so that urls stay readable in a log.
std::string encode(std::string_view text) {
    return http::percent_encode(text, "@:");
}

std::string path_of(std::string_view unit) {
    return "/units/" + encode(unit);
}

/// Whether the server is overloaded or refuses to serve for now. Such an answer says nothing about the request itself.
bool is_overload(int status) {
    constexpr std::array overloads{408, 429, 502, 503, 504};
    return std::find(overloads.begin(), overloads.end(), status) != overloads.end();
}

bool is_failure(int status) {
    return status >= 500 && !is_overload(status);
}

/// Whether the answer blames the request itself. fleet does so in its own form of an error. A proxy in between may
/// refuse a unit as too large, which is also the unit's fault.
bool is_about_request(int status, const std::string& body) {
    constexpr int too_large = 413;
    return status >= 400 && status < 500 && !is_overload(status) && (status == too_large || read_error(body));
}

}  // namespace

template <class Read>
auto FleetApi::read(const Answer& answer, const Read& reader) const {
    try {
        return reader(answer.response.body);
    } catch (const Error& error) {
        throw named(error.while_doing(answer.request));
    }
}

template <class Item, class Read>
std::vector<Item> FleetApi::read_pages(const std::string& resource, const Read& reader, const Call& call) const {
    const std::string separator = resource.find('?') == std::string::npos ? "?" : "&";
    std::vector<Item> items;
    std::set<std::string> tokens;
    std::string token;
    do {
        const auto suffix = token.empty() ? token : separator + "nextPageToken=" + encode(token);
        const auto answer = send("GET", resource + suffix, "", call);
        if (answer.response.status != 200) throw named(refusal(ErrorKind::unavailable, answer));
        auto page = read(answer, reader);
        std::move(page.items.begin(), page.items.end(), std::back_inserter(items));
        token = std::move(page.next);
        if (!token.empty() && !tokens.insert(token).second) {
            throw named(Error(ErrorKind::unavailable, answer.request + ": page token " + quote(token) + " repeats"));
        }
    } while (!token.empty());
    return items;
}

FleetApi::FleetApi(const Endpoint& endpoint)
    : url_(endpoint.url),
      prefix_(endpoint.options.unix_socket.empty() ? "" : "fleet at " + endpoint.shown),
      client_(endpoint.options) {}

std::vector<FleetUnit> FleetApi::list(const Call& call) const {
    return read_pages<FleetUnit>("/units", read_units, call);
}

std::optional<FleetUnit> FleetApi::find(std::string_view unit, const Call& call) const {
    const auto answer = send_about(unit, "GET", "", call);
    if (is_absent(answer)) return std::nullopt;
    if (is_failure(answer.response.status)) throw named(refusal(ErrorKind::rejected, answer, unreadable));
    if (answer.response.status != 200) throw named(refusal(ErrorKind::unavailable, answer));
    auto held = read(answer, read_unit);
    if (held.unit.name != unit) {
        throw named(Error(ErrorKind::unavailable, answer.request + ": the answer is about " + quote(held.unit.name)));
    }
    return held;
}

FleetApi::Put FleetApi::put(const Unit& unit, const Call& call) const {
    const auto answer = send_about(unit.name, "PUT", write_unit(unit), call);
    if (answer.response.status == 201) return Put::taken;
    if (answer.response.status == 204) return Put::present;
    throw change_failed(unit.name, answer, call);
}

bool FleetApi::set_desired_state(std::string_view unit, DesiredState state, const Call& call) const {
    const auto answer = send_about(unit, "PUT", write_desired_state(unit, state), call);
    if (answer.response.status == 201 || answer.response.status == 204) return true;
    // For an absent unit in a request without options, fleet answers 409 (conflict).
    if (is_absent(answer) || (answer.response.status == 409 && read_error(answer.response.body))) return false;
    throw change_failed(unit, answer, call);
}

void FleetApi::destroy(std::string_view unit, const Call& call) const {
    const auto answer = send_about(unit, "DELETE", "", call);
    if (answer.response.status == 204 || is_absent(answer)) return;
    // fleet fails when somebody else destroys the unit at the same time.
    if (is_failure(answer.response.status) && look_up(unit, call) == Record::absent) return;
    throw change_failed(unit, answer, call);
}

std::vector<StateEntry> FleetApi::states(std::string_view unit, const Call& call) const {
    auto entries = read_pages<StateEntry>("/state?unitName=" + encode(unit), read_states, call);
    // A fleet that is too old for the filter lists all units.
    std::erase_if(entries, [unit](const StateEntry& entry) { return entry.unit != unit; });
    return entries;
}

std::vector<StateEntry> FleetApi::all_states(const Call& call) const {
    return read_pages<StateEntry>("/state", read_states, call);
}

std::vector<Machine> FleetApi::machines(const Call& call) const {
    return read_pages<Machine>("/machines", read_machines, call);
}

FleetApi::Answer FleetApi::send(const std::string& method, const std::string& resource, const std::string& body,
                                const Call& call) const {
    http::Request request;
    request.method = method;
    request.url = url_ + resource;
    request.headers.push_back({"Accept", "application/json"});
    if (!body.empty()) request.headers.push_back({"Content-Type", "application/json"});
    request.body = body;
    try {
        Answer answer{method + ' ' + http::presentable(request.url), client_.send(request, call)};
        check_admitted(answer);
        return answer;
    } catch (const Error& error) {
        throw named(error);
    }
}

/// fleet answers 500 for mistakes of its clients, for a unit that it cannot read, and as long as etcd has no leader. So
/// a 500 counts against the unit only when it comes twice while fleet is well.
FleetApi::Answer FleetApi::send_about(std::string_view unit, const std::string& method, const std::string& body,
                                      const Call& call) const {
    auto answer = send(method, path_of(unit), body, call);
    if (!is_failure(answer.response.status)) return answer;
    if (!is_well(call)) throw named(refusal(ErrorKind::unavailable, answer));
    if (call.remaining() < 2 * second_attempt) return answer;
    if (!call.wait(second_attempt)) call.check("asking fleet a second time");
    return send(method, path_of(unit), body, call);
}

/// Whether fleet is well, found by a listing: only for a listing does fleet use a read of etcd that needs a leader. A
/// unit that fleet cannot read does not matter, because the listing leaves it out.
bool FleetApi::is_well(const Call& call) const {
    try {
        return send("GET", "/units", "", call).response.status == 200;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::cancelled) throw;
        return false;
    }
}

Error FleetApi::named(const Error& error) const {
    return prefix_.empty() ? error : error.while_doing(prefix_);
}

Error FleetApi::refusal(ErrorKind kind, const Answer& answer, std::string_view conclusion) const {
    const auto& response = answer.response;
    auto message = answer.request + ": the answer is " + std::to_string(response.status);
    const auto own_words = read_error(response.body);
    const auto said = own_words ? printable(*own_words) : response.body.empty() ? "" : quote(response.body);
    message += said.empty() ? ", which it does not explain" : ": " + said;
    return {kind, message.append(conclusion)};
}

void FleetApi::check_admitted(const Answer& answer) const {
    const auto status = answer.response.status;
    if (status == 401 || status == 403) throw refusal(ErrorKind::misconfigured, answer);
}

/// Whether fleet says that the unit is absent. A 404 that is not in fleet's form comes from a server in between, which
/// knows nothing about units.
bool FleetApi::is_absent(const Answer& answer) const {
    if (answer.response.status != 404) return false;
    if (!answer.response.body.empty() && !read_error(answer.response.body)) {
        throw named(refusal(ErrorKind::unavailable, answer));
    }
    return true;
}

FleetApi::Record FleetApi::look_up(std::string_view unit, const Call& call) const {
    const auto answer = send("GET", path_of(unit), "", call);
    if (is_absent(answer)) return Record::absent;
    if (is_failure(answer.response.status)) return Record::unreadable;
    if (answer.response.status != 200) throw named(refusal(ErrorKind::unavailable, answer));
    return Record::there;
}

Error FleetApi::change_failed(std::string_view unit, const Answer& answer, const Call& call) const {
    const auto status = answer.response.status;
    if (is_failure(status)) {
        const bool can_read = look_up(unit, call) != Record::unreadable;
        return named(refusal(ErrorKind::rejected, answer, can_read ? not_taken : unreadable));
    }
    const bool is_unit_to_blame = is_about_request(status, answer.response.body);
    return named(refusal(is_unit_to_blame ? ErrorKind::rejected : ErrorKind::unavailable, answer));
}

}  // namespace deployer::fleet
