#include "options.hpp"

#include "connection_settings.hpp"

#include <deployer/foreign_text.hpp>
#include <deployer/unit_name.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace deployer::probe {
namespace {

/// The largest answer in bytes; a real answer has only a few lines.
constexpr std::size_t answer_limit = std::size_t{1} << 20U;

/// The most requests at once: all nodes of a service are asked together.
constexpr std::size_t most_at_once = 256;

bool can_stand_in_url(char byte) {
    return byte > ' ' && byte < '\x7f' && std::string_view("{}#").find(byte) == std::string_view::npos;
}

std::string read_part(const Settings& settings, std::string_view key, std::string_view usual) {
    auto text = settings.find_text(key).value_or(std::string(usual));
    if (!std::all_of(text.begin(), text.end(), can_stand_in_url)) {
        settings.fail(key, quote(text) + R"( has white space, "{", "}", "#" or other than ASCII characters in it)");
    }
    return text;
}

Template read_url(const Settings& settings) {
    settings.describe("url", "`{prefix}/{service_prefix}{service}/{endpoint}`",
                      "The url to ask, `http://` or `https://`, with placeholders, see below.");
    const auto text = settings.find_text("url").value_or("{prefix}/{service_prefix}{service}/{endpoint}");
    return {settings, "url", text, {"prefix", "service_prefix", "service", "endpoint", "unit", "node", "instance"}};
}

void describe_parts(const Settings& settings) {
    settings.describe("prefix", "required by the default `url`",
                      "A url, the value of `{prefix}`. Slashes at its end are dropped.");
    (void)settings.find_text("prefix");  // Makes the key known also when the url does not use it.
    settings.describe("service_prefix", "empty", "The value of `{service_prefix}`.");
    settings.describe("endpoint", "`__health`", "The value of `{endpoint}`.");
}

std::chrono::milliseconds read_timeout(const Settings& settings) {
    settings.describe("timeout", "`10s`",
                      "How long one health check, or one question to etcd, may take; never longer than the rest of "
                      "`reconcile.call_timeout`.");
    const auto timeout = settings.find_duration("timeout").value_or(std::chrono::seconds(10));
    if (timeout.count() == 0) settings.fail("timeout", "has to be longer than 0");
    return timeout;
}

Format read_format(const Settings& settings) {
    settings.describe("format", "`checks`", "The form of a healthy service's answer, see below.");
    const auto word = settings.find_choice("format", {"checks", "status"});
    return word == "status" ? Format::status : Format::checks;
}

std::string fill(const Options& options, std::string_view service, std::string_view unit) {
    Values values{{"service", http::percent_encode(service)},
                  {"unit", http::percent_encode(unit)},
                  {"node", http::percent_encode(unit.substr(0, unit.rfind('.')))},
                  {"instance", http::percent_encode(instance_of(unit))}};
    values.insert(options.parts.begin(), options.parts.end());
    return options.url.fill(values);
}

std::vector<std::string> nodes_of(const ServiceGroupRef& group) {
    auto nodes = group.units;
    if (!std::all_of(nodes.begin(), nodes.end(), is_sidekick)) std::erase_if(nodes, is_sidekick);
    return nodes;
}

}  // namespace

Options read_options(const Settings& settings) {
    auto url = read_url(settings);
    describe_parts(settings);
    Options options{std::move(url),
                    {{"service_prefix", read_part(settings, "service_prefix", "")},
                     {"endpoint", read_part(settings, "endpoint", "__health")}},
                    read_format(settings),
                    read_timeout(settings),
                    {}};
    auto& client = options.client;
    http::read_connection(settings, client);
    client.stall_timeout = options.timeout;
    client.max_body = answer_limit;
    client.max_parallel = most_at_once;
    client.attempts = 1;
    const bool has_prefix = settings.has("prefix") || options.url.uses("prefix");
    options.parts["prefix"] = has_prefix ? read_base_url(settings, "prefix") : "";
    const auto sample = fill(options, "foo", "foo@1.service");
    check_url(settings, "url", sample);
    client.allow_http = http::origin_of(sample).starts_with("http://");
    return options;
}

std::vector<std::string> urls_for(const ServiceGroupRef& group, const Options& options) {
    const auto& url = options.url;
    if (!url.uses("unit") && !url.uses("node") && !url.uses("instance")) return {fill(options, group.service, {})};
    std::vector<std::string> urls;
    for (const auto& node : nodes_of(group)) {
        auto one = fill(options, group.service, node);
        if (std::find(urls.begin(), urls.end(), one) == urls.end()) urls.push_back(std::move(one));
    }
    return urls;
}

}  // namespace deployer::probe
