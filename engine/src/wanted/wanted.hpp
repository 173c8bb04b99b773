#pragma once

#include "wanted/content.hpp"
#include "wanted/manifest.hpp"

#include <deployer/call.hpp>
#include <deployer/revision.hpp>
#include <deployer/source.hpp>

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace deployer {

/// One unit that the source declares.
struct WantedUnit {
    std::string name;
    SharedContent content;
    DesiredState desired_state = DesiredState::launched;
};

/// The wanted state, at one revision.
struct WantedState {
    Revision revision;
    std::vector<WantedUnit> units;  ///< each name once, in numeric order of names; none of a held service
    /// By service, of services with rules. A rule in one entry of a service counts for the whole service.
    std::map<std::string, RolloutRules, std::less<>> rules;
    std::vector<Held> held;  ///< by service name, one for each reason
    std::vector<std::string> warnings;
};

/// The requests to the source: one for each definition, in order.
std::vector<FileRequest> file_requests(const Manifest& manifest);

/// Makes units of the manifest and its service files (one for each of file_requests()). Puts the version in (R12), or
/// warns that the file has no place for it; parses the file (R13); expands templates to nodes (R14). A problem of a
/// file holds its service (R17), and so does `unavailable` from the host of an absolute uri. Throws `unavailable` of
/// the source itself, and `cancelled`. When two entries give the same unit (`foo@.service` and `foo@1.service`), the
/// last entry counts, with a warning. Pure.
WantedState expand(const Manifest& manifest, std::span<const File> files, const Revision& revision);

/// `foo@.service` for `foo@2.service`; a name without instance is returned unchanged.
std::string template_name(const std::string& unit);

/// A digest of each service, by service name. The digest changes with contents and desired states of the service's
/// units, and not with the number of its nodes.
std::map<std::string, std::string, std::less<>> group_digests(const WantedState& wanted);

/// Reads the wanted state from a checkout. Throws Error as the source, read_manifest() and expand() do, and the
/// source's error for services.yaml itself.
WantedState read_wanted(Checkout& checkout, const Call& call);

}  // namespace deployer
