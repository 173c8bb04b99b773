#include "location.hpp"

#include "http_client.hpp"

namespace deployer::github {

bool is_absolute_uri(std::string_view location) noexcept {
    return location.starts_with("http://") || location.starts_with("https://");
}

std::string url_path(const std::vector<std::string>& names) {
    std::string path;
    for (const auto& name : names) {
        if (!path.empty()) path += '/';
        path += http::percent_encode(name);
    }
    return path;
}

}  // namespace deployer::github
