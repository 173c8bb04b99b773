#include "wanted/content.hpp"
#include <deployer/unit_file.hpp>

namespace deployer {

SharedContent make_content(std::vector<UnitOption> options) {
    auto digest = content_digest(options);
    return std::make_shared<const Content>(Content{std::move(options), std::move(digest)});
}

}  // namespace deployer
