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

/// Whether a setting can be read in this way. Settings do not tell the kind of a value; they throw for a wrong kind.
template <class Read>
bool succeeds(const Read& read) {
    try {
        (void)read();
        return true;
    } catch (const Error&) {
        return false;
    }
}

/// Describes and reads all keys of the block, also when the configuration has no such block: keys must be known.
void describe_etcd(const Settings& block) {
    block.describe("etcd", "required in such a block", "A url of etcd. Each check asks it by the v2 keys API.");
    block.describe("key", "required in such a block",
                   "The key of a service, with `{service}` in it. A service has a check when its key is `true`.");
    block.describe("if_unreachable", "`wait`",
                   "What to do when etcd gives no answer: `wait` ends the check with an error, and the check is made "
                   "again; `skip` takes the service for one without a check.");
    (void)succeeds([&] { return block.find_text("etcd"); });
    (void)succeeds([&] { return block.find_text("key"); });
    (void)succeeds([&] { return block.find_choice("if_unreachable", {"wait", "skip"}); });
}

}  // namespace

Condition::Condition(const Settings& settings, http::ClientOptions client) {
    settings.describe("when", "`always`",
                      "Which services have a health check: all, those that match one of these globs, or those whose "
                      "key in etcd says so, see below.");
    const bool is_word = succeeds([&] { return settings.find_text("when"); });
    (void)succeeds([&] { return settings.texts("when"); });
    const bool is_block = succeeds([&] { return settings.block("when"); });
    if (is_block) describe_etcd(settings.block("when"));
    if (!settings.has("when")) return;
    if (is_block) {
        read_etcd(settings.block("when"), std::move(client));
    } else if (is_word) {
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
        // `rejected` is a forbidden redirect or an answer that is too large: neither says whether there is a check.
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
