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

/// A file or symbolic link of a commit.
struct GithubFile {
    std::string content;  ///< for a symbolic link: its target
    bool is_link = false;
};
using GithubTree = std::map<std::string, GithubFile, std::less<>>;

struct GithubOptions {
    std::string repository = "octo/config";
    std::string token = {};  ///< not empty: the repository is private, and needs this token
    bool etags = true;
    /// The raw server sends a Last-Modified of the day before, so that its resolution of a second does not matter.
    bool last_modified = false;
    std::chrono::milliseconds latency{0};  ///< delay of every answer
};

/// A request as it is recorded and passed to the fault function.
struct GithubRequest {
    std::string line;          ///< "api commits/main", "api tarball/…", "codeload …", "raw services.yaml"
    std::size_t nth;           ///< number among the requests with this line, from 1
    bool conditional = false;  ///< the request has a validator
    int status = 0;            ///< status of the answer, without faults; 0 when passed to the fault function
};

/// The faults of a request; several can be combined.
///     github.set_fault([](const GithubRequest& request) -> std::optional<GithubFault> {
///         if (!request.line.starts_with("codeload") || request.nth > 1) return std::nullopt;
///         return GithubFault{.cut_after = 100};
///     });
struct GithubFault {
    bool drop = false;                                    ///< the connection ends without an answer
    std::optional<int> status = std::nullopt;             ///< the answer is this error
    std::string message = "a fault";                      ///< message of that error
    HttpHeaders headers = {};                             ///< added, e.g. Retry-After
    std::optional<std::string> body = std::nullopt;       ///< replaces the true body
    std::optional<std::size_t> cut_after = std::nullopt;  ///< so many bytes of the body, then the connection ends
    std::optional<HttpReply::Framing> framing = std::nullopt;
    std::chrono::milliseconds drip{0};  ///< before each `drip_bytes` of the body
    std::size_t drip_bytes = 1;
    std::chrono::milliseconds delay{0};  ///< before the answer
};

/// GitHub in this process, with one repository: its API, the host that requests for archives are redirected to, and the
/// host of raw files, each on a port of its own, over http. Commits are made from trees in memory. Any thread may call
/// any function.
///     GithubDouble github;
///     github.put("services.yaml", "services: []\n");
///     const auto settings = "repository: octo/config\nallow_http: true\napi_url: " + github.api_url() + "\n";
///     const auto source = load_source("source-github", settings);
class GithubDouble {
public:
    using Fault = std::function<std::optional<GithubFault>(const GithubRequest&)>;

    explicit GithubDouble(GithubOptions options = {});

    /// The urls for source-github's settings. The API's url with "/api/v3" after it is that of a GitHub Enterprise. Raw
    /// files are those of one branch.
    [[nodiscard]] std::string api_url() const;
    [[nodiscard]] std::string root_uri(const std::string& branch = "main") const;

    /// Makes a commit of a tree, moves the branch to it, and returns its id. The first commit's branch is the default
    /// branch.
    std::string commit(GithubTree tree, const std::string& branch = "main");
    /// Makes another commit on the default branch, in which one path is different.
    std::string put(const std::string& path, std::string content);
    std::string put_link(const std::string& path, std::string target);
    std::string remove(const std::string& path);
    /// Makes a name, new or not, refer to an existing commit.
    void point(const std::string& ref, const std::string& commit);

    /// The whole archive of a commit as GitHub makes it: tar with the commit's id in its global header, gzip.
    [[nodiscard]] std::string archive(const std::string& commit) const;
    /// The same archive before it is compressed, and the compression.
    [[nodiscard]] std::string tar(const std::string& commit) const;
    [[nodiscard]] static std::string gzip(const std::string& tar);

    /// From now on the API answers so many requests, and then none until `reset`. Requests with a token that are
    /// answered with 304 do not count.
    void limit(int requests, std::chrono::system_clock::time_point reset);
    void lift_limit();

    /// Sets the function that is called before each request is carried out, one request at a time. The function may
    /// change the repository.
    void set_fault(Fault fault);

    /// All requests so far, in the order of their arrival.
    [[nodiscard]] std::vector<GithubRequest> requests() const;
    /// The number of requests whose line begins with `line`; "" counts all.
    [[nodiscard]] std::size_t count(std::string_view line) const;
    /// The same for requests that were answered with this status.
    [[nodiscard]] std::size_t count(std::string_view line, int status) const;
    void forget_requests();

    /// The servers of this object; their own records include all headers.
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
    std::map<std::string, std::string> refs_;                 ///< name to commit
    std::map<std::string, std::string, std::less<>> served_;  ///< raw file to time of its last change
    std::string default_branch_;
    std::optional<Limit> limit_;
    std::vector<GithubRequest> requests_;
    std::map<std::string, std::size_t> counts_;
    std::mutex fault_mutex_;
    Fault fault_;
    // The servers are the last members: their threads use all others.
    HttpServer api_;
    HttpServer codeload_;
    HttpServer raw_;
};

}  // namespace deployer
