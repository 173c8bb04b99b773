#include "options.hpp"
#include "repository_source.hpp"
#include "site_source.hpp"

#include <deployer/plugin.hpp>

#include <memory>
#include <variant>

namespace deployer::github {
namespace {

std::unique_ptr<Source> make_source(const Options& options) {
    if (std::holds_alternative<SiteOptions>(options.place)) return std::make_unique<SiteSource>(options);
    return std::make_unique<RepositorySource>(options);
}

/// Reads files in one of two ways: from a GitHub repository or from a web server's folder.
class SourceGithub final : public Source {
public:
    explicit SourceGithub(const Settings& settings) : source_(make_source(read_options(settings))) {}

    std::unique_ptr<Checkout> checkout(const Revision& known, const Call& call) override {
        return source_->checkout(known, call);
    }

private:
    std::unique_ptr<Source> source_;
};

}  // namespace
}  // namespace deployer::github

DEPLOYER_PLUGIN(deployer::Source, deployer::github::SourceGithub, "source-github", "1.0.0");
