#include "options.hpp"

#include "connection_settings.hpp"
#include "location.hpp"
#include "tree/relative_path.hpp"

#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer::github {

namespace {

constexpr std::size_t file_limit = std::size_t{16} << 20U;
constexpr std::size_t archive_limit = std::size_t{64} << 20U;

bool is_plain(char byte) noexcept {
    return byte > ' ' && byte < '\x7f';
}

bool is_plain_text(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_plain);
}

bool can_stand_in_repository(char byte) noexcept {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           std::string_view("-._/").find(byte) != std::string_view::npos;
}

std::string read_repository(const Settings& settings) {
    auto text = settings.text("repository");
    const auto names = components_of(text);
    const bool is_pair = names.size() == 2 && text == names[0] + "/" + names[1] && names[0] != ".." && names[1] != "..";
    if (!is_pair || !std::all_of(text.begin(), text.end(), can_stand_in_repository)) {
        settings.fail("repository", quote(text) + " is not the owner and name of a repository, as in octocat/hello");
    }
    return text;
}

/// Whether the byte is a blank or a control character. Bytes beyond ASCII are allowed in names.
bool is_blank_or_control(char byte) noexcept {
    return (byte >= '\0' && byte <= ' ') || byte == '\x7f';
}

std::string read_ref(const Settings& settings) {
    auto text = settings.find_text("ref").value_or("HEAD");
    // git forbids these in a ref (git-check-ref-format(1)), or they have another meaning in a url.
    const bool odd = text.empty() || std::any_of(text.begin(), text.end(), is_blank_or_control) ||
                     text.find("..") != std::string::npos || text.find("//") != std::string::npos ||
                     text.find_first_of("~^:?*[\\") != std::string::npos || text.front() == '/' || text.back() == '/' ||
                     components_of(text).empty();
    if (odd) settings.fail("ref", quote(text) + " is no branch, tag or commit");
    return text;
}

std::string read_folder(const Settings& settings) {
    std::string folder;
    for (const auto& name : components_of(settings.find_text("path").value_or(""))) {
        if (name == "..") settings.fail("path", "may not leave the repository: \"..\" is not allowed");
        folder = join(folder, name);
    }
    return folder;
}

/// Messages do not show the url, because it may hold a password.
void check_url(const Settings& settings, std::string_view key, const std::string& url, bool allow_http) {
    if (!is_absolute_uri(url)) settings.fail(key, "has to begin with https:// or http://");
    if (!is_plain_text(url) || http::origin_of(url).empty()) settings.fail(key, "is not a url");
    if (url.find_first_of("?#") != std::string::npos) settings.fail(key, "may not have a query or a fragment");
    const auto host = std::string_view(url).substr(url.find("://") + 3);
    if (host.substr(0, host.find('/')).find('@') != std::string_view::npos) {
        settings.fail(key, "may not have a user or a password in it");
    }
    if (!allow_http && url.starts_with("http://")) {
        settings.fail(key,
                      "is not https: set allow_http: true if anybody on the network path may decide what runs on the "
                      "cluster");
    }
}

std::optional<std::string> read_token(const Settings& settings) {
    auto token = settings.find_secret("token");
    if (token && !is_plain_text(*token)) {
        settings.fail(settings.has("token") ? "token" : "token_file", "holds white space or control characters");
    }
    return token;
}

RepositoryOptions read_repository_options(const Settings& settings, bool allow_http) {
    auto api_url = settings.find_text("api_url").value_or("https://api.github.com");
    check_url(settings, "api_url", api_url, allow_http);
    while (api_url.ends_with('/')) api_url.pop_back();
    return {read_repository(settings), read_ref(settings), read_folder(settings), api_url, read_token(settings)};
}

SiteOptions read_site_options(const Settings& settings, bool allow_http) {
    for (const std::string_view key : {"ref", "path", "token", "token_file", "api_url"}) {
        if (settings.has(key)) settings.fail(key, "goes with repository, not with root_uri");
    }
    (void)settings.find_secret("token");  // Absent here; reading it makes the key known as a secret.
    auto root = settings.text("root_uri");
    check_url(settings, "root_uri", root, allow_http);
    if (!root.ends_with('/')) root += '/';
    return {root};
}

std::vector<std::string> read_allowed_hosts(const Settings& settings) {
    settings.describe(
        "allowed_hosts", "any",
        "Hosts, as `host` or `host:port`, that absolute `uri`s and redirects may lead to. For the source's "
        "own files the host of `api_url` or `root_uri` is always allowed, and `codeload.github.com` for "
        "those of github.com.");
    auto hosts = settings.texts("allowed_hosts");
    if (settings.has("allowed_hosts") && hosts.empty()) {
        settings.fail("allowed_hosts", "names no host; leave it out to allow any");
    }
    for (const auto& host : hosts) {
        if (!is_plain_text(host) || host.find_first_of("/@?#*") != std::string::npos) {
            settings.fail("allowed_hosts", quote(host) + " is neither a host nor host:port");
        }
    }
    return hosts;
}

http::ClientOptions read_client_options(const Settings& settings, bool allow_http) {
    http::ClientOptions options;
    http::read_connection(settings, options);
    options.allowed_hosts = read_allowed_hosts(settings);
    options.allow_http = allow_http;
    options.max_body = file_limit;
    options.heeds_rate_limits = true;
    return options;
}

/// Describes the keys of both ways to name the place, because only one of the two is read later.
void describe_place(const Settings& settings) {
    settings.describe("repository", "this or `root_uri` is required", "A repository on GitHub, as `owner/name`.");
    settings.describe("ref", "`HEAD`", "With `repository`: a branch, a tag or a commit. `HEAD` is the default branch.");
    settings.describe("path", "the root",
                      "With `repository`: the folder that holds `services.yaml`. Symbolic links on the way to it are "
                      "followed.");
    settings.describe(
        "token", "none",
        "With `repository`: a token, sent only to `api_url`'s scheme, host and port. Needed for a private "
        "repository.");
    settings.describe("api_url", "`https://api.github.com`",
                      "With `repository`: the url of the API. For a GitHub Enterprise `https://HOST/api/v3`.");
    settings.describe("root_uri", "this or `repository` is required",
                      "The url of a folder of a web server. A missing slash at its end is added.");
    settings.describe("allow_http", "`false`",
                      "Allows `http://`, where anybody on the way can read along and decide what runs on the cluster. "
                      "Without it, http is refused: in settings, in absolute `uri`s, and as the end of a redirect.");
    for (const std::string_view key : {"repository", "ref", "path", "api_url", "root_uri"})
        (void)settings.find_text(key);
}

/// Allows the place's own host, and for GitHub also the host that its archives are redirected to.
void allow_home(http::ClientOptions& options, const std::string& url) {
    if (options.allowed_hosts.empty()) return;
    const auto origin = http::origin_of(url);
    options.allowed_hosts.push_back(origin.substr(origin.find("://") + 3));
    if (origin == "https://api.github.com") options.allowed_hosts.emplace_back("codeload.github.com");
}

}  // namespace

Options read_options(const Settings& settings) {
    describe_place(settings);
    const bool has_repository = settings.has("repository");
    const bool has_root = settings.has("root_uri");
    if (has_repository && has_root) settings.fail("root_uri", "does not go with repository: one of them is the source");
    if (!has_repository && !has_root) {
        settings.fail("", "needs repository (of GitHub) or root_uri (of any web server)");
    }
    const bool allow_http = settings.find_boolean("allow_http").value_or(false);
    const auto client = read_client_options(settings, allow_http);
    Options options{RepositoryOptions{}, client, client};
    if (has_repository) {
        auto repository = read_repository_options(settings, allow_http);
        options.home.max_body = archive_limit;
        allow_home(options.home, repository.api_url);
        options.place = std::move(repository);
    } else {
        auto site = read_site_options(settings, allow_http);
        allow_home(options.home, site.root_url);
        options.place = std::move(site);
    }
    return options;
}

}  // namespace deployer::github
