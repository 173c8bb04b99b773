#pragma once

#include "support/http_server.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer {

/// What a path of a commit holds.
struct GithubFile {
    std::string content;  ///< of a symbolic link, its target
    bool is_link = false;
};
using GithubTree = std::map<std::string, GithubFile, std::less<>>;

struct GithubOptions {
    std::string repository = "octo/config";
    std::string token = {};  ///< not empty: the repository is private, and this token reads it
    bool etags = true;
    /// Of the raw server: a Last-Modified a day before, so that a second is no matter.
    bool last_modified = false;
    std::chrono::milliseconds latency{0};  ///< of every answer
};

/// A request as it is recorded and as faults see it.
struct GithubRequest {
    std::string line;          ///< "api commits/main", "api tarball/…", "codeload …", "raw services.yaml"
    std::size_t nth;           ///< with this line, from 1
    bool conditional = false;  ///< asked with a validator
    int status = 0;            ///< that was answered, or would have been; 0 in the eyes of a fault
};

/// What goes wrong with a request. Several can be combined.
///     github.set_fault([](const GithubRequest& request) -> std::optional<GithubFault> {
///         if (!request.line.starts_with("codeload") || request.nth > 1) return std::nullopt;
///         return GithubFault{.cut_after = 100};
///     });
struct GithubFault {
    bool drop = false;                                    ///< the connection ends without an answer
    std::optional<int> status = std::nullopt;             ///< an error instead
    std::string message = "a fault";                      ///< of that error
    HttpHeaders headers = {};                             ///< added, e.g. Retry-After
    std::optional<std::string> body = std::nullopt;       ///< instead of the one that there would be
    std::optional<std::size_t> cut_after = std::nullopt;  ///< so many bytes of the body, then the connection ends
    std::optional<HttpReply::Framing> framing = std::nullopt;
    std::chrono::milliseconds drip{0};  ///< before each `drip_bytes` of the body
    std::size_t drip_bytes = 1;
    std::chrono::milliseconds delay{0};  ///< before the answer
};

/// GitHub in this process, as far as it serves one repository: its API, the host that it sends one to for archives, and
/// the host of raw files, each on a port of its own, over http. Commits are made from trees in memory. Everything can
/// be called from any thread.
///     GithubDouble github;
///     github.put("services.yaml", "services: []\n");
///     const auto settings = "repository: octo/config\nallow_http: true\napi_url: " + github.api_url() + "\n";
///     const auto source = load_source("source-github", settings);
class GithubDouble {
public:
    using Fault = std::function<std::optional<GithubFault>(const GithubRequest&)>;

    explicit GithubDouble(GithubOptions options = {});

    /// As source-github's settings want them. With "/api/v3" after it, it is a GitHub Enterprise's. Raw files are those
    /// of one branch.
    [[nodiscard]] std::string api_url() const;
    [[nodiscard]] std::string root_uri(const std::string& branch = "main") const;

    /// Makes a commit of a tree on a branch, after which the branch is named. The first one is of the default branch.
    /// Gives its id.
    std::string commit(GithubTree tree, const std::string& branch = "main");
    /// Another commit on the default branch, in which one path is different.
    std::string put(const std::string& path, std::string content);
    std::string put_link(const std::string& path, std::string target);
    std::string remove(const std::string& path);
    /// Lets a name, new or not, lead to a commit that there is.
    void point(const std::string& ref, const std::string& commit);

    /// The whole archive of a commit as GitHub makes it: tar with the commit's id in its global header, gzip.
    [[nodiscard]] std::string archive(const std::string& commit) const;
    /// The same before it is packed, and how it is packed.
    [[nodiscard]] std::string tar(const std::string& commit) const;
    [[nodiscard]] static std::string gzip(const std::string& tar);

    /// From now on so many requests to the API are answered, 304 to one with a token not counted, and then none until
    /// that time.
    void limit(int requests, std::chrono::system_clock::time_point reset);
    void lift_limit();

    /// Called one request at a time, before anything is done about it; it may change the repository.
    void set_fault(Fault fault);

    /// All so far, in the order of their arrival.
    [[nodiscard]] std::vector<GithubRequest> requests() const;
    /// Those whose line begins so; "" counts all.
    [[nodiscard]] std::size_t count(std::string_view line) const;
    /// The same, of those that were answered with this status.
    [[nodiscard]] std::size_t count(std::string_view line, int status) const;
    void forget_requests();

    /// The servers behind it, whose own records have all headers.
    [[nodiscard]] HttpServer& api() noexcept { return api_; }
    [[nodiscard]] HttpServer& codeload() noexcept { return codeload_; }
    [[nodiscard]] HttpServer& raw() noexcept { return raw_; }

private:
    using Answer = HttpReply (GithubDouble::*)(const HttpRequest&, const std::string& path);
    struct Limit {
        int remaining;
        std::chrono::system_clock::time_point reset;
    };

    [[nodiscard]] GithubTree head() const;
    HttpReply handle(const HttpRequest& request, const std::string& server, Answer answer);
    std::pair<std::size_t, GithubRequest> record(const HttpRequest& request, const std::string& line);

    HttpReply answer_api(const HttpRequest& request, const std::string& path);
    HttpReply answer_commit(const HttpRequest& request, const std::string& ref);
    HttpReply answer_tarball(const std::string& ref) const;
    HttpReply answer_codeload(const HttpRequest& request, const std::string& path);
    HttpReply answer_raw(const HttpRequest& request, const std::string& path);
    HttpReply limited(HttpReply reply, bool by_token);
    [[nodiscard]] std::optional<std::string> resolve(const std::string& ref) const;

    GithubOptions options_;
    mutable std::mutex mutex_;
    std::map<std::string, GithubTree> commits_;
    std::map<std::string, std::string> refs_;                 ///< to commits
    std::map<std::string, std::string, std::less<>> served_;  ///< to times at which raw files were last changed
    std::string default_branch_;
    std::optional<Limit> limit_;
    std::vector<GithubRequest> requests_;
    std::map<std::string, std::size_t> counts_;
    std::mutex fault_mutex_;
    Fault fault_;
    // Last: their threads use all of the above.
    HttpServer api_;
    HttpServer codeload_;
    HttpServer raw_;
};

}  // namespace deployer
