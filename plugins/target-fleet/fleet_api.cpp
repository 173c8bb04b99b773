#include "fleet_api.hpp"

#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <utility>

namespace deployer::fleet {
namespace {

std::string percent_encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view plain = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~@:";
    std::string out;
    for (const char character : text) {
        if (plain.find(character) != std::string_view::npos) {
            out += character;
        } else {
            const auto byte = static_cast<unsigned char>(character);
            out.append(1, '%').append(1, digits[byte / 16]).append(1, digits[byte % 16]);
        }
    }
    return out;
}

std::string path_of(std::string_view unit) {
    return "/units/" + percent_encode(unit);
}

/// Says nothing about what was asked for: whoever answers so cannot serve anything right now, or does not want to.
bool is_overload(int status) {
    constexpr std::array overloads{408, 429, 502, 503, 504};
    return std::find(overloads.begin(), overloads.end(), status) != overloads.end();
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
        const auto suffix = token.empty() ? token : separator + "nextPageToken=" + percent_encode(token);
        const auto answer = get(resource + suffix, call);
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
    const auto answer = get(path_of(unit), call);
    if (is_absent(answer)) return std::nullopt;
    auto held = read(answer, read_unit);
    if (held.unit.name != unit) {
        throw named(Error(ErrorKind::unavailable, answer.request + ": the answer is about " + quote(held.unit.name)));
    }
    return held;
}

FleetApi::Put FleetApi::put(const Unit& unit, const Call& call) const {
    const auto answer = send("PUT", path_of(unit.name), write_unit(unit), call);
    if (answer.response.status == 201) return Put::taken;
    if (answer.response.status == 204) return Put::present;
    throw change_failed(unit.name, answer, call);
}

bool FleetApi::set_desired_state(std::string_view unit, DesiredState state, const Call& call) const {
    const auto answer = send("PUT", path_of(unit), write_desired_state(unit, state), call);
    if (answer.response.status == 201 || answer.response.status == 204) return true;
    // fleet calls it a conflict that a unit without options is not there.
    if (answer.response.status == 409 || is_absent(answer)) return false;
    throw change_failed(unit, answer, call);
}

void FleetApi::destroy(std::string_view unit, const Call& call) const {
    const auto answer = send("DELETE", path_of(unit), "", call);
    if (answer.response.status == 204 || is_absent(answer)) return;
    const auto error = change_failed(unit, answer, call);
    // fleet stumbles when somebody else destroys the unit at the same time.
    if (answer.response.status < 500 || error.kind() != ErrorKind::rejected || find(unit, call)) throw Error(error);
}

std::vector<StateEntry> FleetApi::states(std::string_view unit, const Call& call) const {
    auto entries = read_pages<StateEntry>("/state?unitName=" + percent_encode(unit), read_states, call);
    // Fleets that are too old for the filter tell of all units.
    std::erase_if(entries, [unit](const StateEntry& entry) { return entry.unit != unit; });
    return entries;
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

FleetApi::Answer FleetApi::get(const std::string& resource, const Call& call) const {
    auto answer = send("GET", resource, "", call);
    if (answer.response.status != 200 && !is_absent(answer)) throw named(refusal(ErrorKind::unavailable, answer));
    return answer;
}

Error FleetApi::named(const Error& error) const {
    return prefix_.empty() ? error : error.while_doing(prefix_);
}

Error FleetApi::refusal(ErrorKind kind, const Answer& answer) const {
    const auto& response = answer.response;
    auto message = answer.request + ": the answer is " + std::to_string(response.status);
    const auto own_words = read_error(response.body);
    const auto said = own_words ? printable(*own_words) : response.body.empty() ? "" : quote(response.body);
    message += said.empty() ? ", which it does not explain" : ": " + said;
    return {kind, message};
}

void FleetApi::check_admitted(const Answer& answer) const {
    const auto status = answer.response.status;
    if (status == 401 || status == 403) throw refusal(ErrorKind::misconfigured, answer);
}

/// A 404 in other words than fleet's comes from something between, which knows nothing about units.
bool FleetApi::is_absent(const Answer& answer) const {
    if (answer.response.status != 404) return false;
    if (!answer.response.body.empty() && !read_error(answer.response.body)) {
        throw named(refusal(ErrorKind::unavailable, answer));
    }
    return true;
}

/// fleet answers 500 for some mistakes of its clients too. Where it can tell about the unit all the same, it is well.
Error FleetApi::change_failed(std::string_view unit, const Answer& answer, const Call& call) const {
    const auto status = answer.response.status;
    const bool is_unit_to_blame =
        !is_overload(status) && ((status >= 400 && status < 500) || (status >= 500 && answers_about(unit, call)));
    return named(refusal(is_unit_to_blame ? ErrorKind::rejected : ErrorKind::unavailable, answer));
}

bool FleetApi::answers_about(std::string_view unit, const Call& call) const {
    try {
        (void)find(unit, call);
        return true;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::cancelled) throw;
        return false;
    }
}

}  // namespace deployer::fleet
