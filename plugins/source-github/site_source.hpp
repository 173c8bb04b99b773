#pragma once

#include "options.hpp"
#include "site.hpp"

#include <deployer/source.hpp>

#include <memory>

namespace deployer::github {

/// A folder of any web server. Which files there are, the reader says; those of the last checkout are asked for again
/// at the next one, a conditional request each. What was asked for one by one may be of several moments, so whenever
/// something is new, all of it is asked for until nothing changes from first to last.
class SiteSource final : public Source {
public:
    explicit SiteSource(const Options& options) : site_(options) {}

    std::unique_ptr<Checkout> checkout(const Revision& known, const Call& call) override;

private:
    Site site_;
    LocatedFiles last_;  ///< as they were last given out
};

}  // namespace deployer::github
