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

/// A file from a web server. An unchanged file is the same object as before.
using SharedFile = std::shared_ptr<const File>;

/// Requests files of web servers. Each file is kept in memory with its validators (ETag, Last-Modified), so that the
/// next request for it costs little.
class WebFiles {
public:
    /// `refusal` is the kind of the error for a file that the server refuses, or that is too large.
    explicit WebFiles(http::ClientOptions options, ErrorKind refusal = ErrorKind::rejected)
        : client_(std::move(options)), refusal_(refusal) {}

    /// Requests all urls concurrently; returns a file for each url, in the order of the urls. The failure of a file is
    /// in its error: `not_found`; `refusal` when the server refuses the file; `rejected` when the client may not send
    /// the request or follow its redirect; `unavailable` when the state of the file is unknown, with `retry_after` when
    /// the server asks for silence. Throws only `cancelled`.
    std::vector<SharedFile> ask(std::span<const std::string> urls, const Call& call);

    /// Forgets all files except those of these urls.
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

/// Requests files of servers other than the source's own. Their requests take at most ten seconds and a third of the
/// call's time; a server that does not answer by then gives `unavailable`, so that the source's own files have enough
/// time. A file that a server refuses is `unavailable`, too, because no revision tells when that changes.
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
