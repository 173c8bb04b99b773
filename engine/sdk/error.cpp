#include <deployer/error.hpp>

namespace deployer {

std::string_view to_string(ErrorKind kind) noexcept {
    switch (kind) {
        case ErrorKind::unavailable:
            return "unavailable";
        case ErrorKind::rejected:
            return "rejected";
        case ErrorKind::not_found:
            return "not_found";
        case ErrorKind::misconfigured:
            return "misconfigured";
        case ErrorKind::cancelled:
            return "cancelled";
        case ErrorKind::internal:
            return "internal";
    }
    return "internal";
}

Error::Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

// Out of line on purpose: it anchors the type's vtable and type information in this one library, so that an Error
// thrown by a plugin is the Error that the engine catches.
Error::~Error() = default;

Error Error::while_doing(std::string_view doing) const {
    Error error(kind_, std::string(doing) + ": " + what());
    error.retry_after_ = retry_after_;
    return error;
}

Error Error::with_retry_after(std::chrono::milliseconds pause) const {
    auto error = *this;
    error.retry_after_ = pause;
    return error;
}

}  // namespace deployer
