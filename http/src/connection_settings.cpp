#include "connection_settings.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace deployer::http {
namespace {

bool is_port(std::string_view text) {
    return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string_view::npos &&
           std::stoi(std::string(text)) >= 1 && std::stoi(std::string(text)) <= 65'535;
}

bool is_printable_ascii(char character) {
    return character > ' ' && character < '\x7f';
}

std::string read_proxy(const Settings& settings) {
    settings.describe("socks_proxy", "none",
                      "`host:port` of a SOCKS5 proxy that all requests go through, also as `socks5h://host:port` or "
                      "`socks5://host:port`. In any case it is the proxy that resolves names.");
    const auto text = settings.find_text("socks_proxy");
    if (!text || text->empty()) return {};
    std::string_view address = *text;
    for (const std::string_view scheme : {"socks5h://", "socks5://"}) {
        if (address.starts_with(scheme)) address.remove_prefix(scheme.size());
    }
    const auto colon = address.rfind(':');
    const bool is_address = colon != std::string_view::npos && colon > 0 && is_port(address.substr(colon + 1)) &&
                            address.find_first_of("/@?#") == std::string_view::npos &&
                            std::all_of(address.begin(), address.end(), is_printable_ascii);
    if (!is_address) settings.fail("socks_proxy", "must be host:port, or socks5h://host:port");
    return "socks5h://" + std::string(address);
}

}  // namespace

void read_connection(const Settings& settings, ClientOptions& options) {
    options.proxy = read_proxy(settings);
    settings.describe("ca_file", "the system's certificates",
                      "The only certificates that are trusted, in one PEM file.");
    options.ca_file = settings.find_path("ca_file").value_or("");
    settings.describe("connect_timeout", "`10s`",
                      "For each connection alone; a whole call has `reconcile.call_timeout`.");
    options.connect_timeout = settings.find_duration("connect_timeout").value_or(options.connect_timeout);
    if (options.connect_timeout.count() == 0) settings.fail("connect_timeout", "has to be longer than 0");
}

}  // namespace deployer::http
