#include "urls.hpp"

#include "http_client.hpp"

#include <deployer/foreign_text.hpp>
#include <deployer/nearest_word.hpp>

#include <algorithm>
#include <utility>

namespace deployer::probe {
namespace {

[[noreturn]] void fail_as_unknown(const Settings& settings, std::string_view key, std::string_view name,
                                  const std::vector<std::string>& names) {
    const auto meant = nearest_word(name, names);
    // A name that resembles no placeholder may be a part of a password, so the message does not show the name.
    if (meant)
        settings.fail(key, "has an unknown placeholder {" + printable(name) + "}; did you mean {" + *meant + "}?");
    std::string known;
    for (const auto& each : names) known.append(known.empty() ? "{" : ", {").append(each).append("}");
    settings.fail(key, "has a placeholder in it that is none of " + known);
}

}  // namespace

Template::Template(const Settings& settings, std::string_view key, std::string_view text,
                   const std::vector<std::string>& names) {
    while (!text.empty()) {
        const auto open = std::min(text.find('{'), text.size());
        Part part{std::string(text.substr(0, open)), {}};
        if (part.text.find('}') != std::string::npos) settings.fail(key, R"(has a "}" without its "{")");
        text.remove_prefix(open);
        if (!text.empty()) {
            const auto close = text.find_first_of("{}", 1);
            if (close == std::string_view::npos || text[close] == '{') {
                settings.fail(key, R"(has a "{" without its "}")");
            }
            part.placeholder = text.substr(1, close - 1);
            if (std::find(names.begin(), names.end(), part.placeholder) == names.end()) {
                fail_as_unknown(settings, key, part.placeholder, names);
            }
            text.remove_prefix(close + 1);
        }
        parts_.push_back(std::move(part));
    }
}

bool Template::uses(std::string_view placeholder) const {
    return std::any_of(parts_.begin(), parts_.end(),
                       [placeholder](const Part& part) { return part.placeholder == placeholder; });
}

std::string Template::fill(const Values& values) const {
    std::string text;
    for (const auto& part : parts_) {
        text += part.text;
        if (!part.placeholder.empty()) text += values.at(part.placeholder);
    }
    return text;
}

void check_url(const Settings& settings, std::string_view key, std::string_view url) {
    if (http::origin_of(url).empty()) settings.fail(key, "is no http or https url");
    if (url.find('#') != std::string_view::npos) settings.fail(key, R"(can have no "#" in it)");
}

std::string read_base_url(const Settings& settings, std::string_view key) {
    auto url = settings.text(key);
    check_url(settings, key, url);
    if (url.find_first_of("?{}") != std::string::npos) settings.fail(key, R"(can have no "?", "{" or "}" in it)");
    while (url.ends_with('/')) url.pop_back();
    return url;
}

}  // namespace deployer::probe
