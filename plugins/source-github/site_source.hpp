#pragma once

#include "options.hpp"
#include "site.hpp"

#include <deployer/source.hpp>

#include <memory>

namespace deployer::github {

/// Takes a folder of any web server as the wanted state. Such a server has no listing, so the source knows only the
/// files that were read. The next checkout requests those of the last one again, by a conditional request each. Files
/// requested one by one may be of several moments; so after any change, the source requests all of them again until a
/// whole pass brings no change.
class SiteSource final : public Source {
public:
    explicit SiteSource(const Options& options) : site_(options) {}

    std::unique_ptr<Checkout> checkout(const Revision& known, const Call& call) override;

private:
    Site site_;
    LocatedFiles last_;  ///< the files of the last read()
};

}  // namespace deployer::github
