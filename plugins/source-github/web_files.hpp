#pragma once

#include "http_client.hpp"

#include <deployer/call.hpp>
#include <deployer/error.hpp>
#include <deployer/source.hpp>

#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace deployer::github {

/// A file as a web server gives it. It is the same object as before when the server gives the same as before.
using SharedFile = std::shared_ptr<const File>;

/// Files of web servers. Each is kept in memory with the validators (ETag, Last-Modified) that came with it, so that
/// asking again costs little.
class WebFiles {
public:
    /// `refusal` is the kind of error of a file that its server will not give, or that is too large.
    explicit WebFiles(http::ClientOptions options, ErrorKind refusal = ErrorKind::rejected)
        : client_(std::move(options)), refusal_(refusal) {}

    /// Asks for each of the urls, side by side; one answer each, in their order. What is wrong with a file is in it:
    /// `not_found`; `refusal` where the server will not give it; `rejected` where we would not send the request or
    /// follow where it leads; `unavailable` where nobody can tell, with `retry_after` where the server wants silence.
    /// Throws `cancelled` only.
    std::vector<SharedFile> ask(std::span<const std::string> urls, const Call& call);

    /// Forgets all others.
    void keep(std::span<const std::string> urls);

private:
    struct Remembered {
        SharedFile file;
        std::string etag;
        std::string last_modified;

        [[nodiscard]] bool can_be_confirmed() const { return !etag.empty() || !last_modified.empty(); }
    };

    [[nodiscard]] ErrorKind kind_of(int status) const;
    [[nodiscard]] http::Request request_for(const std::string& url) const;
    SharedFile take(const std::string& url, http::Result result);
    SharedFile remember(const std::string& url, const Error& error);
    Remembered& remember(const std::string& url, File file);

    http::Client client_;
    ErrorKind refusal_;
    std::map<std::string, Remembered, std::less<>> remembered_;
};

/// The same for files of servers that are not the source's own. They get ten seconds, and at most a third of the call's
/// time: one that does not answer is `unavailable` then, and leaves the others time enough. What a server will not give
/// is `unavailable`, too, for no revision tells when that changes.
class ForeignFiles {
public:
    explicit ForeignFiles(http::ClientOptions options) : files_(std::move(options), ErrorKind::unavailable) {}

    /// As WebFiles::ask().
    std::vector<SharedFile> ask(std::span<const std::string> urls, const Call& call);
    void keep(std::span<const std::string> urls) { files_.keep(urls); }

private:
    WebFiles files_;
};

}  // namespace deployer::github
