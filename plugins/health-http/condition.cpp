#include "condition.hpp"

#include "answers.hpp"

#include <deployer/error.hpp>

#include <fnmatch.h>

#include <algorithm>
#include <utility>

namespace deployer::probe {
namespace {

constexpr int etcd_attempts = 3;
constexpr int found = 200;
constexpr int absent = 404;

/// Of what kind a value is, settings tell by their complaints alone.
template <class Read>
bool succeeds(const Read& read) {
    try {
        (void)read();
        return true;
    } catch (const Error&) {
        return false;
    }
}

}  // namespace

Condition::Condition(const Settings& settings, http::ClientOptions client) {
    if (!settings.has("when")) return;
    if (succeeds([&] { return settings.block("when"); })) {
        read_etcd(settings.block("when"), std::move(client));
    } else if (succeeds([&] { return settings.text("when"); })) {
        if (settings.text("when") == "always") return;
        settings.fail("when", R"(must be "always", a list of services, or a block with etcd and key)");
    } else {
        globs_ = settings.texts("when");
        if (globs_.empty()) settings.fail("when", "names no service; leave it out to ask all of them");
    }
}

void Condition::read_etcd(const Settings& block, http::ClientOptions client) {
    const auto etcd = read_base_url(block, "etcd");
    const auto key = block.text("key");
    if (!key.starts_with('/')) block.fail("key", R"(has to begin with "/")");
    if (key.find('?') != std::string::npos) block.fail("key", R"(can have no "?" in it)");
    key_.emplace(block, "key", key, std::vector<std::string>{"service"});
    may_skip_ = block.find_choice("if_unreachable", {"wait", "skip"}) == "skip";
    etcd_url_ = etcd + "/v2/keys";
    const auto sample = etcd_url_ + key_->fill({{"service", "foo"}});
    check_url(block, "key", sample);
    client.allow_http = http::origin_of(sample).starts_with("http://");
    client.attempts = etcd_attempts;
    etcd_.emplace(std::move(client));
}

bool Condition::includes(const std::string& service, const Call& call) const {
    if (!etcd_) {
        return std::any_of(globs_.begin(), globs_.end(), [&service](const std::string& glob) {
            return fnmatch(glob.c_str(), service.c_str(), 0) == 0;
        });
    }
    try {
        return is_set(etcd_url_ + key_->fill({{"service", http::percent_encode(service)}}), call);
    } catch (const Error& error) {
        // A redirect to elsewhere, or far too long an answer, says nothing of the service.
        const auto kind = error.kind() == ErrorKind::rejected ? ErrorKind::unavailable : error.kind();
        const auto doing = "cannot ask etcd whether " + service + " has a health check";
        if (kind != ErrorKind::unavailable || !may_skip_) throw Error(kind, error.what()).while_doing(doing);
        call.log.warning(doing + ": " + error.what() + ", so it counts as having none");
        return false;
    }
}

bool Condition::is_set(const std::string& url, const Call& call) const {
    const auto answer = etcd_->send({.url = url}, call);
    if (answer.status == absent && is_absent_key(answer.body)) return false;
    const auto value = answer.status == found ? etcd_value(answer.body) : std::nullopt;
    if (value) return *value == "true";
    throw Error(ErrorKind::unavailable, "GET " + http::presentable(url) + ": answered " +
                                            std::to_string(answer.status) +
                                            (answer.status == found ? " without the value of a key" : ""));
}

}  // namespace deployer::probe
