#include "repository_source.hpp"

#include "archive.hpp"
#include "location.hpp"
#include "tree/relative_path.hpp"
#include "tree/tree.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace deployer::github {

namespace {

class RepositoryCheckout final : public Checkout {
public:
    RepositoryCheckout(std::shared_ptr<const Snapshot> snapshot, ForeignFiles& foreign)
        : snapshot_(std::move(snapshot)), foreign_(foreign) {}

    [[nodiscard]] const Revision& revision() const override { return snapshot_->revision; }

    std::vector<File> read(std::span<const FileRequest> requests, const Call& call) override {
        std::vector<File> files;
        files.reserve(requests.size());
        const auto foreign = read_foreign(requests, call);
        for (const auto& request : requests) {
            const auto found = foreign.find(request.location);
            files.push_back(found != foreign.end() ? *found->second
                                                   : find_file(snapshot_->tree, snapshot_->root, request.location));
        }
        return files;
    }

private:
    std::map<std::string, SharedFile, std::less<>> read_foreign(std::span<const FileRequest> requests,
                                                                const Call& call) {
        std::set<std::string> uris;
        for (const auto& request : requests) {
            if (is_absolute_uri(request.location)) uris.insert(request.location);
        }
        const std::vector<std::string> asked(uris.begin(), uris.end());
        const auto answers = foreign_.ask(asked, call);
        if (!asked.empty()) foreign_.keep(asked);
        std::map<std::string, SharedFile, std::less<>> files;
        for (std::size_t index = 0; index < answers.size(); ++index) files.emplace(asked[index], answers[index]);
        return files;
    }

    std::shared_ptr<const Snapshot> snapshot_;
    ForeignFiles& foreign_;
};

bool is_commit(std::string_view text) noexcept {
    return (text.size() == 40 || text.size() == 64) && text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace

RepositorySource::RepositorySource(const Options& options)
    : options_(std::get<RepositoryOptions>(options.place)), client_(options.home), foreign_(options.foreign) {}

std::unique_ptr<Checkout> RepositorySource::checkout(const Revision& known, const Call& call) {
    silence_.check();
    try {
        const auto commit = ask_for_commit(call);
        if (commit == known.id) return nullptr;
        if (!last_ || last_->revision.id != commit) last_ = download(commit, call);
        return std::make_unique<RepositoryCheckout>(last_, foreign_);
    } catch (const Error& error) {
        const auto named = error.while_doing("cannot read " + options_.repository + " at " + options_.ref);
        silence_.note(named);
        // The engine takes `rejected` for a problem of a single file, but here the whole archive was rejected.
        if (named.kind() == ErrorKind::rejected) throw Error(ErrorKind::unavailable, named.what());
        throw Error(named);
    }
}

std::string RepositorySource::ask_for_commit(const Call& call) {
    auto question = request("commits/" + url_path(components_of(options_.ref)));
    question.headers.push_back({"Accept", "application/vnd.github.sha"});
    if (!etag_.empty()) question.headers.push_back({"If-None-Match", etag_});
    const auto answer = client_.send(question, call);
    warn_of_few_requests(answer, call);
    if (answer.status == 304 && !etag_.empty()) return commit_;
    if (answer.status == 404 || answer.status == 422) throw not_there(answer);
    if (answer.status != 200) throw refusal(answer);
    if (!is_commit(answer.body)) {
        throw Error(ErrorKind::unavailable,
                    "GET " + http::presentable(question.url) + ": the answer is no commit id: " + quote(answer.body));
    }
    etag_ = etag_of(answer);
    commit_ = answer.body;
    return commit_;
}

std::shared_ptr<const Snapshot> RepositorySource::download(const std::string& commit, const Call& call) {
    if (refusal_ && refusal_->commit == commit) throw Error(refusal_->error);
    const auto question = request("tarball/" + commit);
    const auto archive = std::move(client_.send(std::span(&question, 1), call).front());
    if (archive.error && !archive.too_large) throw Error(*archive.error);
    if (!archive.error && archive.response.status != 200) throw refusal(archive.response);
    try {
        return std::make_shared<const Snapshot>(Snapshot{{commit}, options_.folder, tree_in(archive, commit, call)});
    } catch (const Error& error) {
        const auto named = error.while_doing("cannot use the archive of commit " + commit);
        if (named.kind() == ErrorKind::rejected) refusal_ = Refusal{commit, named};
        throw Error(named);
    }
}

Tree RepositorySource::tree_in(const http::Result& archive, const std::string& commit, const Call& call) const {
    if (archive.too_large) {
        throw Error(ErrorKind::rejected, std::string(archive.error->what()) + how_to_shrink);
    }
    return read_archive(archive.response.body, commit, options_.folder, call);
}

/// Warns once when GitHub's rate limit for clients without a token applies.
void RepositorySource::warn_of_few_requests(const http::Response& answer, const Call& call) {
    // GitHub allows 60 requests an hour to clients without a token.
    if (warned_ || options_.token || answer.header("X-RateLimit-Limit") != "60") return;
    warned_ = true;
    call.log.write(LogLevel::warning, "without a token " + options_.api_url +
                                          " allows 60 requests an hour, and every cycle is at least one: set "
                                          "token_file, or an interval of 5m or more");
}

http::Request RepositorySource::request(const std::string& resource) const {
    http::Request request;
    request.url = options_.api_url + "/repos/" + options_.repository + "/" + resource;
    if (options_.token) request.credentials.push_back({"Authorization", "Bearer " + *options_.token});
    return request;
}

Error RepositorySource::not_there(const http::Response& answer) const {
    const std::string secret = options_.token ? "the token may not read it" : "it is private and needs a token";
    return failure(ErrorKind::misconfigured, answer)
        .while_doing("there is no repository " + options_.repository + ", or no " + options_.ref + " in it, or " +
                     secret + " (check repository, ref and token_file)");
}

Error RepositorySource::refusal(const http::Response& answer) const {
    if (answer.status != 401) return failure(ErrorKind::unavailable, answer);
    const auto* const why = options_.token ? "the token is not valid or has expired (set another one)"
                                           : "a token is needed (set token_file)";
    return failure(ErrorKind::misconfigured, answer).while_doing(why);
}

}  // namespace deployer::github
