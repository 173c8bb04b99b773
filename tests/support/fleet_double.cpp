#include "support/fleet_double.hpp"

#include <deployer/unit_file.hpp>

#include <fnmatch.h>

#include <algorithm>
#include <set>
#include <utility>

namespace deployer {

using simulated::Cluster;
using simulated::Fate;

FleetDouble::FleetDouble(FleetOptions options)
    : options_(std::move(options)),
      cluster_(
          {options_.machines, options_.is_old, options_.pace}, [this](const Unit& unit) { return fate_of(unit); },
          [this](const Unit& unit) { return behaviour_of(unit) != Behaviour::unschedulable; }),
      api_(cluster_, options_.page_size, options_.machines, options_.is_old),
      server_(options_.unix_socket.empty()
                  ? HttpServer([this](const HttpRequest& request) { return handle(request); }, options_.port)
                  : HttpServer([this](const HttpRequest& request) { return handle(request); }, options_.unix_socket)) {}

std::string FleetDouble::endpoint() const {
    return options_.unix_socket.empty() ? server_.url("") : "unix://" + options_.unix_socket.string();
}

void FleetDouble::advance(Time time) {
    const std::scoped_lock lock(mutex_);
    advanced_ += time;
    (void)cluster();
}

void FleetDouble::settle() {
    const std::scoped_lock lock(mutex_);
    for (auto next = cluster().next_event(); next; next = cluster().next_event()) {
        advanced_ += std::max(*next - time_now(), Time{0});
    }
}

FleetDouble::Time FleetDouble::now() const {
    const std::scoped_lock lock(mutex_);
    return time_now();
}

FleetDouble::Time FleetDouble::time_now() const {
    if (options_.speed == 0) return advanced_;
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - started_;
    return advanced_ + std::chrono::duration_cast<Time>(elapsed * options_.speed);
}

Cluster& FleetDouble::cluster() const {
    cluster_.advance(time_now());
    return cluster_;
}

void FleetDouble::add(const Unit& unit) {
    const std::scoped_lock lock(mutex_);
    auto stored = unit;
    stored.options = simulated::grouped(unit.options);
    cluster().settle_in(stored);
}

void FleetDouble::remove(std::string_view unit) {
    const std::scoped_lock lock(mutex_);
    cluster().destroy(unit);
}

void FleetDouble::spoil(std::string_view unit) {
    const std::scoped_lock lock(mutex_);
    cluster().slots()[std::string(unit)].is_unreadable = true;
}

void FleetDouble::behave(std::string glob, Behaviour behaviour, std::string version) {
    const std::scoped_lock lock(mutex_);
    (void)cluster();
    behaviours_.push_back({std::move(glob), behaviour, std::move(version)});
}

void FleetDouble::show(std::string_view unit, std::vector<FleetState> states, std::string current_state) {
    const std::scoped_lock lock(mutex_);
    auto& slot = cluster().slots()[std::string(unit)];
    slot.shown_states = std::move(states);
    slot.shown_current_state = std::move(current_state);
}

void FleetDouble::crash(std::string_view unit) {
    const std::scoped_lock lock(mutex_);
    cluster().crash(unit);
}

std::vector<Unit> FleetDouble::units() const {
    const std::scoped_lock lock(mutex_);
    std::vector<Unit> units;
    for (const auto& [name, slot] : cluster().slots()) {
        if (slot.exists) units.push_back(slot.unit);
    }
    return units;
}

std::vector<std::string> FleetDouble::names() const {
    std::vector<std::string> names;
    for (const auto& unit : units()) names.push_back(unit.name);
    return names;
}

std::optional<Unit> FleetDouble::find(std::string_view unit) const {
    const std::scoped_lock lock(mutex_);
    const auto* slot = cluster().find(unit);
    return slot == nullptr || !slot->exists ? std::nullopt : std::optional(slot->unit);
}

std::string FleetDouble::current_state(std::string_view unit) const {
    const std::scoped_lock lock(mutex_);
    const auto* slot = cluster().find(unit);
    return slot == nullptr ? std::string() : simulated::current_state(*slot);
}

bool FleetDouble::runs(std::string_view unit) const {
    return ran_at(unit, now());
}

bool FleetDouble::ran_at(std::string_view unit, Time time) const {
    const std::scoped_lock lock(mutex_);
    const auto* slot = cluster().find(unit);
    return slot != nullptr && Cluster::was_up(*slot, time);
}

std::string FleetDouble::version_of(std::string_view unit) const {
    const std::scoped_lock lock(mutex_);
    const auto* slot = cluster().find(unit);
    if (slot == nullptr || slot->told.empty()) return {};
    return slot->told.begin()->second.hash;
}

std::size_t FleetDouble::most_down(const std::vector<std::string>& units, Time since) const {
    const std::scoped_lock lock(mutex_);
    std::vector<const simulated::Slot*> slots;
    std::set<Time> moments{since};
    for (const auto& unit : units) {
        slots.push_back(cluster().find(unit));
        if (slots.back() == nullptr) continue;
        for (const auto& [from, is_up] : slots.back()->history) {
            if (from > since) moments.insert(from);
        }
    }
    std::size_t most = 0;
    for (const auto moment : moments) {
        const auto down = std::count_if(slots.begin(), slots.end(), [&](const simulated::Slot* slot) {
            return slot == nullptr || !Cluster::was_up(*slot, moment);
        });
        most = std::max(most, static_cast<std::size_t>(down));
    }
    return most;
}

std::optional<FleetProcess> FleetDouble::process(std::string_view unit) const {
    const std::scoped_lock lock(mutex_);
    const auto processes = cluster().processes(unit);
    if (processes.empty()) return std::nullopt;
    const auto& [machine, process, view] = processes.front();
    return FleetProcess{process.content, simulated::machine_id(machine), process.invocation, process.since};
}

std::string FleetDouble::truth(std::string_view unit) const {
    const std::scoped_lock lock(mutex_);
    const auto* systemd = cluster().systemd_of(unit);
    if (systemd == nullptr) return {};
    const auto view = systemd->view(unit);
    return view.active + " (" + view.sub + ")";
}

std::vector<std::string> FleetDouble::lies() const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::string> lies;
    for (const auto& [name, slot] : cluster().slots()) {
        const auto lie = simulated::lie_about(cluster_, name, slot);
        if (!lie.empty()) lies.emplace_back(name).append(" ").append(lie);
    }
    return lies;
}

void FleetDouble::set_fault(Fault fault) {
    const std::scoped_lock lock(mutex_);
    fault_ = std::move(fault);
}

std::vector<std::string> FleetDouble::requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
}

std::vector<std::string> FleetDouble::writes() const {
    auto all = requests();
    std::erase_if(all, [](const std::string& line) { return line.starts_with("GET "); });
    return all;
}

std::size_t FleetDouble::count(std::string_view line) const {
    const auto all = requests();
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [line](const std::string& one) { return one.starts_with(line); }));
}

void FleetDouble::forget_requests() {
    const std::scoped_lock lock(mutex_);
    requests_.clear();
    counts_.clear();
    server_.forget();
}

FleetDouble::Behaviour FleetDouble::behaviour_of(const Unit& unit) const {
    const auto has = [&](const std::string& version) {
        return std::any_of(unit.options.begin(), unit.options.end(),
                           [&](const UnitOption& option) { return option.value.find(version) != std::string::npos; });
    };
    const auto found = std::find_if(behaviours_.rbegin(), behaviours_.rend(), [&](const Told& told) {
        return ::fnmatch(told.glob.c_str(), unit.name.c_str(), 0) == 0 && has(told.version);
    });
    return found == behaviours_.rend() ? Behaviour::run : found->behaviour;
}

Fate FleetDouble::fate_of(const Unit& unit) const {
    switch (behaviour_of(unit)) {
        case Behaviour::fail:
            return Fate::fail;
        case Behaviour::restart:
            return Fate::restart;
        case Behaviour::hang:
            return Fate::hang;
        case Behaviour::masked:
            return Fate::masked;
        default:
            return Fate::run;
    }
}

HttpReply FleetDouble::handle(const HttpRequest& request) {
    const std::scoped_lock lock(mutex_);
    const auto recorded = record(request);
    const auto fault = (fault_ ? fault_(recorded) : std::nullopt).value_or(FleetFault{});
    (void)cluster();
    HttpReply reply;
    if (!fault.drop)
        reply = fault.status ? simulated::error_reply(*fault.status, fault.message) : api_.answer(request, fault);
    reply.drop = fault.drop || fault.lose_answer;
    reply.headers.insert(reply.headers.end(), fault.headers.begin(), fault.headers.end());
    if (fault.body) reply.body = *fault.body;
    if (fault.framing) reply.framing = *fault.framing;
    reply.cut_after = fault.cut_after;
    reply.drip = fault.drip;
    reply.delay = options_.latency + fault.delay;
    return reply;
}

FleetRequest FleetDouble::record(const HttpRequest& request) {
    FleetRequest recorded{request.method, {}, request.method + ' ', 0};
    auto path = request.path();
    if (path.starts_with(simulated::Api::base_path)) path.erase(0, simulated::Api::base_path.size());
    if (path.starts_with(simulated::Api::units_path)) {
        recorded.unit = path.substr(simulated::Api::units_path.size());
        recorded.line += recorded.unit;
    } else {
        recorded.unit = request.parameter("unitName").value_or("");
        recorded.line += path + (recorded.unit.empty() ? "" : ' ' + recorded.unit);
    }
    if (const auto token = request.parameter("nextPageToken")) {
        recorded.line += " page " + std::to_string(simulated::page_named(*token, options_.page_size).value_or(0));
    }
    recorded.nth = ++counts_[recorded.line];
    requests_.push_back(recorded.line);
    return recorded;
}

}  // namespace deployer
