#pragma once

#include "answers.hpp"
#include "options.hpp"
#include "tree/tree.hpp"
#include "web_files.hpp"

#include "http_client.hpp"

#include <deployer/error.hpp>
#include <deployer/source.hpp>

#include <memory>
#include <optional>
#include <string>

namespace deployer::github {

/// The wanted folder of a repository at one commit.
struct Snapshot {
    Revision revision;  ///< the commit
    std::string root;   ///< the folder's path in the repository
    Tree tree;          ///< the files below the folder
};

/// A commit that can never be used, and the reason.
struct Refusal {
    std::string commit;
    Error error;
};

/// Takes a folder of a GitHub repository as the wanted state. One conditional request tells whether the ref has moved;
/// then one archive brings all files of the new commit. The last commit is kept in memory and not downloaded again; nor
/// is a commit whose archive was too large.
class RepositorySource final : public Source {
public:
    explicit RepositorySource(const Options& options);

    std::unique_ptr<Checkout> checkout(const Revision& known, const Call& call) override;

private:
    std::string ask_for_commit(const Call& call);
    std::shared_ptr<const Snapshot> download(const std::string& commit, const Call& call);
    [[nodiscard]] Tree tree_in(const http::Result& archive, const std::string& commit, const Call& call) const;
    void warn_of_few_requests(const http::Response& answer, const Call& call);
    [[nodiscard]] http::Request request(const std::string& resource) const;
    [[nodiscard]] Error not_there(const http::Response& answer) const;
    [[nodiscard]] Error refusal(const http::Response& answer) const;

    RepositoryOptions options_;
    http::Client client_;
    ForeignFiles foreign_;
    Silence silence_;
    // The ETag belongs to one url and one credential, which stay the same as long as this object lives.
    std::string etag_;
    std::string commit_;  ///< the ref's commit in the answer with the ETag
    std::shared_ptr<const Snapshot> last_;
    std::optional<Refusal> refusal_;
    bool warned_ = false;
};

}  // namespace deployer::github
