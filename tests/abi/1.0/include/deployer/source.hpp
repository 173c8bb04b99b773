#pragma once

#include <deployer/call.hpp>
#include <deployer/error.hpp>
#include <deployer/export.hpp>
#include <deployer/revision.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>
namespace deployer {
struct FileRequest {
    std::string location;
};
struct File {
    std::string content;
    std::optional<Error> error;
};
class Checkout {
public:
    virtual ~Checkout() = default;
    [[nodiscard]] virtual const Revision& revision() const = 0;
    virtual std::vector<File> read(std::span<const FileRequest> requests, const Call& call) = 0;
};
class Source {
public:
    virtual ~Source() = default;
    virtual std::unique_ptr<Checkout> checkout(const Revision& known, const Call& call) = 0;
    virtual void wait_for_change(const Call& call) {
        while (call.wait(call.remaining())) {
        }
    }
};
}  // namespace deployer
