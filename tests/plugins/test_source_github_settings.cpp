#include "support/github_source.hpp"

#include <chrono>
#include <string>
#include <vector>

using namespace deployer;
using namespace deployer::github_source;
using namespace std::chrono_literals;

namespace {

const std::string repository = "repository: octo/config\n";
const std::string site = "root_uri: https://example.org/x/\n";

struct Case {
    std::string yaml;
    std::string fragment;  ///< part of the message
};

std::vector<Case> unusable_settings() {
    return {
        {"allow_http: true\n", "test.yaml:1: needs repository (of GitHub) or root_uri (of any web server)"},
        {repository + site, "test.yaml:2: root_uri: does not go with repository"},
        {site + "ref: main\n", "test.yaml:2: ref: goes with repository, not with root_uri"},
        {site + "path: x\n", "path: goes with repository"},
        {site + "token: x\n", "token: goes with repository"},
        {site + "token_file: x\n", "token_file: goes with repository"},
        {site + "api_url: https://example.org\n", "api_url: goes with repository"},
        {"repository: https://github.com/octo/config\n",
         "repository: \"https://github.com/octo/config\" is not the owner"},
        {"repository: octo\n", "is not the owner and name"},
        {"repository: octo/config/\n", "is not the owner and name"},
        {"repository: octo/../config\n", "is not the owner and name"},
        {"repository: octo/..\n", "is not the owner and name"},
        {"repository: octo/con fig\n", "is not the owner and name"},
        {"repository: octo/con?fig\n", "is not the owner and name"},
        {"repository: ''\n", "is not the owner and name"},
        {repository + "ref: ''\n", "test.yaml:2: ref: \"\" is no branch, tag or commit"},
        {repository + "ref: ../../x\n", "is no branch, tag or commit"},
        {repository + "ref: a b\n", "is no branch, tag or commit"},
        {repository + "ref: a//b\n", "is no branch, tag or commit"},
        {repository + "ref: a/\n", "is no branch, tag or commit"},
        {repository + "ref: HEAD~1\n", "is no branch, tag or commit"},
        {repository + "ref: \"a\\nb\"\n", "is no branch, tag or commit"},
        {repository + "path: a/../b\n", "test.yaml:2: path: may not leave the repository"},
        {repository + "api_url: api.github.com\n", "api_url: has to begin with https:// or http://"},
        {repository + "api_url: http://example.org\n", "api_url: is not https: set allow_http: true"},
        {repository + "api_url: https://\n", "api_url: is not a url"},
        {repository + "api_url: https://example.org/?x\n", "api_url: may not have a query"},
        {repository + "api_url: https://user:secret@example.org/\n",
         "api_url: may not have a user or a password in it"},
        {"root_uri: http://example.org/\n", "root_uri: is not https: set allow_http: true"},
        {"root_uri: ftp://example.org/\n", "root_uri: has to begin with https:// or http://"},
        {"root_uri: https://example.org/?token=secret\n", "root_uri: may not have a query"},
        {"root_uri: https://user:secret@example.org/\n", "root_uri: may not have a user or a password in it"},
        {"root_uri: \"https://example.org/a b\"\n", "root_uri: is not a url"},
        {repository + "token: 'secret token'\n", "test.yaml:2: token: holds white space or control characters"},
        {repository + "token: ''\n", "token"},
        {repository + "token_file: /does/not/exist\n", "token_file"},
        {site + "socks_proxy: localhost\n", "socks_proxy: must be host:port"},
        {site + "socks_proxy: http://localhost:1\n", "socks_proxy: must be host:port"},
        {site + "socks_proxy: localhost:0\n", "socks_proxy: must be host:port"},
        {site + "allowed_hosts: []\n", "allowed_hosts: names no host; leave it out to allow any"},
        {site + "allowed_hosts: [https://example.org]\n", "allowed_hosts: \"https://example.org\" is neither a host"},
        {site + "allowed_hosts: ['*.example.org']\n", "is neither a host nor host:port"},
        {site + "connect_timeout: 0\n", "connect_timeout: has to be longer than 0"},
        {site + "allow_http: maybe\n", "allow_http"},
        {site + "root: x\n", "root"},
    };
}

}  // namespace

TEST_CASE("[R6] source-github refuses settings that it cannot use") {
    for (const auto& [yaml, fragment] : unusable_settings()) {
        INFO(yaml);
        const auto error = thrown_by([&, &text = yaml] { load_source("source-github", text); });
        CHECK(error.kind() == ErrorKind::misconfigured);
        CHECK(says(error, fragment));
        CHECK_FALSE(says(error, "secret"));
    }
    const std::string all =
        "allow_http: true\nallowed_hosts: [example.org, 'example.org:8080']\nsocks_proxy: localhost:1080\n"
        "ca_file: ca.pem\nconnect_timeout: 3s\n";
    CHECK(load_source("source-github", all + site) != nullptr);
    CHECK(
        load_source("source-github", all + repository + "ref: a/b\npath: c/d\ntoken: t\napi_url: http://x/api/v3/\n"));
}
